"""A time server of a gateway administrator: NTP packets inside TLS (wan.md 6.1).

Only for demo and tests. It can be made to misbehave in each way that a gateway has to
notice.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from hardware import ntp
from hardware.tls_profile import Clients, FileIdentity, server_context

_PATIENCE_S = 20.0
_LOOK_AGAIN_S = 0.2


class Mischief(Enum):
    """What a faulty server does to its answers."""

    NONE = "none"
    SHORT = "short"
    LONG = "long"
    OLD_VERSION = "old_version"
    WRONG_MODE = "wrong_mode"
    ALARM = "alarm"
    WRONG_COOKIE = "wrong_cookie"
    KISS_OF_DEATH = "kiss_of_death"
    NO_TIMESTAMP = "no_timestamp"
    CLOSES = "closes"
    SILENT = "silent"


@dataclass(slots=True)
class TimeServerState:
    """What a server says: `clock` plus `error`, spoilt by `mischief`."""

    clock: Callable[[], datetime]
    error: timedelta = timedelta()
    mischief: Mischief = Mischief.NONE
    asked: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, packet: bytes) -> bytes | None:
        """What goes back for a request; None for silence, b"" closes."""
        with self._lock:
            self.asked += 1
        if self.mischief is Mischief.SILENT:
            return None
        if self.mischief is Mischief.CLOSES or len(packet) != ntp.PACKET_BYTES:
            return b""
        at = self.clock() + self.error
        return _spoilt(
            ntp.answer_packet(packet, received_at=at, sent_at=at), self.mischief
        )


def serve(
    state: TimeServerState,
    listener: socket.socket,
    files: tuple[Path, Path],
    stop: threading.Event,
) -> None:
    """Answer until `stop` is set; one thread for each connection."""
    context = server_context(FileIdentity(*files), clients=Clients.ANONYMOUS)
    listener.settimeout(_LOOK_AGAIN_S)
    while not stop.is_set():
        try:
            plain, _peer = listener.accept()
        except TimeoutError:
            continue
        threading.Thread(
            target=_talk, args=(state, context, plain, stop), daemon=True
        ).start()


@contextmanager
def running(
    state: TimeServerState, files: tuple[Path, Path]
) -> Iterator[tuple[str, int]]:
    """A server in a thread on a free port; gives host and port."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        thread = threading.Thread(target=serve, args=(state, listener, files, stop))
        thread.start()
        try:
            yield host, port
        finally:
            stop.set()
            thread.join()


def _talk(
    state: TimeServerState,
    context: ssl.SSLContext,
    plain: socket.socket,
    stop: threading.Event,
) -> None:
    plain.settimeout(_PATIENCE_S)
    try:
        with plain, context.wrap_socket(plain, server_side=True) as channel:
            while packet := channel.recv(ntp.PACKET_BYTES):
                answer = state.answer(packet)
                if answer is None:
                    stop.wait(_PATIENCE_S)
                if not answer:
                    return
                channel.sendall(answer)
                if len(answer) < ntp.PACKET_BYTES:
                    return
    except OSError:
        return  # the peer went away or is not allowed


def _spoilt(packet: bytes, mischief: Mischief) -> bytes:
    changed = bytearray(packet)
    if mischief is Mischief.OLD_VERSION:
        changed[0] = 3 << 3 | ntp.SERVER
    elif mischief is Mischief.WRONG_MODE:
        changed[0] = ntp.VERSION << 3 | ntp.CLIENT
    elif mischief is Mischief.ALARM:
        changed[0] |= ntp.ALARM << 6
    elif mischief is Mischief.WRONG_COOKIE:
        changed[24] ^= 1
    elif mischief is Mischief.KISS_OF_DEATH:
        changed[1] = 0
    elif mischief is Mischief.NO_TIMESTAMP:
        changed[40:48] = bytes(8)
    elif mischief is Mischief.SHORT:
        del changed[-1:]
    elif mischief is Mischief.LONG:
        changed += b"\0"
    return bytes(changed)
