"""The processes of a gateway: how they start, what survives a kill, how they end."""

import contextlib
import os
import signal
import socket
import ssl
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from casa_site import processes
from casa_site.readiness import life_file
from tests.flows.running import RunningGateway, children_of, wait_for_end

pytestmark = pytest.mark.slow

NEEDED = {"han", "lmn", "worker", "beat"}
ROLES = NEEDED | {"house", "cls", "gwa", "service", "wakeup"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One that all tests use which leave it running."""
    state = tmp_path_factory.mktemp("gateway") / "state"
    with RunningGateway(state, "--no-demo") as running:
        running.wait_for("CASA ready https://")
        yield running


def test_a_fresh_state_folder_becomes_a_gateway(gateway: RunningGateway) -> None:
    answer = httpx.get(f"{gateway.url}/json/metering/origin/", verify=False)
    assert answer.status_code == 401
    state = gateway.state
    huid = (state / "huid").read_text()
    assert f'realm="{huid}"' in answer.headers["www-authenticate"]
    assert gateway.pids().keys() == ROLES
    assert {row["state"] for row in gateway.services()} == {"ready"}
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    made = [path for path in state.rglob("*") if path.is_file() or path.is_dir()]
    assert [path for path in made if path.stat().st_mode & 0o077] == []
    assert (state / "casa.sqlite3").read_bytes()[:6] != b"SQLite"


@pytest.mark.req("R134")
def test_every_role_shows_life_again_and_again(gateway: RunningGateway) -> None:
    """R134: by the loop that does its work; the limit of the self-test is 10 s."""
    files = [life_file(gateway.state, role) for role in sorted(ROLES)]
    before = {file: file.stat().st_mtime_ns for file in files}
    gateway.wait_until(
        lambda: all(file.stat().st_mtime_ns > shown for file, shown in before.items()),
        "a sign of life of every role",
    )


@pytest.mark.req("R112")
def test_the_han_speaks_tls_1_2_and_nothing_older(gateway: RunningGateway) -> None:
    """R112: TLS 1.2 with a self-signed certificate works, TLS 1.1 is refused."""
    for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"):
        context = tls_client(ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(suite)
        assert handshake(context, gateway.port) == suite
    old = tls_client(ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        handshake(old, gateway.port)


def tls_client(newest: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = newest
    return context


def handshake(context: ssl.SSLContext, port: int) -> str:
    """The suite that client and server agree on."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain) as secure,
    ):
        cipher = secure.cipher()
        assert cipher is not None
        return cipher[0]


def test_silent_clients_hold_nobody_up(gateway: RunningGateway) -> None:
    """More of them than the server has threads: before and after the handshake."""
    context = tls_client(ssl.TLSVersion.TLSv1_3)
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            address = ("127.0.0.1", gateway.port)
            stack.enter_context(socket.create_connection(address))
            plain = stack.enter_context(socket.create_connection(address))
            stack.enter_context(context.wrap_socket(plain))
        answer = httpx.get(f"{gateway.url}/json/", verify=False, timeout=10)
        assert answer.status_code in {401, 404}


def test_a_taken_port_is_named_in_one_sentence(state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with RunningGateway(state, "--no-demo", port=port) as running:
            assert running.wait_for_exit(within_s=20) == 1
    assert running.output.strip() == (
        f"casa: port {port} on 127.0.0.1 cannot be used (Address already in use); "
        "free it or choose another with --han-port."
    )


def test_a_second_gateway_on_one_state_folder_is_refused(
    gateway: RunningGateway,
) -> None:
    with RunningGateway(gateway.state, "--no-demo") as second:
        assert second.wait_for_exit(within_s=20) == 1
    pid = gateway.process.pid
    assert f"another ./casa up (process {pid}) runs on" in second.output


@pytest.mark.faults
def test_every_killed_process_runs_again_and_the_others_go_on(
    gateway: RunningGateway,
) -> None:
    for role in sorted(NEEDED):
        before = gateway.pids()
        os.kill(before[role], signal.SIGKILL)
        gateway.wait_for(f"{role} ended (signal 9), starts again in 0.5 s")
        gateway.wait_for("CASA ready", within_s=10)
        after = gateway.pids()
        of_it = {name for name in ROLES if before[name] == before[role]}
        assert {name for name in ROLES if before[name] != after[name]} == of_it
    assert httpx.get(f"{gateway.url}/json/", verify=False).status_code in {401, 404}


@pytest.mark.faults
def test_a_killed_web_worker_is_replaced_by_its_master(gateway: RunningGateway) -> None:
    master = gateway.pids()["han"]
    (worker,) = children_of(master)
    os.kill(worker, signal.SIGKILL)
    gateway.wait_until(
        lambda: children_of(master) not in ([], [worker]), "a new web worker"
    )
    gateway.wait_until(lambda: answers(gateway), "an answer of the HAN")
    assert gateway.pids()["han"] == master


@pytest.mark.faults
def test_the_death_of_the_supervisor_ends_all_and_the_next_start_goes_on(
    state: Path,
) -> None:
    with RunningGateway(state, "--no-demo") as first:
        first.wait_for("CASA ready")
        descriptors = descriptors_of_all(first)
        huid = (state / "huid").read_text()
        first.process.kill()
        for descriptor in descriptors:
            wait_for_end(descriptor)

    with RunningGateway(state, "--no-demo") as again:
        again.wait_for("CASA ready", within_s=20)
        assert (state / "huid").read_text() == huid
        assert_sigterm_ends(again)


def assert_sigterm_ends(gateway: RunningGateway) -> None:
    """Every process is gone within ten seconds, and nothing says it runs."""
    descriptors = descriptors_of_all(gateway)
    gateway.stop()
    assert gateway.wait_for_exit(within_s=10) == 0
    for descriptor in descriptors:
        wait_for_end(descriptor, within_s=0.1)
    assert list((gateway.state / "run").iterdir()) == []


def descriptors_of_all(gateway: RunningGateway) -> list[int]:
    pids = list(gateway.pids().values())
    pids += [child for pid in pids for child in children_of(pid)]
    return [os.pidfd_open(pid) for pid in pids]


@pytest.mark.faults
def test_a_process_that_dies_all_the_time_is_shown_as_failed(state: Path) -> None:
    state.mkdir()
    with RunningGateway(state, "--no-demo") as running:
        running.wait_for("CASA ready")
        # Its certificate's key cannot be read: the HAN dies at each start.
        (state / "tls" / "han.key").write_text("no key")
        os.kill(running.pids()["han"], signal.SIGKILL)
        running.wait_for("han has FAILED", within_s=40)
        assert not (state / "run" / "casa.ready").exists()
        states = {row["name"]: row["state"] for row in running.services()}
        assert states.pop("han") == "failed"
        assert set(states.values()) == {"ready"}


def test_a_child_dies_with_its_parent() -> None:
    reading, writing = os.pipe()

    def parent() -> None:
        child = processes.fork_child(signal.pause)
        os.write(writing, str(child).encode())
        signal.pause()

    pid = processes.fork_child(parent)
    descriptor = os.pidfd_open(int(os.read(reading, 16)))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    wait_for_end(descriptor)
    os.close(reading)
    os.close(writing)


def answers(gateway: RunningGateway) -> bool:
    try:
        httpx.get(f"{gateway.url}/json/metering/origin/", verify=False)
    except httpx.TransportError:
        return False
    return True
