"""The gateway calls a partner: an EMT, or a CLS in the house."""

import asyncio
import ssl
from dataclasses import dataclass
from hmac import compare_digest

from gwa_api.cls.profile import Profile, split_address
from gwa_api.cls.socks import Reply, RequestRefused


@dataclass(frozen=True, slots=True)
class Wire:
    """The two ends of a connection's stream."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self, size: int) -> bytes:
        """Some bytes; b"" at the end."""
        return await self.reader.read(size)

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the other side does not take them."""
        self.writer.write(data)
        await self.writer.drain()

    async def close(self) -> None:
        """Say goodbye; the transport follows by itself."""
        self.writer.close()

    def abort(self) -> None:
        """End it at once, without a goodbye."""
        self.writer.transport.abort()


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom to call: addresses in order, SNI, and the certificates it may show."""

    addresses: tuple[str, ...]
    sni: str
    certificates: tuple[bytes, ...]

    @classmethod
    def market(cls, profile: Profile) -> "Partner":
        """The EMT of a profile."""
        addresses, sni = profile.wan_addresses, profile.wan_sni
        return cls(addresses, sni, profile.emt_certificates)

    @classmethod
    def device(cls, profile: Profile) -> "Partner":
        """The CLS of a profile."""
        addresses = (profile.cls_address,)
        return cls(addresses, profile.local_server_name, (profile.cls_certificate,))


async def dial(partner: Partner, context: ssl.SSLContext, within_s: float) -> Wire:
    """A connection to a partner; the addresses are tried in order.

    All within the time given. Raises RequestRefused with the reply for
    the last address: REFUSED by the peer or because it is not the peer, UNREACHABLE.
    """
    problem = RequestRefused(Reply.UNREACHABLE, "no address")
    try:
        async with asyncio.timeout(within_s):
            for address in partner.addresses:
                try:
                    return await _connected(partner, address, context)
                except RequestRefused as refused:
                    problem = refused
    except TimeoutError:
        problem = RequestRefused(Reply.UNREACHABLE, "not connected in time")
    raise problem


async def _connected(partner: Partner, address: str, context: ssl.SSLContext) -> Wire:
    host, port = split_address(address)
    try:
        wire = Wire(
            *await asyncio.open_connection(
                host, port, ssl=context, server_hostname=partner.sni
            )
        )
    except (ssl.SSLError, ConnectionRefusedError, ConnectionResetError) as error:
        raise RequestRefused(Reply.REFUSED, _reason(error)) from None
    except OSError as error:
        raise RequestRefused(Reply.UNREACHABLE, _reason(error)) from None
    tls: ssl.SSLObject = wire.writer.get_extra_info("ssl_object")
    shown = tls.getpeercert(binary_form=True) or b""
    if not any(compare_digest(shown, one) for one in partner.certificates):
        wire.abort()
        raise RequestRefused(Reply.REFUSED, "another certificate than configured")
    return wire


def _reason(error: OSError) -> str:
    """Why, without addresses: it goes into the system log."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason}"
    return error.strerror or type(error).__name__
