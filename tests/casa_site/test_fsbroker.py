"""The embedded broker: nothing lost, nothing delivered twice to two consumers."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from casa_site import fsbroker
from casa_site.broker import FILE_BROKER_URL, file_options

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "queue"


@pytest.fixture
def connect(folder: Path) -> Iterator[Callable[[str], Connection]]:
    opened = []

    def connection(node: str) -> Connection:
        options = {**file_options(folder), "node": node}
        opened.append(Connection(FILE_BROKER_URL, transport_options=options))
        return opened[-1]

    yield connection
    for each in opened:
        each.release()


def send(connection: Connection, *bodies: Any) -> None:
    producer = connection.Producer(serializer="json")
    for body in bodies:
        producer.publish(body, routing_key="tariff", exchange="")


def start_consumer(
    folder: Path, node: str, *, how_many: int, acknowledges: bool
) -> subprocess.Popen[str]:
    options = {**file_options(folder), "node": node, "polling_interval": 0.01}
    words = [FILE_BROKER_URL, json.dumps(options), str(how_many)]
    words.append("yes" if acknowledges else "no")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.casa_site.queue_consumer", *words],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_message_waits_until_it_is_acknowledged(connect: Any, folder: Path) -> None:
    send(connect(""), {"n": 1})
    assert fsbroker.depths(folder) == {"tariff": 1}

    with connect("worker").channel() as channel:
        message = channel.basic_get("tariff")
        assert message.decode() == {"n": 1}
        assert fsbroker.depths(folder) == {"tariff": 0}
        assert len(list((folder / "in-flight" / "worker").iterdir())) == 1
        message.ack()

    assert list((folder / "in-flight" / "worker").iterdir()) == []


def test_messages_come_in_the_order_of_their_sending(connect: Any) -> None:
    send(connect(""), *({"n": n} for n in range(20)))
    with connect("worker").channel() as channel:
        got = [channel.basic_get("tariff").decode()["n"] for _ in range(20)]
    assert got == list(range(20))


def test_a_rejected_message_goes_back_into_its_queue(
    connect: Any, folder: Path
) -> None:
    send(connect(""), {"n": 1})
    with connect("worker").channel() as channel:
        channel.basic_get("tariff").requeue()
        assert fsbroker.depths(folder) == {"tariff": 1}
        channel.basic_get("tariff").reject()
    assert fsbroker.depths(folder) == {"tariff": 0}


def test_a_closing_consumer_gives_back_what_it_did_not_finish(
    connect: Any, folder: Path
) -> None:
    send(connect(""), {"n": 1})
    with connect("worker").channel() as channel:
        channel.basic_get("tariff")
    assert fsbroker.depths(folder) == {"tariff": 1}


@pytest.mark.faults
def test_the_task_of_a_killed_consumer_runs_again(connect: Any, folder: Path) -> None:
    send(connect(""), {"n": 1}, {"n": 2})
    consumer = start_consumer(folder, "worker", how_many=2, acknowledges=False)
    assert consumer.stdout is not None
    assert consumer.stdout.readline() == "1\n"
    consumer.kill()
    consumer.communicate()

    assert fsbroker.recover(folder, "other node") == 0
    assert fsbroker.recover(folder, "worker") == 1
    with connect("worker").channel() as channel:
        got = {channel.basic_get("tariff").decode()["n"] for _ in range(2)}
    assert got == {1, 2}


def test_two_consumers_at_speed_share_the_messages_without_a_loss(
    connect: Any, folder: Path
) -> None:
    consumers = [
        start_consumer(folder, node, how_many=300, acknowledges=True)
        for node in ("one", "two")
    ]
    connection = connect("")
    send(connection, *({"n": n} for n in range(600)))
    printed = [consumer.communicate(timeout=60)[0] for consumer in consumers]

    assert [consumer.returncode for consumer in consumers] == [0, 0]
    got = [int(line) for text in printed for line in text.splitlines()]
    assert sorted(got) == list(range(600))
    assert fsbroker.depths(folder) == {"tariff": 0}


@pytest.mark.parametrize("content", [b"", b'{"body": "eyJ', b"[]", b"\xff\xfe"])
def test_a_torn_file_is_set_aside_and_the_next_message_comes(
    connect: Any, folder: Path, content: bytes
) -> None:
    (folder / "tariff").mkdir(parents=True)
    (folder / "tariff" / "00000000000000000001_torn.msg").write_bytes(content)
    send(connect(""), {"n": 1})

    with connect("worker").channel() as channel:
        message = channel.basic_get("tariff")
        assert message.decode() == {"n": 1}
        message.ack()
    assert len(list((folder / "unreadable").iterdir())) == 1


def test_an_unfinished_file_is_not_delivered(connect: Any, folder: Path) -> None:
    (folder / "tariff").mkdir(parents=True)
    (folder / "tariff" / ".00000000000000000001_new.msg").write_bytes(b"{")
    with connect("worker").channel() as channel, pytest.raises(Empty):
        channel._get("tariff")


def test_folders_and_files_are_for_the_owner_only(connect: Any, folder: Path) -> None:
    send(connect(""), {"n": 1})
    (file,) = (folder / "tariff").iterdir()
    assert json.loads(file.read_bytes())["properties"]["delivery_tag"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "tariff").stat().st_mode) == 0o700
    with connect("worker").channel() as channel:
        channel._get("tariff")
    for made in (folder, folder / "in-flight", folder / "in-flight" / "worker"):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
