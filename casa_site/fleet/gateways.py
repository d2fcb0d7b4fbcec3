"""Opens the gateways of a fleet, and says whose tables a piece of work means."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from casa_site.db.postgresql.schema import in_schema
from casa_site.fleet.clock import FleetClock
from casa_site.fleet.plan import Member
from hardware.gateway import DEFAULT_STORAGE_QUOTA, Gateway, open_gateway

LIVE_PERIOD = timedelta(minutes=5)
"""The clients of a fleet look less often than a consumer does."""


def open_member(member: Member, clock: FleetClock, *, count: int = 1) -> Gateway:
    """One gateway; makes its id and keys on its first start.

    The database is shared by `count` of them, and so is its size.
    """
    gateway = open_gateway(
        member.state,
        huid=member.huid,
        live_period=LIVE_PERIOD,
        storage_quota=DEFAULT_STORAGE_QUOTA * count,
    )
    return replace(gateway, clock=clock)


def open_members(members: Iterable[Member], clock: FleetClock) -> dict[str, Gateway]:
    """All of them, by id."""
    found = list(members)
    return {one.huid: open_member(one, clock, count=len(found)) for one in found}


@contextmanager
def entered(member: Member) -> Iterator[None]:
    """Work on the tables of this gateway inside the block."""
    with in_schema(member.schema):
        yield
