"""What a role prints, passed on line by line with the time and its name."""

import os
import sys
from datetime import datetime

_CHUNK = 65536


def say(text: str, *, role: str = "casa") -> None:
    """Print one line of a role, or of the supervisor itself."""
    print_line(f"{datetime.now().astimezone():%H:%M:%S} {role:12} | {text}")


def print_line(text: str) -> None:
    """Print a line as it is; when nobody reads any more, the gateway goes on."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        return


class Output:
    """The reading end of one role's pipe."""

    def __init__(self, descriptor: int, role: str) -> None:
        self._descriptor = descriptor
        self._role = role
        self._rest = b""

    def pass_on(self) -> bool:
        """Print the whole lines that have come; False at the end of the pipe."""
        data = os.read(self._descriptor, _CHUNK)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data and self._rest:
            lines.append(self._rest)
        for line in filter(bytes.strip, lines):
            say(line.decode(errors="replace"), role=self._role)
        return bool(data)
