"""The addresses of the HAN for the technician, by the administrator's service."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from gwa_api import han_network
from gwa_api.han_network import SERVICE, Network, NotChanged
from hardware.gateway import Gateway
from portal.service_network import (
    HanAddressesInvalid,
    HanNetworkRefused,
    HanNetworkState,
)
from tariffs.profile_spec import ProfileInvalid


class ServiceNetwork:
    """A `portal.service_network.HanNetworkSetting`."""

    def is_settable(self) -> bool:
        """Whether the operator named a program that sets addresses."""
        return bool(settings.HAN_SETTER)

    def current(self) -> HanNetworkState:
        """The row that the administrator sees as well."""
        row = han_network.current()
        return HanNetworkState(
            row.dhcp, row.addresses, row.returns_at, row.changed_over == SERVICE
        )

    def change(
        self, gateway: Gateway, *, dhcp: bool, addresses: Sequence[str], now: datetime
    ) -> None:
        """On trial, with the host names of before; raises HanNetworkRefused."""
        names = han_network.current().host_names
        wanted = Network(addresses, names, dhcp)
        try:
            han_network.change(gateway, wanted, over=SERVICE, now=now)
        except ProfileInvalid as invalid:
            raise HanAddressesInvalid(str(invalid)) from None
        except NotChanged as error:
            raise HanNetworkRefused(str(error)) from None

    def keep(self) -> bool:
        """End the trial."""
        return han_network.keep(over=SERVICE)
