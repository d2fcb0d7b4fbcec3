"""Chains: a changed, missing, inserted, moved or cut row is found."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from hardware.gateway import Gateway
from logbooks import chains
from logbooks.chains import ChainRow, Finding
from logbooks.models import ChainHead

LIST = "meter:1emh0000000001"

pytestmark = [pytest.mark.django_db, pytest.mark.req("R74")]

Rows = list[ChainRow]


def grown(gateway: Gateway, *payloads: bytes, name: str = LIST) -> Rows:
    links = chains.append(gateway, name, payloads)
    return [
        ChainRow(number, payload, chain_hash)
        for (number, chain_hash), payload in zip(links, payloads, strict=True)
    ]


@pytest.fixture
def rows(gateway: Gateway) -> Rows:
    """Six rows that were appended in two goes."""
    return grown(gateway, b"a", b"b", b"c") + grown(gateway, b"d", b"e", b"f")


def found(gateway: Gateway, rows: Rows) -> list[tuple[Finding, int]]:
    return [(f.finding, f.number) for f in chains.verify(gateway, LIST, rows)]


def test_an_untouched_chain_is_clean(gateway: Gateway, rows: Rows) -> None:
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert found(gateway, rows) == []
    assert chains.verify_heads(gateway) == []


def test_a_chain_that_does_not_exist_is_clean(gateway: Gateway) -> None:
    assert found(gateway, []) == []
    assert chains.verify_heads(gateway) == []


@pytest.mark.parametrize("at", range(6))
def test_a_changed_row_is_found(gateway: Gateway, rows: Rows, at: int) -> None:
    rows[at] = ChainRow(at + 1, b"x", rows[at].chain_hash)
    assert found(gateway, rows) == [(Finding.CHANGED, at + 1)]


@pytest.mark.parametrize("at", range(5))
def test_a_changed_row_with_a_fitting_hash_is_found_at_the_next(
    gateway: Gateway, rows: Rows, at: int
) -> None:
    before = rows[at - 1].chain_hash if at else genesis(gateway)
    rows[at] = ChainRow(at + 1, b"x", chains.link(before, b"x"))
    assert found(gateway, rows) == [(Finding.CHANGED, at + 2)]


def genesis(gateway: Gateway) -> bytes:
    return bytes(ChainHead.objects.get(name=LIST).anchor_hash)


def test_a_tail_that_was_computed_anew_is_found_at_the_head(
    gateway: Gateway, rows: Rows
) -> None:
    last = rows[3].chain_hash
    for at, payload in ((4, b"x"), (5, b"f")):
        last = chains.link(last, payload)
        rows[at] = ChainRow(at + 1, payload, last)
    assert found(gateway, rows) == [(Finding.HEAD, 6)]


@pytest.mark.parametrize("at", range(5))
def test_a_missing_row_is_found(gateway: Gateway, rows: Rows, at: int) -> None:
    del rows[at]
    assert found(gateway, rows) == [(Finding.MISSING, at + 1)]


def test_a_cut_tail_is_found(gateway: Gateway, rows: Rows) -> None:
    assert found(gateway, rows[:4]) == [(Finding.CUT, 5)]
    assert found(gateway, []) == [(Finding.CUT, 1)]


def test_an_inserted_row_is_found(gateway: Gateway, rows: Rows) -> None:
    last = ChainRow(7, b"g", chains.link(rows[-1].chain_hash, b"g"))
    assert found(gateway, [*rows, last]) == [(Finding.INSERTED, 7)]
    again = ChainRow(3, b"x", bytes(32))
    assert found(gateway, [*rows[:3], again, *rows[3:]]) == [(Finding.INSERTED, 3)]
    shifted = [ChainRow(r.number + 1, r.payload, r.chain_hash) for r in rows[3:]]
    added = ChainRow(4, b"x", chains.link(rows[2].chain_hash, b"x"))
    assert found(gateway, [*rows[:3], added, *shifted]) == [
        (Finding.CHANGED, 5),
        (Finding.INSERTED, 7),
        (Finding.HEAD, 6),
    ]


def test_rows_that_changed_places_are_found(gateway: Gateway, rows: Rows) -> None:
    third, fourth = rows[2], rows[3]
    rows[2] = ChainRow(3, fourth.payload, fourth.chain_hash)
    rows[3] = ChainRow(4, third.payload, third.chain_hash)
    assert (Finding.CHANGED, 3) in found(gateway, rows)
    assert (Finding.CHANGED, 4) in found(gateway, rows)


def test_bytes_cannot_move_between_neighbouring_rows(gateway: Gateway) -> None:
    assert chains.link(bytes(32), b"ab") != chains.link(bytes(32), b"a")
    one = grown(gateway, b"ab", b"c", name="x")
    two = grown(gateway, b"a", b"bc", name="y")
    assert one[1].chain_hash != two[1].chain_hash


def test_the_same_rows_make_another_chain_elsewhere(gateway: Gateway) -> None:
    here = grown(gateway, b"a", name="meter:1")
    there = grown(gateway, b"a", name="meter:2")
    assert here[0].chain_hash != there[0].chain_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"length": 5},
        {"length": 7},
        {"hash": bytes(32)},
        {"anchor_length": 1},
        {"anchor_hash": bytes(32)},
        {"mac": bytes(32)},
    ],
    ids=str,
)
def test_a_changed_head_is_found_and_stays_found(
    gateway: Gateway, rows: Rows, changed: dict[str, Any]
) -> None:
    ChainHead.objects.filter(name=LIST).update(**changed)
    assert any(finding is Finding.HEAD for finding, _ in found(gateway, rows))
    more = grown(gateway, b"g")
    assert any(finding is Finding.HEAD for finding, _ in found(gateway, rows + more))
    assert [fault.chain for fault in chains.verify_heads(gateway)] == [LIST]


def test_a_head_that_fits_forged_rows_has_no_fitting_mac(
    gateway: Gateway, rows: Rows
) -> None:
    forged = ChainRow(6, b"x", chains.link(rows[4].chain_hash, b"x"))
    ChainHead.objects.filter(name=LIST).update(hash=forged.chain_hash)
    assert found(gateway, [*rows[:5], forged]) == [(Finding.HEAD, 6)]


def test_a_removed_head_is_found(gateway: Gateway, rows: Rows) -> None:
    grown(gateway, b"a", name="meter:2")
    ChainHead.objects.filter(name=LIST).delete()
    assert (Finding.HEAD, 0) in found(gateway, rows)
    assert [fault.finding for fault in chains.verify_heads(gateway)] == [
        Finding.MISSING
    ]


def test_the_head_of_another_gateway_does_not_pass(
    gateway: Gateway, rows: Rows, make_gateway: Callable[[str], Gateway]
) -> None:
    other = make_gateway("eemh0009264155")
    assert chains.verify(other, LIST, rows) != []


def test_pruned_rows_leave_an_anchor(gateway: Gateway, rows: Rows) -> None:
    chains.move_anchor(gateway, LIST, number=2, chain_hash=rows[1].chain_hash)
    assert found(gateway, rows[2:]) == []
    assert found(gateway, rows[3:]) == [(Finding.MISSING, 3)]
    assert found(gateway, rows[1:]) == [(Finding.INSERTED, 2)]
    assert found(gateway, rows[2:] + grown(gateway, b"g")) == []
    for number in (2, 8):
        with pytest.raises(ValueError, match="pruned"):
            chains.move_anchor(gateway, LIST, number=number, chain_hash=bytes(32))


def test_a_moved_anchor_does_not_heal_a_changed_head(
    gateway: Gateway, rows: Rows
) -> None:
    ChainHead.objects.filter(name=LIST).update(length=7)
    chains.move_anchor(gateway, LIST, number=1, chain_hash=rows[0].chain_hash)
    assert chains.verify_heads(gateway) != []


def test_many_chains_grow_in_two_queries(
    gateway: Gateway, django_assert_num_queries: Any
) -> None:
    payloads = {f"meter:{n}": [b"a", b"b"] for n in range(64)}
    chains.append_many(gateway, payloads)
    with django_assert_num_queries(2):
        links = chains.append_many(gateway, payloads)
    assert [number for number, _ in links["meter:63"]] == [3, 4]
    assert chains.verify_heads(gateway) == []


def test_nothing_to_append_costs_nothing(
    gateway: Gateway, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert chains.append(gateway, LIST, []) == []


@pytest.mark.django_db(transaction=True)
def test_a_chain_grows_only_in_the_transaction_of_its_rows(gateway: Gateway) -> None:
    with pytest.raises(RuntimeError):
        chains.append(gateway, LIST, [b"a"])
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        chains.append(gateway, LIST, [b"a"])
        raise ZeroDivisionError
    assert not ChainHead.objects.exists()
