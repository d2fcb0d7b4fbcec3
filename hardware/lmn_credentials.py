"""What the wired side has to remember of its meters; who keeps it is for others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hardware.lmn_certificates import LmnCurve, LmnIdentity


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the gateway and one meter know each other by; both keys on one curve."""

    gateway: LmnIdentity
    meter_certificate: bytes


class CredentialStore(Protocol):
    """Keeps keys, counters and certificates of the meters over restarts.

    Meters are named by their server ids. What a method was told is kept when it
    returns: a counter that was used once must never be used again. Every method may
    raise StoreUnreachable.
    """

    def device_id(self, server_id: bytes) -> str:
        """The 14 characters that a meter's certificate is made out to."""
        ...

    def master_key(self, server_id: bytes) -> bytes | None:
        """The meter's key for pairing (MK); None when nobody told the gateway."""
        ...

    def next_counter(self, server_id: bytes) -> int:
        """A counter for a pairing message, higher than all before."""
        ...

    def candidates(self, server_id: bytes) -> Sequence[Credentials]:
        """What the meter may know, likeliest first; empty when it is not paired.

        More than one while it is not certain that a renewal reached the meter.
        """
        ...

    def propose(self, server_id: bytes, credentials: Credentials) -> None:
        """These are on their way to the meter; those before may still be in force."""

    def confirm(self, server_id: bytes, credentials: Credentials) -> None:
        """The meter has them: they are in force, and all others are not."""

    def gateway_identity(self, curve: LmnCurve, now: datetime) -> LmnIdentity:
        """The gateway's newest identity on a curve, made where there is none."""
        ...

    def due_for_renewal(self, now: datetime) -> Collection[bytes]:
        """The paired meters whose certificates are to be renewed."""
        ...
