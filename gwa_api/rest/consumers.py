"""Consumers: who they are, how they log in, how long their log is kept.

No reading and no entry of a consumer's log comes out here; credentials only go in.
"""

from gwa_api.rest.conditions import hashed, require_match, require_new
from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.merge import merged
from gwa_api.rest.paging import page
from gwa_api.rest.problem import conflict, not_found
from gwa_api.rest.resource import (
    Handlers,
    Refusals,
    Summaries,
    answer_of,
    locked,
    resource_routes,
    row_of,
)
from logbooks.models import ConsumerLog
from logbooks.retention import set_retention
from meters import consumer_changes
from meters.account_certificates import set_account_certificate
from meters.accounts import set_consumer_password
from meters.consumer_changes import ConsumerInUse
from meters.credential_changes import note_new_credentials
from meters.models import Account, Consumer

_ALL = "/consumers"


def read_all(call: Call) -> Reply:
    """All consumers."""
    return page(call, Consumer.objects.all(), "id", shown)


def read(call: Call) -> Reply:
    """One consumer."""
    return _answer(_locked(call))


def put(call: Call) -> Reply:
    """Make a consumer with his account, or replace him."""
    id_ = call.ids["consumer"]
    found = row_of(Consumer, id_)
    is_new = require_new(call, hashed(shown(found)) if found else None)
    if not is_new:
        return _changed(id_, call.body)
    consumer_changes.create_consumer_with_account(
        call.gateway, id_, name=call.body.get("name", "-"), auth=call.body["auth"]
    )
    _keep_log(id_, call.body)
    return _answer(Consumer.objects.get(pk=id_), status=201)


def patch(call: Call) -> Reply:
    """Change members of a consumer."""
    found = _locked(call)
    require_match(call, hashed(shown(found)))
    there = {k: v for k, v in shown(found).items() if k != "id"}
    return _changed(found.pk, merged("ConsumerBody", there, call.body))


def delete(call: Call) -> Reply:
    """Delete a consumer without meters."""
    found = _locked(call)
    require_match(call, hashed(shown(found)))
    try:
        consumer_changes.delete_consumer(found.pk)
    except ConsumerInUse as error:
        raise conflict(str(error)) from None
    return Reply(status=204)


def put_credentials(call: Call) -> Reply:
    """Give a consumer a password or a certificate (20033)."""
    consumer = _locked(call)
    account = Account.objects.filter(consumer=consumer).first()
    if account is None:
        raise not_found("the consumer has no account")
    if "password" in call.body:
        set_consumer_password(call.gateway, account, call.body["password"])
    else:
        data = call.body["certificate"].encode()
        set_account_certificate(call.gateway, account, data, now=call.now)
    note_new_credentials(call.gateway, consumer.pk, now=call.now)
    return Reply(status=204)


def shown(found: Consumer) -> Json:
    """A consumer as answered."""
    log = ConsumerLog.objects.get(pk=found.pk)
    ways = {"password": found.password_login, "certificate": found.certificate_login}
    return {
        "id": found.pk,
        "name": found.name,
        "auth": [way for way, is_open in ways.items() if is_open],
        "log_retention_months": log.retention_months,
    }


def _locked(call: Call) -> Consumer:
    return locked(Consumer, call.ids["consumer"])


def _changed(id_: str, body: Json) -> Reply:
    changed = consumer_changes.change_consumer(
        id_, name=body.get("name", "-"), auth=body["auth"]
    )
    _keep_log(id_, body)
    return _answer(changed)


def _keep_log(id_: str, body: Json) -> None:
    if "log_retention_months" in body:
        set_retention(id_, body["log_retention_months"])


def _answer(found: Consumer, *, status: int = 200) -> Reply:
    body = shown(found)
    return answer_of(_ALL, body, etag=hashed(body), status=status)


ROUTES = (
    *resource_routes(
        _ALL,
        "consumer",
        "Consumer",
        Handlers(read_all, read, put, patch, delete),
        Summaries(
            "The consumers",
            "A consumer",
            "Make a consumer with his account, or replace him",
            "Change a consumer",
            "Delete a consumer without meters; his log stays",
        ),
        refusals=Refusals(put=(409,), patch=(404, 409), delete=(404, 409)),
    ),
    Route(
        method="PUT",
        path=f"{_ALL}/{{consumer}}/credentials",
        answer=put_credentials,
        summary="Give a consumer a password or a certificate; never readable",
        body="Credentials",
        replies={204: None},
        problems=(404, 409),
        writes=True,
    ),
)
