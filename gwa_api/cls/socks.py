"""The words of SOCKSv5 that a CLS and the gateway exchange (RFC 1928, DS 11)."""

import re
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

VERSION = 5
METHOD_TLS = 6
NO_METHOD = 0xFF
LONGEST_GREETING = 2 + 255
LONGEST_REQUEST = 5 + 255 + 2

_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_SERVER_NAME = re.compile(r"[a-z0-9.-]{1,63}")


class Reply(IntEnum):
    """The answer to a request, by its number in RFC 1928."""

    CONNECTED = 0
    NOT_ALLOWED = 2
    UNREACHABLE = 4
    REFUSED = 5
    COMMAND_UNKNOWN = 7
    ADDRESS_UNKNOWN = 8


class SocksInvalid(ValueError):
    """What came is not SOCKSv5."""


class RequestRefused(Exception):
    """A request that is answered with something else than a connection."""

    def __init__(self, reply: Reply, text: str) -> None:
        super().__init__(text)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a CLS wants: the name of a proxy profile, or an address `host:port`."""

    name: str = ""
    address: str = ""


def greeting_size(data: bytes) -> int:
    """How many bytes the client's greeting has; at least 2 must be there."""
    if data[0] != VERSION or data[1] == 0:
        raise SocksInvalid("no greeting of SOCKSv5")
    return 2 + data[1]


def offers_tls(greeting: bytes) -> bool:
    """Whether the method TLS is among those that the client can do."""
    return METHOD_TLS in greeting[2:]


def method_chosen(method: int) -> bytes:
    """The gateway's answer to the greeting."""
    return bytes((VERSION, method))


def request_size(data: bytes) -> int:
    """How many bytes the request has, as far as 5 bytes tell.

    Raises SocksInvalid, and RequestRefused for another command or kind of address.
    """
    if data[0] != VERSION or data[2] != 0:
        raise SocksInvalid("no request of SOCKSv5")
    if data[1] != _CONNECT:
        raise RequestRefused(Reply.COMMAND_UNKNOWN, "another command than CONNECT")
    sizes = {_IPV4: 4, _IPV6: 16, _NAME: 1 + data[4]}
    if data[3] not in sizes:
        raise RequestRefused(Reply.ADDRESS_UNKNOWN, "an unknown kind of address")
    return 4 + sizes[data[3]] + 2


def target_of(request: bytes) -> Target:
    """Whom a whole request names; a name is a selector and is never looked up.

    Raises RequestRefused for a name that no profile can have.
    """
    kind, address = request[3], request[4:-2]
    port = int.from_bytes(request[-2:], "big")
    if kind == _IPV4:
        return Target(address=f"{IPv4Address(address)}:{port}")
    if kind == _IPV6:
        return Target(address=f"[{IPv6Address(address)}]:{port}")
    name = address[1:].decode("ascii", "replace")
    if not is_server_name(name):
        raise RequestRefused(Reply.NOT_ALLOWED, "not the name of a profile")
    return Target(name=name)


def is_server_name(name: str) -> bool:
    """Whether this can be the local server name of a proxy profile."""
    return _SERVER_NAME.fullmatch(name) is not None


def reply(answer: Reply) -> bytes:
    """The answer to a request; the bound address is not told."""
    return bytes((VERSION, answer, 0, _IPV4)) + bytes(6)
