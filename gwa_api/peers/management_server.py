"""The head-end's end of management channels: TLS server, but HTTP client (wan.md 1).

A gateway dials in; over its channel the head-end asks, the gateway answers.
"""

import http.client
import json
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gwa_api.peers.https_server import PeerServer
from gwa_api.peers.peer_keys import PeerKeys
from hardware.private_files import replace
from hardware.record import zulu

ANSWER_S = 30.0
LARGEST_ANSWER = 8 * 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the gateway answered to a request over its channel."""

    status: int
    body: bytes


class ManagementChannel:
    """A channel that a gateway has opened; ask as often as needed."""

    def __init__(self, secured: socket.socket) -> None:
        self._connection = http.client.HTTPConnection("gateway")
        self._connection.sock = secured
        secured.settimeout(ANSWER_S)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Asked:
        """The answer; raises OSError or HTTPException when the channel is gone."""
        if self._connection.sock is None:
            raise ConnectionError("the gateway has ended the channel")
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        return Asked(response.status, response.read(LARGEST_ANSWER))


Use = Callable[[ManagementChannel], None]


class ManagementServer(PeerServer):
    """Waits for gateways; each channel is given to `use`, and closed after it."""

    def __init__(
        self,
        keys: PeerKeys,
        address: tuple[str, int],
        use: Use,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(keys, address, {}, clock=clock)
        self.use = use

    def answer_on(self, secured: ssl.SSLSocket, client_address: Any) -> None:
        """Let the head-end ask, until it has no more to ask."""
        try:
            self.use(ManagementChannel(secured))
        except http.client.HTTPException as error:
            _log.info("management channel: %s", error)


def look_at_device(keys: PeerKeys, clock: Callable[[], datetime]) -> Use:
    """What the head-end does with a channel by itself: it asks for the state."""

    def use(channel: ManagementChannel) -> None:
        answer = channel.ask("GET", "/gwa/v1/device")
        content: Any = None
        if answer.status == 200:
            content = json.loads(answer.body)
        seen = {"at": zulu(clock()), "status": answer.status, "device": content}
        replace(keys.state / "last-channel.json", json.dumps(seen, indent=1).encode())

    return use
