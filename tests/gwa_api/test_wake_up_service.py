"""A good datagram opens the channel; over it the GWA uses the API of the listener."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from casa_site.gwa_server import facts_about
from gwa_api import management_channel
from gwa_api.channel_server import LARGEST_BODY
from gwa_api.models import ManagementState
from gwa_api.peers import wake_up_call
from gwa_api.peers.management_server import ManagementChannel, ManagementServer
from gwa_api.peers.peer_keys import PeerKeys
from gwa_api.rest.routes import ALL
from gwa_api.wake_up_service import (
    CLOSED,
    TAKES_NOTHING,
    WRONG_PORT,
    WakeUpService,
    fault_of,
)
from gwa_api.wsgi import GwaApplication
from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, raise_alarm
from logbooks.certificate_store import Holder
from logbooks.models import SystemLogEntry
from tests.gwa_api.wan_parties import GWA, Wan, serving
from tests.tariffs.builders import utc

NOW = utc("2026-02-27 23:00")
DEVICE = "/gwa/v1/device"


@pytest.fixture
def wan(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wan:
    """A gateway with certificates whose clock stands still."""
    monkeypatch.setattr(type(gateway.clock), "now", lambda _self: NOW)
    return Wan.around(gateway, tmp_path / "wan", NOW)


@pytest.fixture
def keys(wan: Wan) -> PeerKeys:
    """The administrator's."""
    return wan.party(GWA, Holder.GWA)


class Asking:
    """What the GWA does with a channel: it asks, and keeps what it hears."""

    def __init__(self, *questions: tuple[str, str, bytes | None]) -> None:
        self.questions = questions or (("GET", DEVICE, None),)
        self.headers: dict[str, str] = {}
        self.heard: list[Any] = []
        self.has_ended = threading.Event()

    def __call__(self, channel: ManagementChannel) -> None:
        self.has_ended.clear()
        try:
            for method, path, body in self.questions:
                answer = channel.ask(method, path, body, self.headers)
                self.heard.append(answer)
        finally:
            self.has_ended.set()


@pytest.fixture
def asking(wan: Wan, keys: PeerKeys) -> Iterator[Asking]:
    """The GWA waits for management channels, and the gateway knows where."""
    asking = Asking()
    server = ManagementServer(keys, ("127.0.0.1", 0), asking, clock=wan.now)
    with serving(server):
        wan.way(1, management_addresses=(f"127.0.0.1:{server.port}",))
        yield asking


def application(gateway: Gateway) -> GwaApplication:
    return GwaApplication(gateway, per_minute=0, facts=facts_about(gateway))


async def woken(gateway: Gateway, keys: PeerKeys, messages: int = 1) -> None:
    """Run the service, wake it, wait for the end of the channel, stop it."""
    service = WakeUpService(gateway, application(gateway), host="127.0.0.1", port=0)
    stop = asyncio.Event()
    running = asyncio.create_task(service.run(stop))
    async with asyncio.timeout(20):
        await service.listens.wait()
        for _ in range(messages):
            wake_up_call.wake(keys, gateway.huid, "127.0.0.1", service.port, now=NOW)
        await service.opened.acquire()
    stop.set()
    await running


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("R163")
def test_a_wake_up_opens_the_channel_and_the_gwa_asks_over_it(
    wan: Wan, keys: PeerKeys, asking: Asking
) -> None:
    """R163: datagram, signature, dial, TLS both ways, then the API of the listener."""
    ManagementState.objects.create(pk=1, last_opened_at=NOW)  # the schedule is content
    asyncio.run(woken(wan.gateway, keys))
    (answer,) = asking.heard
    assert answer.status == 200
    assert json.loads(answer.body)["huid"] == wan.gateway.huid
    assert ManagementState.objects.get().last_wake_up == NOW


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("R162", "R91")
def test_the_channel_serves_the_same_api_under_the_same_checks(
    wan: Wan, keys: PeerKeys, asking: Asking
) -> None:
    """R91: several requests on one channel, with bodies; each stands in the log."""
    asking.questions = (
        ("GET", DEVICE, None),
        ("GET", "/gwa/v1/nothing", None),
        ("DELETE", DEVICE, None),
        ("POST", "/gwa/v1/self-tests", b"no json"),
    )
    assert served(wan) == 4
    statuses = [one.status for one in asking.heard]
    assert statuses[0] == 200
    assert statuses[1:3] == [404, 405]
    assert 400 <= statuses[3] < 500
    assert SystemLogEntry.objects.filter(arguments__0="GET").exists()


def served(wan: Wan, **more: Any) -> int | None:
    return management_channel.serve_administrator(
        wan.gateway, application(wan.gateway), now=NOW, **more
    )


@pytest.mark.django_db
@pytest.mark.req("R69")
def test_a_peer_that_is_not_the_gwa_is_never_served(
    wan: Wan, keys: PeerKeys, asking: Asking
) -> None:
    """R69: another partner of the same PKI waits at the address."""
    other = wan.party("emt-0009")
    for kind in ("pem", "key"):
        name = f"tls.{kind}"
        content = (other.state / "own" / name).read_bytes()
        (keys.state / "own" / name).write_bytes(content)
    assert served(wan) is None
    assert asking.heard == []
    assert SystemLogEntry.objects.filter(event_id=2200044).exists()


@pytest.mark.django_db
def test_a_silent_channel_is_closed(wan: Wan, asking: Asking) -> None:
    asking.questions = ()
    assert served(wan, idle_s=0.05) == 0


def test_a_channel_takes_as_much_as_the_listener() -> None:
    """R91: the API is the same, so is its largest request."""
    assert max(route.largest for route in ALL) == LARGEST_BODY


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("R159")
def test_a_channel_that_is_worn_ends_with_its_next_answer(
    wan: Wan, keys: PeerKeys, asking: Asking
) -> None:
    """wan.md 2: 48 hours; here none. The peer hears it and dials no further."""
    asking.questions = (("GET", DEVICE, None),) * 2
    assert served(wan, longest_s=0.0) == 1
    assert asking.has_ended.wait(30)
    assert [one.status for one in asking.heard] == [200]


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("R111")
def test_the_next_channel_proves_that_a_change_of_the_network_works(
    wan: Wan, asking: Asking, tmp_path: Path, settings: Any
) -> None:
    """The channel of the change itself proves nothing, one that comes after it does."""
    setter = tmp_path / "setter"
    setter.write_text("#!/bin/sh\ncat > /dev/null\n")
    setter.chmod(0o700)
    settings.HAN_SETTER = str(setter)
    network = b'{"addresses": ["192.168.2.10/24"], "dhcp": false}'
    read = ("GET", "/gwa/v1/network/han", None)
    asking.questions = (("PUT", "/gwa/v1/network/han", network), read)
    asking.headers = {"If-Match": '"0"', "Content-Type": "application/json"}
    assert served(wan) == 2
    asking.questions, asking.headers = (read,), {}
    assert served(wan) == 1
    returns = [json.loads(one.body)["returns_at"] for one in asking.heard]
    assert returns[0] and returns[1] == returns[0]
    assert returns[2] is None


@pytest.mark.django_db
@pytest.mark.req("R162")
def test_alarm_and_schedule_ask_for_the_channel(wan: Wan) -> None:
    """A new alarm does so once, the schedule every day; nothing without an address."""
    day, hour = timedelta(days=1), timedelta(hours=1)
    wan.way(1)
    assert not management_channel.is_due(NOW)
    wan.way(1, management_addresses=("127.0.0.1:1",))
    assert management_channel.is_due(NOW)
    assert served(wan) is None  # nobody is there: the next attempt is not at once
    assert not management_channel.is_due(NOW + hour)
    assert management_channel.is_due(NOW + day)
    raise_alarm(AlarmKind.STORAGE_LOW, code=1900082, now=NOW)
    assert not management_channel.is_due(NOW + timedelta(minutes=1))
    assert management_channel.is_due(NOW + hour)
    served(wan)
    assert not management_channel.is_due(NOW + hour)


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("R163")
def test_a_port_that_is_taken_is_a_fault_that_locks(
    wan: Wan, keys: PeerKeys, asking: Asking
) -> None:
    """R163: 1000011 once; when the port is free again it listens."""

    async def tried(port: int) -> None:
        gateway = wan.gateway
        service = WakeUpService(
            gateway, application(gateway), host="127.0.0.1", port=port
        )
        await service._look()
        await service._look()
        taken.close()
        await service._look()
        assert service.listens.is_set()
        service._stop_listening()

    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    ManagementState.objects.create(pk=1, last_opened_at=NOW)
    asyncio.run(tried(taken.getsockname()[1]))
    assert SystemLogEntry.objects.filter(event_id=TAKES_NOTHING).count() == 1


@pytest.mark.req("R163")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(98, "in use"), TAKES_NOTHING),
        (OSError(13, "not allowed"), WRONG_PORT),
        (OSError(99, "no such address"), WRONG_PORT),
        (OSError(24, "too many files"), CLOSED),
    ],
)
def test_each_reason_not_to_listen_has_its_code(error: OSError, code: int) -> None:
    assert fault_of(error) == code
