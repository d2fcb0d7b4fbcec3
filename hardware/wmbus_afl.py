"""Authentication and fragmentation layer, CI 90 (EN 13757-7).

90 | AFLL | FCL2 | [MCL] | [KI2] | [MCR4] | [MAC n] | [ML2]
"""

from dataclasses import dataclass, replace

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_errors import FragmentAwaited, LengthWrong, Truncated, Unsupported

AFL_CI = 0x90

_MORE = 1 << 14
_HAS_MCL, _HAS_ML, _HAS_MCR, _HAS_MAC, _HAS_KI = (1 << n for n in (13, 12, 11, 10, 9))
_MAC_BYTES = {3: 2, 4: 4, 5: 8, 6: 12, 7: 16}
"""Authentication type -> bytes of the AES-CMAC that are sent."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """One layer; fields that are not there are empty, all bytes are as transmitted.

    `fragment` is 0 for a whole message, else counts from 1.
    """

    fragment: int
    more_follow: bool
    mcl: bytes = b""
    key_information: bytes = b""
    counter: bytes = b""
    mac: bytes = b""
    length: bytes = b""

    @property
    def authenticated(self) -> bytes:
        """What of this layer the MAC covers, before the bytes of the message."""
        return self.mcl + self.key_information + self.counter + self.length


def read_afl(data: bytes) -> tuple[Authentication, bytes]:
    """The layer at the start of `data` (with its CI) and what follows it.

    Raises LengthWrong and Unsupported.
    """
    if len(data) < 4 or len(data) < 2 + data[1] or data[1] < 2:
        raise LengthWrong("the authentication layer ends early")
    control = int.from_bytes(data[2:4], "little")
    fields = data[4 : 2 + data[1]]
    parts = {
        "mcl": 1 if control & _HAS_MCL else 0,
        "key_information": 2 if control & _HAS_KI else 0,
        "counter": 4 if control & _HAS_MCR else 0,
        "mac": 0,
        "length": 2 if control & _HAS_ML else 0,
    }
    if control & _HAS_MAC:
        # The last fragment may bring the MAC alone; then it is what is left.
        left = max(len(fields) - sum(parts.values()), 0)
        parts["mac"] = left if not parts["mcl"] else _mac_bytes(fields[:1])
    if sum(parts.values()) != len(fields):
        raise LengthWrong("the authentication layer is not as long as its fields")
    found = {}
    for name, size in parts.items():
        found[name], fields = fields[:size], fields[size:]
    layer = Authentication(control & 0xFF, bool(control & _MORE), **found)
    return layer, data[2 + data[1] :]


def _mac_bytes(mcl: bytes) -> int:
    """The MAC's size as the message control field says; raises Unsupported."""
    kind = mcl[0] & 0x0F if mcl else 0
    if kind not in _MAC_BYTES:
        raise Unsupported(f"authentication type {kind}")
    return _MAC_BYTES[kind]


@dataclass(slots=True)
class _Collection:
    """Fragments of one message that came so far, in order."""

    first_at_s: float
    layer: Authentication
    payload: bytes
    fragments: int = 1


class FragmentStore:
    """Puts messages together that come in fragments; holds a bounded amount.

    One message per sender is under way; a first fragment begins it anew, any other that
    is not the next one ends it.
    """

    def __init__(
        self,
        *,
        senders: int = 64,
        message_bytes: int = 16 * 1024,
        timeout_s: float = 60.0,
    ) -> None:
        self._senders = senders
        self._message_bytes = message_bytes
        self._timeout_s = timeout_s
        self._open: dict[MeterAddress, _Collection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def joined(
        self, sender: MeterAddress, layer: Authentication, payload: bytes, now_s: float
    ) -> tuple[Authentication, bytes]:
        """The whole message with the fields of all its fragments.

        `now_s` comes from a clock that only grows. Raises FragmentAwaited while
        fragments are missing, Truncated when the message cannot be completed.
        """
        self._forget_old(now_s)
        if layer.fragment == 1:
            whole = self._begun(sender, layer, payload, now_s)
        else:
            whole = self._continued(sender, layer, payload)
        if layer.more_follow:
            raise FragmentAwaited(f"fragment {layer.fragment}, more are to come")
        del self._open[sender]
        return _complete(whole)

    def _begun(
        self, sender: MeterAddress, layer: Authentication, payload: bytes, now_s: float
    ) -> _Collection:
        self._open.pop(sender, None)
        while len(self._open) >= self._senders:
            del self._open[next(iter(self._open))]
        self._open[sender] = _Collection(now_s, layer, payload)
        return self._open[sender]

    def _continued(
        self, sender: MeterAddress, layer: Authentication, payload: bytes
    ) -> _Collection:
        under_way = self._open.get(sender)
        if under_way is None:
            raise Truncated(f"fragment {layer.fragment} without those before it")
        under_way.fragments += 1
        under_way.payload += payload
        fits = len(under_way.payload) <= self._message_bytes
        merged = _merged(under_way.layer, layer)
        if layer.fragment != under_way.fragments or not fits or merged is None:
            del self._open[sender]
            raise Truncated(f"fragment {layer.fragment} does not fit those before it")
        under_way.layer = merged
        return under_way

    def _forget_old(self, now_s: float) -> None:
        late = now_s - self._timeout_s
        for sender in [s for s, c in self._open.items() if c.first_at_s < late]:
            del self._open[sender]


def _merged(first: Authentication, later: Authentication) -> Authentication | None:
    """The fields of two fragments; None when they contradict each other."""
    fields = {}
    for name in ("mcl", "key_information", "counter", "mac", "length"):
        one, other = getattr(first, name), getattr(later, name)
        if one and other and one != other:
            return None
        fields[name] = one or other
    return replace(first, more_follow=later.more_follow, **fields)


def require_whole(layer: Authentication) -> None:
    """Raise Unsupported when the MAC is not what the message control field says."""
    if layer.mac and len(layer.mac) != _mac_bytes(layer.mcl):
        raise Unsupported("the MAC has another size than is said")


def _complete(whole: _Collection) -> tuple[Authentication, bytes]:
    said = whole.layer.length
    if said and int.from_bytes(said, "little") != len(whole.payload):
        raise Truncated("the fragments do not have the length that was announced")
    return whole.layer, whole.payload
