"""Rows written in bulk: the same rows that the ORM would have written."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from logbooks import bulk_rows
from logbooks.models import ChainHead, SystemLogEntry

NOON = datetime(2026, 3, 3, 12, 0, 0, 123456, tzinfo=UTC)


def a_head(name: str, length: int, **more: bytes) -> ChainHead:
    parts = {"hash": b"h", "anchor_hash": b"a", "mac": b"m", **more}
    return ChainHead(name=name, length=length, **parts)


def an_entry(number: int) -> SystemLogEntry:
    return SystemLogEntry(
        number=number,
        recorded_at=NOON,
        event_id=10**12,
        event_sub_id=-1,
        level="INFO",
        arguments=["a", {"ä": 1}],
        chain_hash=bytes(range(32)),
    )


@pytest.mark.django_db
def test_every_kind_of_column_comes_back_as_it_was() -> None:
    """Times with their zone, bytes, big numbers, JSON; as bulk_create stores them."""
    bulk_rows.insert([an_entry(1), an_entry(2)])
    SystemLogEntry.objects.bulk_create([an_entry(3)])
    rows = list(
        SystemLogEntry.objects.order_by("number").values(
            *("recorded_at", "event_id", "event_sub_id", "arguments", "recipient")
        )
    )
    assert rows[0] == rows[1] == rows[2]
    assert rows[0]["recorded_at"] == NOON
    hashes = SystemLogEntry.objects.values_list("chain_hash", flat=True)
    assert {bytes(each) for each in hashes} == {bytes(range(32))}


@pytest.mark.django_db
def test_a_row_that_is_there_gets_only_what_is_to_be_updated() -> None:
    bulk_rows.insert([a_head("a", 1)])
    bulk_rows.insert(
        [a_head("a", 2, hash=b"H", anchor_hash=b"A"), a_head("b", 3)],
        unique=["name"],
        update=["length", "hash"],
    )
    heads = {
        head.name: (head.length, bytes(head.hash), bytes(head.anchor_hash))
        for head in ChainHead.objects.all()
    }
    assert heads == {"a": (2, b"H", b"a"), "b": (3, b"h", b"a")}


@pytest.mark.django_db
def test_a_row_too_many_stores_none() -> None:
    bulk_rows.insert([a_head("b", 1)])
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk_rows.insert([a_head("a", 1), a_head("b", 1)])
    assert ChainHead.objects.count() == 1


@pytest.mark.django_db
def test_nothing_to_write_is_no_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        bulk_rows.insert([])
