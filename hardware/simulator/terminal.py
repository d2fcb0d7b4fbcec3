"""A pseudo-terminal: the far end of a serial port that exists only in software."""

import os
import select
import termios
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Self

_LARGEST_READ = 4096
_LISTENER_WAIT_S = 0.2
_SPEEDS = {
    termios.B300: 300,
    termios.B600: 600,
    termios.B1200: 1200,
    termios.B2400: 2400,
    termios.B4800: 4800,
    termios.B9600: 9600,
    termios.B19200: 19_200,
}


class PseudoTerminal:
    """Two raw ends; the gateway opens `port`, the simulator holds the other one.

    With `path` the port is also reachable under that name (a symbolic link), which
    stays the same over restarts. Use it as a context, or call `close`.
    """

    def __init__(self, path: Path | None = None) -> None:
        # The port's own end stays open here: else the far end would get an error as
        # soon as a gateway closes the port.
        self._far, self._near = os.openpty()
        tty.setraw(self._far)
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        self.port = os.ttyname(self._near)
        self._path = path
        if path is not None:
            path.unlink(missing_ok=True)
            path.symlink_to(self.port)
            self.port = str(path)
        self._poll = select.poll()
        self._poll.register(self._far, select.POLLIN)

    def read(self, timeout_s: float) -> bytes:
        """What the gateway wrote, b'' when nothing came within the timeout."""
        if not self._poll.poll(timeout_s * 1000):
            return b""
        return os.read(self._far, _LARGEST_READ)

    def write(self, data: bytes) -> None:
        """Send `data` to the gateway; what nobody reads for a while is lost."""
        while data:
            try:
                data = data[os.write(self._far, data) :]
            except BlockingIOError:
                if not select.select([], [self._far], [], _LISTENER_WAIT_S)[1]:
                    return

    def baudrate(self) -> int | None:
        """The speed the gateway has set, None for one above 19,200 baud.

        No byte of a pseudo-terminal depends on it: whoever plays a line must.
        """
        return _SPEEDS.get(termios.tcgetattr(self._far)[5])

    def close(self) -> None:
        """Close both ends and take the name away."""
        os.close(self._far)
        os.close(self._near)
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ServedTerminal:
    """A pseudo-terminal with a thread of its own that plays what is behind it.

    `serve` works on the terminal until its event is set; the port stays open when it
    ends earlier. Use it as a context; the gateway opens `port`.
    """

    def __init__(
        self,
        serve: Callable[[PseudoTerminal, threading.Event], object],
        path: Path | None = None,
    ) -> None:
        self._terminal = PseudoTerminal(path)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=serve, args=(self._terminal, self._stop), daemon=True
        )
        self.port = self._terminal.port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._terminal.close()
