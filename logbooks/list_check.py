"""Check of all stored rows in slices: chains and signatures (R146, manual ch. 4.2.4).

A slice goes on where the one before ended, takes at most 50 ms, and so never delays
anything. One pass reads every chained list that an app has registered, in the order
of the chains' names, then compares the heads with their number.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from django.db import DatabaseError, connection

from hardware.gateway import Gateway
from hardware.security_module import SignatureInvalid, verify
from logbooks import chains
from logbooks.chains import Finding, link
from logbooks.checks import Fault, ListKind, ListRow, list_kind_of
from logbooks.database_damage import give_up, is_damage
from logbooks.log_codes import CHAINS_MISSING
from logbooks.models import Certificate, ChainHead

SLICE_S = 0.04
"""Less than 50 ms: what is under way is finished."""
_BATCH = 64
"""Rows that are read at once; the clock is looked at after each row."""

Position = dict[str, Any]
"""Where a pass stands: {} at its begin; "chain", "number", "hash", "length"."""


@dataclass(frozen=True, slots=True)
class SliceResult:
    """What a slice found, where the next one begins, whether the pass has ended."""

    faults: list[Fault]
    position: Position
    is_end: bool
    rows: int


@dataclass(slots=True)
class _Walk:
    """One list on the way from a position to its end."""

    gateway: Gateway
    head: ChainHead
    kind: ListKind
    number: int
    before: bytes
    key_of: Callable[[str], EllipticCurvePublicKey]
    faults: list[Fault] = field(default_factory=list)
    rows: int = 0

    @property
    def subject(self) -> str:
        return self.head.name.removeprefix(self.kind.prefix)

    def note(self, finding: Finding, number: int) -> None:
        detail = f"{self.head.name} {finding.value} {number}"
        self.faults.append(Fault(self.kind.codes[finding], detail))

    def step(self, row: ListRow) -> None:
        """Look at one row; what the row itself says is believed for the next one."""
        self.rows += 1
        expected = self.number + 1
        if row.number < expected:
            self.note(Finding.INSERTED, row.number)
            return
        if row.number > expected:
            self.note(Finding.MISSING, expected)
        elif row.payload is None or link(self.before, row.payload) != row.chain_hash:
            self.note(Finding.CHANGED, row.number)
        if row.is_signed and not self._is_signed(row):
            self.note(Finding.SIGNATURE, row.number)
        self.number, self.before = row.number, row.chain_hash

    def _is_signed(self, row: ListRow) -> bool:
        try:
            verify(self.key_of(row.signer_ski), row.signature, row.text)
        except (SignatureInvalid, LookupError, ValueError):
            return False
        return True


def check_slice(
    gateway: Gateway, position: Position, *, limit_s: float = SLICE_S
) -> SliceResult:
    """Check rows for `limit_s` seconds from `position` on ({} begins a pass)."""
    deadline = time.monotonic() + limit_s
    head = _head_at(position)
    if head is None:
        return SliceResult(_heads(gateway), {}, True, 0)
    kind = list_kind_of(head.name)
    if kind is None:
        return SliceResult([], {"chain": head.name, "done": True}, False, 0)
    try:
        return _checked(_walk_from(gateway, head, kind, position), deadline)
    except DatabaseError as error:
        if not is_damage(error):
            raise
        # The other lists may well be readable, by another connection.
        give_up(connection)
        found = Fault(kind.unreadable, f"{head.name} {error}")
        return SliceResult([found], {"chain": head.name, "done": True}, False, 0)


def _checked(walk: _Walk, deadline: float) -> SliceResult:
    """Walk on until the time or the list ends; raises DatabaseError."""
    head = walk.head
    if _walk_until(walk, deadline):
        here = {"number": walk.number, "hash": walk.before.hex()}
        return SliceResult(walk.faults, {"chain": head.name, **here}, False, walk.rows)
    _look_at_end(walk)
    return SliceResult(
        walk.faults, {"chain": head.name, "done": True}, False, walk.rows
    )


def check_all(gateway: Gateway) -> list[Fault]:
    """One whole pass, slice by slice; everything it found."""
    faults: list[Fault] = []
    position: Position = {}
    while True:
        found = check_slice(gateway, position)
        faults += found.faults
        if found.is_end:
            return faults
        position = found.position


def _head_at(position: Position) -> ChainHead | None:
    """The chain to go on with; None when all are done."""
    names = ChainHead.objects.exclude(name=chains.REGISTER).order_by("name")
    if not position:
        return names.first()
    if position.get("done"):
        return names.filter(name__gt=position["chain"]).first()
    return names.filter(name__gte=position["chain"]).first()


def _walk_from(
    gateway: Gateway, head: ChainHead, kind: ListKind, position: Position
) -> _Walk:
    """Go on, or begin at the anchor; what was pruned meanwhile is not looked for."""
    key_of = _keys()
    goes_on = position.get("chain") == head.name and "number" in position
    if goes_on and position["number"] >= head.anchor_length:
        number, before = position["number"], bytes.fromhex(position["hash"])
    else:
        number, before = head.anchor_length, bytes(head.anchor_hash)
    walk = _Walk(gateway, head, kind, number, before, key_of)
    if not goes_on and not chains.is_genuine(gateway, head):
        walk.note(Finding.HEAD, head.length)
    return walk


def _walk_until(walk: _Walk, deadline: float) -> bool:
    """Step from row to row; True when the time ended before the list did."""
    after = walk.number if walk.number > walk.head.anchor_length else -1
    while rows := walk.kind.rows(walk.gateway, walk.subject, after, _BATCH):
        for row in rows:
            if row.number > walk.head.length:
                return False
            walk.step(row)
            after = row.number
            if time.monotonic() >= deadline:
                return True
        if len(rows) < _BATCH:
            return False
    return False


def _look_at_end(walk: _Walk) -> None:
    """Whether the list ends where its head says; it may have grown meanwhile."""
    head, name = walk.head, walk.head.name
    if walk.number < head.length:
        walk.note(Finding.CUT, walk.number + 1)
    elif walk.number == head.length and walk.before != bytes(head.hash):
        walk.note(Finding.HEAD, head.length)
    highest = walk.kind.highest(walk.subject)
    if highest > head.length:
        now_there = ChainHead.objects.get(name=name).length
        if highest > now_there:
            walk.note(Finding.INSERTED, highest)


def _heads(gateway: Gateway) -> list[Fault]:
    """Whether there are as many chains as were made; each head's own MAC was seen."""
    return [
        Fault(CHAINS_MISSING, f"{found.chain} {found.finding.value} {found.number}")
        for found in chains.verify_heads(gateway)
        if found.chain == chains.REGISTER
    ]


def _keys() -> Callable[[str], EllipticCurvePublicKey]:
    """Finds public keys by SKI, each once; LookupError for one that is not stored."""
    known: dict[str, EllipticCurvePublicKey] = {}

    def key_of(ski: str) -> EllipticCurvePublicKey:
        if ski not in known:
            known[ski] = _public_key(ski)
        return known[ski]

    return key_of


def _public_key(ski: str) -> EllipticCurvePublicKey:
    row = Certificate.objects.filter(ski=ski).order_by("-not_before").first()
    if row is None:
        raise LookupError(ski)
    key = x509.load_der_x509_certificate(bytes(row.der)).public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError(f"{ski} is not a key for signatures")
    return key
