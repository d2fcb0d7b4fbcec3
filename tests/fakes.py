"""Stand-ins for hardware: links that play a script, time that a test moves."""

from collections.abc import Iterable

Script = bytes | float
"""Bytes that arrive together, or seconds of silence."""


class Ticker:
    """Monotonic time that passes only when somebody waits."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class ScriptedLink:
    """A Link that expects each request in turn and plays the recorded answer."""

    def __init__(
        self,
        exchanges: Iterable[tuple[bytes, Script | list[Script]]],
        ticker: Ticker | None = None,
    ) -> None:
        self._exchanges = list(exchanges)
        self._arriving: list[Script] = []
        self.ticker = ticker or Ticker()
        self.sent: list[bytes] = []

    @property
    def is_finished(self) -> bool:
        """Whether every exchange took place and every answer was fetched."""
        return not self._exchanges and not self._arriving

    def write(self, data: bytes) -> None:
        assert self._exchanges, f"sent {data.hex()}, expected nothing more"
        expected, answer = self._exchanges.pop(0)
        assert data == expected, f"sent {data.hex()}, expected {expected.hex()}"
        self.sent.append(data)
        self._arriving = list(answer) if isinstance(answer, list) else [answer]

    def read(self, timeout_s: float) -> bytes:
        """The next bytes of the answer; silence costs no real time."""
        if self._arriving and isinstance(self._arriving[0], bytes):
            data = self._arriving.pop(0)
            assert isinstance(data, bytes)
            return data
        if not self._arriving:
            self.ticker.now += timeout_s
            return b""
        silence = self._arriving[0]
        assert isinstance(silence, float)
        self.ticker.now += min(silence, timeout_s)
        if silence > timeout_s:
            self._arriving[0] = silence - timeout_s
            return b""
        self._arriving.pop(0)
        return self.read(timeout_s - silence)
