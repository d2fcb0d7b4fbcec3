"""Who logged in and who failed to, in the logs: event 5001 (R102, D54)."""

from datetime import timedelta

from django.db import transaction

from logbooks.catalogue import Event
from logbooks.services import log_event
from meters.models import Account
from portal import local_time
from portal.models import DigestLogin
from portal.request import PortalRequest

_LONGEST_NAME = 32
_LONGEST_ADDRESS = 45


def log_success(request: PortalRequest, account: Account) -> None:
    """5001/0, into the consumer's log."""
    log_event(
        request.gateway,
        Event.PASSWORD_LOGIN_DONE,
        account.username,
        now=request.received_at,
        consumers=_consumers_of(account),
    )


def log_digest_success(request: PortalRequest, account: Account) -> None:
    """5001/0 once per user, address and local day (decisions D54)."""
    day = local_time.day(request.received_at)
    key = {
        "username": account.username,
        "address": request.META.get("REMOTE_ADDR", "")[:_LONGEST_ADDRESS],
        "day": day,
    }
    if DigestLogin.objects.filter(**key).exists():
        return
    with transaction.atomic():
        _row, is_first = DigestLogin.objects.get_or_create(**key)
        if is_first:
            log_success(request, account)
            DigestLogin.objects.filter(day__lt=day - timedelta(days=1)).delete()


def log_refusal(request: PortalRequest, username: str) -> None:
    """5001/1, or 5001/2 when `request.login_error` says what else was wrong.

    Goes into the log of the consumer whose name was used, if there is one.
    """
    account = Account.objects.filter(username=username).first()
    consumers = _consumers_of(account) if account else ()
    error = getattr(request, "login_error", "")
    event = Event.PASSWORD_LOGIN_FAILED if error else Event.PASSWORD_LOGIN_REFUSED
    arguments = filter(None, [username[:_LONGEST_NAME] or "-", error])
    log_event(
        request.gateway,
        event,
        *arguments,
        now=request.received_at,
        consumers=consumers,
    )


def _consumers_of(account: Account) -> tuple[str, ...]:
    return (account.consumer_id,) if account.consumer_id else ()
