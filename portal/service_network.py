"""Addresses of the HAN as a basic setting: by the router, or fixed ones (R92, R111).

The administrator has the same setting in an app beside this one; the roof hands in
what reaches it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hardware.gateway import Gateway


class HanNetworkRefused(ValueError):
    """The addresses stay as they are; the text says why."""


class HanAddressesInvalid(HanNetworkRefused):
    """What was given is no address with its network, or too many of them."""


@dataclass(frozen=True, slots=True)
class HanNetworkState:
    """`addresses` with their network; `returns_at` is set while a change is on trial.

    `is_ours`: whether the service role made that change, so that it may keep it.
    """

    dhcp: bool
    addresses: Sequence[str]
    returns_at: datetime | None = None
    is_ours: bool = False


class HanNetworkSetting(Protocol):
    """What the roof hands in."""

    def is_settable(self) -> bool:
        """Whether the gateway may set addresses on this host."""
        ...

    def current(self) -> HanNetworkState:
        """How it stands."""
        ...

    def change(
        self, gateway: Gateway, *, dhcp: bool, addresses: Sequence[str], now: datetime
    ) -> None:
        """Set it on trial; raises HanNetworkRefused."""
        ...

    def keep(self) -> bool:
        """End the trial of a change of ours, which stays then; False without one."""
        ...
