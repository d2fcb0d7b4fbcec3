"""How often and when a meter that fails is tried again (lmn-wired.md 6)."""

from collections.abc import Callable

TLS_BACK_OFF_S = (1.0, 5.0, 15.0)
"""Pauses after the first, second, and every later failed handshake."""
TLS_TRIES = 3
PAIRING_TRIES = 3
FIRST_PAIRING_PAUSE_S = 60.0
LONGEST_PAIRING_PAUSE_S = 3600.0


class TlsPatience:
    """Failed handshakes in a row, and the pause after each."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._over_at = monotonic()
        self.failures = 0

    @property
    def is_over(self) -> bool:
        """Whether the pause is over."""
        return self._monotonic() >= self._over_at

    def failed(self) -> bool:
        """Note a failure; whether it is the third in a row, the sixth, and so on."""
        pause_s = TLS_BACK_OFF_S[min(self.failures, len(TLS_BACK_OFF_S) - 1)]
        self._over_at = self._monotonic() + pause_s
        self.failures += 1
        return self.failures % TLS_TRIES == 0

    def succeeded(self) -> None:
        """All is well: no pause, and the count begins anew."""
        self._over_at = self._monotonic()
        self.failures = 0


class PairingPatience:
    """Three tries, then a pause of a minute that doubles up to an hour."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._over_at = monotonic()
        self._tries = 0
        self._pause_s = FIRST_PAIRING_PAUSE_S

    @property
    def is_over(self) -> bool:
        """Whether the pause is over."""
        return self._monotonic() >= self._over_at

    def failed(self) -> None:
        """Note a try without success."""
        self._tries += 1
        if self._tries % PAIRING_TRIES == 0:
            self._over_at = self._monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAIRING_PAUSE_S)

    def succeeded(self) -> None:
        """All is well: the next trouble begins with short pauses."""
        self._tries = 0
        self._pause_s = FIRST_PAIRING_PAUSE_S
        self._over_at = self._monotonic()
