"""The gateway is found by mDNS."""

import asyncio
from ipaddress import ip_address

import pytest
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from portal.announcement import (
    HOST,
    INSTANCE,
    SERVICE,
    announce,
    listening_addresses,
    services,
)

HUID = "eemh0009264154"


@pytest.mark.req("R110")
def test_both_host_names_stand_for_the_same_addresses():
    """`smgw.local` and `<huid>.local`, the real port, an empty TXT record."""
    addresses = [ip_address("192.0.2.7"), ip_address("fe80::1")]
    first, second = services(HUID, 8443, addresses)
    assert (first.name, first.server, first.port) == (
        f"{INSTANCE}.{SERVICE}",
        "smgw.local.",
        8443,
    )
    assert second.server == f"{HUID}.local."
    for info in (first, second):
        assert info.parsed_addresses() == ["192.0.2.7", "fe80::1"]
        assert info.properties == {}


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.7", "fe80::1"])
def test_a_server_with_one_address_is_announced_there(host: str):
    assert listening_addresses(host) == [ip_address(host)]


def test_a_server_that_listens_everywhere_is_not_announced_on_loopback():
    for host in ("0.0.0.0", "::"):
        found = listening_addresses(host)
        assert not any(address.is_loopback for address in found)
    assert all(one.version == 4 for one in listening_addresses("0.0.0.0"))


@pytest.mark.slow
@pytest.mark.req("R110")
def test_a_client_in_the_network_finds_the_consumer_interface():
    """Real packets of mDNS on loopback, asked by a client of its own."""

    async def found() -> tuple[list[str], int | None, str | None]:
        stop = asyncio.Event()
        serving = asyncio.create_task(
            announce(HUID, host="127.0.0.1", port=8443, stop=stop)
        )
        client = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
        info = AsyncServiceInfo(SERVICE, f"{INSTANCE}.{SERVICE}")
        try:
            await info.async_request(client.zeroconf, 8000)
            return info.parsed_addresses(), info.port, info.server
        finally:
            stop.set()
            await client.async_close()
            await serving

    assert asyncio.run(found()) == (["127.0.0.1"], 8443, HOST)
