"""How the gateway makes itself found in the house: mDNS (han-json-api.md 6).

Host names `smgw.local` and `<huid>.local`, and the service `_http._tcp` with the real
port, on IPv4 and IPv6.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import ifaddr
from zeroconf import InterfaceChoice, IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

SERVICE = "_http._tcp.local."
INSTANCE = "smgw consumerinterface"
HOST = "smgw.local."
_LOOK_EVERY_S = 60.0

Address = IPv4Address | IPv6Address
_log = logging.getLogger(__name__)


def services(
    huid: str, port: int, addresses: Collection[Address]
) -> tuple[ServiceInfo, ServiceInfo]:
    """What is announced: the consumer interface, under both host names."""
    packed = [address.packed for address in addresses]

    def info(instance: str, host: str) -> ServiceInfo:
        name = f"{instance}.{SERVICE}"
        return ServiceInfo(SERVICE, name, port=port, server=host, addresses=packed)

    return info(INSTANCE, HOST), info(huid, f"{huid}.local.")


def listening_addresses(host: str) -> list[Address]:
    """Where a server that listens on `host` can be reached, sorted; not by loopback
    when it listens everywhere."""
    listened = ip_address(host)
    if not listened.is_unspecified:
        return [listened]
    own = set(_own_addresses())
    if isinstance(listened, IPv4Address):
        own = {address for address in own if isinstance(address, IPv4Address)}
    return sorted(own, key=lambda address: (address.version, address.packed))


async def announce(huid: str, *, host: str, port: int, stop: asyncio.Event) -> None:
    """Announce until `stop` is set; a changed address is announced anew.

    Raises OSError when there is no network to announce in.
    """
    zeroconf = AsyncZeroconf(
        interfaces=_interfaces(host), ip_version=_version(ip_address(host))
    )
    try:
        await _keep_announced(zeroconf, huid, host, port, stop)
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


async def _keep_announced(
    zeroconf: AsyncZeroconf, huid: str, host: str, port: int, stop: asyncio.Event
) -> None:
    announced: Sequence[Address] = []
    while True:
        addresses = listening_addresses(host)
        if addresses != announced:
            for info in services(huid, port, addresses):
                known = zeroconf.zeroconf.registry.async_get_info_name(info.name)
                change = (
                    zeroconf.async_update_service(info)
                    if known
                    else zeroconf.async_register_service(info, allow_name_change=True)
                )
                await (await change)
            announced = addresses
            _log.info("announced in the house, %d addresses", len(addresses))
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await stop.wait()
            return
        except TimeoutError:
            continue


def _interfaces(host: str) -> InterfaceChoice | list[str]:
    listened = ip_address(host)
    return InterfaceChoice.All if listened.is_unspecified else [host]


def _version(listened: Address) -> IPVersion:
    if listened.is_unspecified and isinstance(listened, IPv6Address):
        return IPVersion.All
    return IPVersion.V6Only if isinstance(listened, IPv6Address) else IPVersion.V4Only


def _own_addresses() -> Iterator[Address]:
    for adapter in ifaddr.get_adapters():
        for found in adapter.ips:
            text = found.ip if isinstance(found.ip, str) else found.ip[0]
            address = ip_address(text.partition("%")[0])
            if not address.is_loopback:
                yield address
