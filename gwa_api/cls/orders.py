"""Connections that the GWA orders (HKS4) and ends, and what the proxy finds to do."""

from datetime import datetime

from django.db import transaction

from gwa_api.cls.profile import Scenario
from gwa_api.models import ProxyConnection, ProxyProfile
from gwa_api.proxy_profiles import profiles_in_force
from tariffs.profile_spec import Problem, ProfileInvalid


@transaction.atomic
def order_connection(profile_id: str, *, now: datetime) -> ProxyConnection:
    """Order a connection between a CLS and its EMT.

    Raises ProxyProfile.DoesNotExist, and ProfileInvalid for a profile that is not in
    force or not made for that.
    """
    profile = ProxyProfile.objects.get(pk=profile_id)
    if profile.scenario == Scenario.CLS:
        raise ProfileInvalid([Problem("/scenario", "here only the CLS may begin")])
    if profile_id not in {given.id for given in profiles_in_force(now=now)}:
        raise ProfileInvalid([Problem("/valid_from", "the profile is not in force")])
    return ProxyConnection.objects.create(
        profile_id=profile_id, consumer_id=profile.consumer_id, requested_at=now
    )


def end_connection(number: int) -> bool:
    """Ask the proxy to end a connection; False when there is none that is open."""
    standing = ProxyConnection.objects.filter(pk=number, closed_at=None)
    return standing.update(ending=True) == 1


def waiting_orders() -> list[ProxyConnection]:
    """Orders that nobody has taken up, oldest first."""
    return list(
        ProxyConnection.objects.filter(
            closed_at=None, opened_at=None, ending=False
        ).order_by("pk")
    )


def ending_connections() -> list[int]:
    """The numbers of the connections that shall end."""
    rows = ProxyConnection.objects.filter(closed_at=None, ending=True)
    return list(rows.values_list("pk", flat=True))


def give_up(number: int, problem: str, *, now: datetime) -> None:
    """Note that an order came to nothing; the reason names nobody."""
    rows = ProxyConnection.objects.filter(pk=number, closed_at=None)
    rows.update(closed_at=now, problem=problem[:64])
