"""The gateway calls an EMT for a CLS."""

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

    def abort(self) -> None:
        """End it at once, without a goodbye."""
        self.writer.transport.abort()


async def dial(profile: Profile, context: ssl.SSLContext) -> Wire:
    """A connection to the EMT of a profile; its addresses are tried in order.

    All within the profile's connect time. Raises RequestRefused with the reply for
    the last address: REFUSED by the peer or because it is not the peer, UNREACHABLE.
    """
    problem = RequestRefused(Reply.UNREACHABLE, "no address")
    try:
        async with asyncio.timeout(profile.connect_timeout.total_seconds()):
            for address in profile.wan_addresses:
                try:
                    return await _connected(profile, address, context)
                except RequestRefused as refused:
                    problem = refused
    except TimeoutError:
        problem = RequestRefused(Reply.UNREACHABLE, "not connected in time")
    raise problem


async def _connected(profile: Profile, address: str, context: ssl.SSLContext) -> Wire:
    host, port = split_address(address)
    try:
        wire = Wire(
            *await asyncio.open_connection(
                host, port, ssl=context, server_hostname=profile.wan_sni
            )
        )
    except (ssl.SSLError, ConnectionRefusedError, ConnectionResetError) as error:
        raise RequestRefused(Reply.REFUSED, _reason(error)) from None
    except OSError as error:
        raise RequestRefused(Reply.UNREACHABLE, _reason(error)) from None
    tls: ssl.SSLObject = wire.writer.get_extra_info("ssl_object")
    shown = tls.getpeercert(binary_form=True) or b""
    if not compare_digest(shown, profile.emt_certificate):
        wire.abort()
        raise RequestRefused(Reply.REFUSED, "another certificate than configured")
    return wire


def _reason(error: OSError) -> str:
    """Why, without addresses: it goes into the system log."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason}"
    return error.strerror or type(error).__name__
