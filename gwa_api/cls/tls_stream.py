"""A TLS connection with a CLS whose records go through a framing.

asyncio's own TLS cannot be used here: it would send its records bare.
"""

import asyncio
import ssl
from contextlib import suppress

from gwa_api.cls.framing import Framing, Step

_AT_ONCE = 64 * 1024


class TlsStream:
    """The gateway's end, as server, of one connection.

    Methods raise ssl.SSLError, OSError, FrameInvalid, or EOFError when the other side
    goes in the middle of something. `read` and `write` may run side by side.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        framing: Framing,
        context: ssl.SSLContext,
    ) -> None:
        self._reader, self._writer, self._framing = reader, writer, framing
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._step = Step.HANDSHAKE

    @property
    def peer_certificate(self) -> bytes:
        """The certificate that the CLS showed, DER; b"" without one."""
        return self._tls.getpeercert(binary_form=True) or b""

    async def shake_hands(self) -> None:
        """Come to an agreement with the CLS."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive()
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush()  # the alert says why
                raise
        await self._flush()
        self._step = Step.DATA

    async def read(self, size: int = _AT_ONCE) -> bytes:
        """Some bytes, at most `size`; b"" when the CLS has said goodbye."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive()
            except ssl.SSLZeroReturnError:
                return b""

    async def read_exactly(self, size: int) -> bytes:
        """So many bytes; raises EOFError when there are fewer."""
        data = b""
        while len(data) < size:
            piece = await self.read(size - len(data))
            if not piece:
                raise EOFError("the connection ends in the middle of a request")
            data += piece
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the CLS does not take them."""
        self._tls.write(data)
        await self._flush()

    async def close(self) -> None:
        """Say goodbye (close_notify); the transport stays for the caller to end."""
        self._step = Step.CLOSING
        with suppress(ssl.SSLError, OSError):
            self._tls.unwrap()
        with suppress(OSError):
            await self._flush()

    async def _flush(self) -> None:
        records = self._outgoing.read()
        if records:
            self._writer.write(self._framing.wrap(records, self._step))
            await self._writer.drain()

    async def _receive(self) -> None:
        data = await self._reader.read(_AT_ONCE)
        if not data:
            raise EOFError("the connection was cut")
        self._incoming.write(self._framing.feed(data))
