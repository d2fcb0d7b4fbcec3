"""Chains: each log and each value list, so that a changed or missing row is found.

A row's hash is SHA-256(hash before || length of the payload, 8 bytes || payload). The
first "hash before" stands for gateway and chain. The head keeps length and last hash
under a MAC made with a sub-key of the device key (decisions D43), so that somebody who
can write to the database, but has not the device key, cannot make a chain fit again.
What no chain can find: database and heads set back together to an older state.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from django.db import transaction
from django.db.models import F, Func, IntegerField, QuerySet, Subquery
from django.db.models.lookups import Exact

from hardware.gateway import Gateway
from logbooks import bulk_rows
from logbooks.models import ChainHead

REGISTER = "chains"
"""The chain of the chains' names: its length says how many chains there are."""

_SPOILT = bytes(32)
"""MAC of a head that was found changed: it stays wrong whatever is appended."""


class Finding(Enum):
    """What is wrong with a chain, seen at one number."""

    CHANGED = "changed"
    """The row does not fit the one before: it or its place was changed."""
    MISSING = "missing"
    """There is no row with this number, nor with those up to the next row."""
    INSERTED = "inserted"
    """A row with a number that was given already, or was never given."""
    CUT = "cut"
    """The rows end here, but the chain was longer."""
    HEAD = "head"
    """The head was changed or removed, or it does not fit the last row."""
    SIGNATURE = "signature"
    """The row's own signature does not fit (lists and logs whose rows are signed)."""


@dataclass(frozen=True, slots=True)
class ChainFault:
    """One finding; `number` is that of the row it was seen at."""

    chain: str
    finding: Finding
    number: int


@dataclass(frozen=True, slots=True)
class ChainRow:
    """A stored row as `verify` wants it."""

    number: int
    payload: bytes
    chain_hash: bytes


def link(before: bytes, payload: bytes) -> bytes:
    """The hash of the row with this payload, 32 bytes."""
    return hashlib.sha256(before + len(payload).to_bytes(8, "big") + payload).digest()


def append(
    gateway: Gateway, name: str, payloads: Sequence[bytes]
) -> list[tuple[int, bytes]]:
    """Number and hash for each new row of one chain; see `append_many`."""
    return append_many(gateway, {name: payloads})[name]


def append_many(
    gateway: Gateway, payloads: Mapping[str, Sequence[bytes]]
) -> dict[str, list[tuple[int, bytes]]]:
    """Number and hash for each new row of many chains: one query, one bulk write.

    Call it in the transaction that stores the rows (RuntimeError without one), and
    late in it: on PostgreSQL the heads stay locked until its end.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("chains grow only inside the transaction of their rows")
    named = {name: rows for name, rows in payloads.items() if rows}
    heads = _heads_for_update(gateway, named)
    links = {name: _extend(heads[name], rows) for name, rows in named.items()}
    _store(gateway, heads.values())
    return {name: links.get(name, []) for name in payloads}


def verify(gateway: Gateway, name: str, rows: Iterable[ChainRow]) -> list[ChainFault]:
    """Everything that is wrong with a chain; `rows` ascending by number, from the first
    that is still kept. An empty list says that nothing was touched.

    Two rows that changed places are CHANGED both. Reads row by row, so any length will
    do.
    """
    stored = ChainHead.objects.filter(name=name).first()
    head = stored or _new_head(gateway, name)
    faults = list(_walk(head, rows))
    # Without a head there must be no rows; whether there should be one: verify_heads.
    if not is_genuine(gateway, stored) if stored else faults:
        faults.append(ChainFault(name, Finding.HEAD, head.length))
    return faults


def verify_heads(gateway: Gateway) -> list[ChainFault]:
    """Heads that were changed, and whether one was removed with all its rows."""
    heads = {head.name: head for head in ChainHead.objects.all()}
    faults = [
        ChainFault(name, Finding.HEAD, head.length)
        for name, head in heads.items()
        if not is_genuine(gateway, head)
    ]
    register = heads.pop(REGISTER, None)
    known = register.length if register else 0
    if known > len(heads):
        faults.append(ChainFault(REGISTER, Finding.MISSING, known))
    elif known < len(heads):
        faults.append(ChainFault(REGISTER, Finding.INSERTED, len(heads)))
    return faults


def move_anchor(gateway: Gateway, name: str, *, number: int, chain_hash: bytes) -> None:
    """Remember row `number` as the last that was pruned after its retention.

    Call it in the transaction that deletes the rows up to it. Raises ValueError when
    the number is not between anchor and head.
    """
    head = ChainHead.objects.select_for_update().get(name=name)
    if not head.anchor_length < number <= head.length:
        raise ValueError(f"{name}: {number} is not a row that can be pruned")
    genuine = is_genuine(gateway, head)
    head.anchor_length, head.anchor_hash = number, chain_hash
    head.mac = _mac(gateway, head) if genuine else _SPOILT
    head.save()


def _walk(head: ChainHead, rows: Iterable[ChainRow]) -> Iterator[ChainFault]:
    """Compare row by row; after a finding go on from what the row itself says."""
    expected, before = head.anchor_length + 1, bytes(head.anchor_hash)
    for row in rows:
        if row.number < expected or row.number > head.length:
            yield ChainFault(head.name, Finding.INSERTED, row.number)
            continue
        if row.number > expected:
            yield ChainFault(head.name, Finding.MISSING, expected)
        elif link(before, row.payload) != row.chain_hash:
            yield ChainFault(head.name, Finding.CHANGED, row.number)
        expected, before = row.number + 1, row.chain_hash
    if expected <= head.length:
        yield ChainFault(head.name, Finding.CUT, expected)
    elif before != bytes(head.hash):
        yield ChainFault(head.name, Finding.HEAD, head.length)


def _heads_for_update(gateway: Gateway, names: Iterable[str]) -> dict[str, ChainHead]:
    """The heads, genuine or marked as spoilt; a name without head gets a new one."""
    wanted = set(names)
    found = _locked(wanted)
    if transaction.get_connection().features.has_select_for_update:
        found = found.filter(_are_all_there(wanted))
    heads = _genuine_or_spoilt(gateway, found)
    return heads if heads.keys() == wanted else _with_new_heads(gateway, wanted)


def _with_new_heads(gateway: Gateway, names: set[str]) -> dict[str, ChainHead]:
    """These heads, the new ones not stored yet, and the register that counts them.

    The register is locked before every other head. So whoever has it is the only one
    to make chains, and nobody who waits for it holds a head that the maker needs.
    """
    register = _new_head(gateway, REGISTER)
    ChainHead.objects.bulk_create([register], ignore_conflicts=True)
    heads = _genuine_or_spoilt(gateway, _locked({REGISTER}))
    heads.update(_genuine_or_spoilt(gateway, _locked(names)))
    new = sorted(names - heads.keys())
    _extend(heads[REGISTER], [name.encode() for name in new])
    heads.update((name, _new_head(gateway, name)) for name in new)
    return heads


def _locked(names: set[str]) -> QuerySet[ChainHead]:
    """Locked in the order of the names, so that two writers never wait crosswise."""
    heads = ChainHead.objects.select_for_update()
    return heads.filter(name__in=names).order_by("name")


def _are_all_there(names: set[str]) -> Exact:
    """Without this, heads would be locked before it shows that the register is needed.

    A part of the same query; what it finds missing, it leaves unlocked.
    """
    count = Func(F("name"), function="COUNT", output_field=IntegerField())
    found = ChainHead.objects.filter(name__in=names).annotate(count=count)
    return Exact(Subquery(found.values("count")), len(names))


def _genuine_or_spoilt(
    gateway: Gateway, heads: Iterable[ChainHead]
) -> dict[str, ChainHead]:
    found = {head.name: head for head in heads}
    for head in found.values():
        if not is_genuine(gateway, head):
            head.mac = _SPOILT
    return found


def _extend(head: ChainHead, payloads: Sequence[bytes]) -> list[tuple[int, bytes]]:
    links = []
    number, last = head.length, bytes(head.hash)
    for payload in payloads:
        number, last = number + 1, link(last, payload)
        links.append((number, last))
    head.length, head.hash = number, last
    return links


def _store(gateway: Gateway, heads: Iterable[ChainHead]) -> None:
    changed = list(heads)
    for head in changed:
        if head.mac != _SPOILT:
            head.mac = _mac(gateway, head)
    bulk_rows.insert(changed, unique=["name"], update=["length", "hash", "mac"])


def _new_head(gateway: Gateway, name: str) -> ChainHead:
    start = hashlib.sha256(f"casa-chain-v1 {gateway.huid} {name}".encode()).digest()
    head = ChainHead(name=name, hash=start, anchor_hash=start)
    head.mac = _mac(gateway, head)
    return head


def _mac(gateway: Gateway, head: ChainHead) -> bytes:
    text = (
        f"casa-head-v1 {head.name} {head.length} {bytes(head.hash).hex()} "
        f"{head.anchor_length} {bytes(head.anchor_hash).hex()}"
    )
    key = gateway.device_key.sub_key("chains")
    return hmac.digest(key, text.encode(), "sha256")


def is_genuine(gateway: Gateway, head: ChainHead) -> bool:
    """Whether the head was written by this gateway and not changed since."""
    return hmac.compare_digest(bytes(head.mac), _mac(gateway, head))
