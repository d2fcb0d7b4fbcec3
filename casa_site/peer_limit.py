"""How many threads one client may hold, so that others find some free."""

from collections import Counter, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

MOST_PER_PEER = 6
"""A browser opens six connections at a time; two of the eight threads stay free."""

T = TypeVar("T")


class PeerLimit(Generic[T]):
    """Lets so many of a peer's connections through; the others wait for their turn.

    For one thread at a time.
    """

    def __init__(self, most: int = MOST_PER_PEER) -> None:
        self._most = most
        self._open: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[T]] = {}

    def enter(self, peer: Hashable, connection: T) -> bool:
        """Whether the connection may go on now; else `leave` gives it back later."""
        if self._open[peer] < self._most:
            self._open[peer] += 1
            return True
        self._waiting.setdefault(peer, deque()).append(connection)
        return False

    def leave(self, peer: Hashable) -> T | None:
        """One that was let through has done its part: the next that may go on."""
        if waiting := self._waiting.get(peer):
            connection = waiting.popleft()
            if not waiting:
                del self._waiting[peer]
            return connection
        self._open[peer] -= 1
        if not self._open[peer]:
            del self._open[peer]
        return None
