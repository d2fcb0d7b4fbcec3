"""The serial link on a pseudo-terminal and on a socket."""

import socket
from pathlib import Path

import pytest

from hardware.errors import PortNotOpen, PortVanished
from hardware.link import SerialLink
from hardware.simulator.terminal import PseudoTerminal


def read_all(link: SerialLink, count: int) -> bytes:
    """Read until so many bytes came, or none for a second."""
    data = b""
    while len(data) < count and (piece := link.read(1.0)):
        data += piece
    return data


def test_bytes_go_through_unchanged_in_both_directions() -> None:
    everything = bytes(range(256)) * 8
    with PseudoTerminal() as terminal:
        link = SerialLink.open(terminal.port)
        terminal.write(everything)
        assert read_all(link, len(everything)) == everything
        link.write(everything[:1000])
        heard = b""
        while len(heard) < 1000:
            heard += terminal.read(1.0)
        assert heard == everything[:1000]
        link.close()


def test_nothing_heard_is_empty() -> None:
    with PseudoTerminal() as terminal:
        link = SerialLink.open(terminal.port, 9600)
        assert link.read(0.0) == b""
        assert link.read(0.001) == b""
        link.close()


def test_a_port_may_have_a_name_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "ttyLMN1"
    for _ in range(2):
        with PseudoTerminal(path) as terminal:
            link = SerialLink.open(str(path))
            terminal.write(b"here")
            assert read_all(link, 4) == b"here"
            link.close()
    assert not path.is_symlink()


def test_a_port_has_one_owner() -> None:
    with PseudoTerminal() as terminal:
        first = SerialLink.open(terminal.port)
        with pytest.raises(PortNotOpen):
            SerialLink.open(terminal.port)
        first.close()
        SerialLink.open(terminal.port).close()


@pytest.mark.req("R28")
@pytest.mark.parametrize("port", ["/dev/ttyNOWHERE", "socket://127.0.0.1:1", "what://"])
def test_a_port_that_cannot_be_opened_is_100702(port: str) -> None:
    """Proves of R28: code 100702."""
    with pytest.raises(PortNotOpen) as raised:
        SerialLink.open(port)
    assert raised.value.code == 100702


@pytest.mark.req("R28")
def test_a_port_that_vanishes_in_use_is_100703() -> None:
    """Proves of R28: code 100703, when reading and when writing."""
    terminal = PseudoTerminal()
    link = SerialLink.open(terminal.port)
    terminal.close()
    with pytest.raises(PortVanished) as raised:
        link.read(1.0)
    assert raised.value.code == 100703
    with pytest.raises(PortVanished):
        link.write(b"anyone?")
    link.close()
    with pytest.raises(PortVanished):
        link.read(0.0)


def test_a_socket_is_a_link_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = SerialLink.open(f"socket://127.0.0.1:{server.getsockname()[1]}")
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"from afar")
            assert read_all(link, 9) == b"from afar"
            link.write(b"and back")
            assert peer.recv(100) == b"and back"
        with pytest.raises(PortVanished):
            link.read(1.0)
        link.close()
