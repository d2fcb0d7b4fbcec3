"""Pruning of value lists: the oldest rows go, the chain goes on from an anchor.

A list is pruned from its begin on, in the order of its chain, as long as its rows are
older than what has to be kept. Rows that do not fit their chain stay: they are for the
check of the lists to find, not for a clean-up to remove.
"""

import calendar
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from hardware.gateway import Gateway
from logbooks import chains
from logbooks.models import ChainHead
from meters import value_list
from meters.models import ListRecord

MARGIN = timedelta(days=4)
"""The database counts months its own way and must not refuse what is deleted here."""

_MONTHS_A_YEAR = 12


class _Last(NamedTuple):
    number: int
    chain_hash: bytes


def months_before(now: datetime, months: int) -> datetime:
    """Up to when values are certainly older than so many calendar months."""
    total = now.year * _MONTHS_A_YEAR + now.month - 1 - months
    year, month = divmod(total, _MONTHS_A_YEAR)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    return now.replace(year=year, month=month + 1, day=day) - MARGIN


def prune_list(
    gateway: Gateway,
    model: type[ListRecord],
    subject: str,
    *,
    before: datetime,
    at_most: int,
    whole: bool = False,
) -> int:
    """Delete the list's first rows with target times before an instant, in one piece.

    Returns how many. The newest row stays, so that a placeholder or a running sum has
    the value before it; `whole` lists, to which nothing comes any more, go with it.
    Raises IntegrityError where the database still keeps one of the rows: then none is
    deleted.
    """
    rows = value_list.rows_of(model, subject)
    with transaction.atomic():
        head = (
            ChainHead.objects.select_for_update()
            .filter(name=value_list.chain_name(model, subject))
            .first()
        )
        if head is None:
            return 0
        newest = head.length if whole else head.length - 1
        found = rows.filter(number__gt=head.anchor_length, number__lte=newest)
        last = _last_to_go(gateway, head, found[:at_most].iterator(), before)
        if last is None:
            return 0
        deleted, _by_model = rows.filter(number__lte=last.number).delete()
        chains.move_anchor(
            gateway, head.name, number=last.number, chain_hash=last.chain_hash
        )
    return deleted


def _last_to_go(
    gateway: Gateway, head: ChainHead, rows: Iterable[ListRecord], before: datetime
) -> _Last | None:
    last = _Last(head.anchor_length, bytes(head.anchor_hash))
    for row in rows:
        payload = value_list.row_chain_payload(gateway.huid, row)
        chain_hash = chains.link(last.chain_hash, payload)
        is_next = row.number == last.number + 1 and chain_hash == bytes(row.chain_hash)
        if row.target_time >= before or not is_next:
            break
        last = _Last(row.number, chain_hash)
    return last if last.number > head.anchor_length else None
