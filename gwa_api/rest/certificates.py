"""The certificate store: partners' certificates and the gateway's own (R69, R99)."""

from cryptography.hazmat.primitives.serialization import Encoding
from django.db.models import QuerySet

from gwa_api.rest.declaration import Call, Json, Parameter, Reply, Route
from gwa_api.rest.paging import PAGE, page
from gwa_api.rest.problem import conflict, invalid, not_found
from gwa_api.rest.shapes import one_of
from gwa_api.rest.shown import at
from logbooks.certificate_store import (
    Holder,
    Kind,
    Stage,
    State,
    active_certificates,
    end_certificate,
    import_partner_certificate,
    parsed,
)
from logbooks.key_renewal import import_own_certificate
from logbooks.models import Certificate
from tariffs.models import MarketParticipant
from tariffs.problem import Problem

_OF_THE_HOUSE = (Holder.CONSUMER, Holder.TECHNICIAN)
_FILTER = (
    *PAGE,
    Parameter("holder", one_of(("SMGW", "GWA", "EMT", "CLS")), "whose they are"),
    Parameter("state", one_of(State), "a state"),
)


def read_all(call: Call) -> Reply:
    """Everybody's but those of people in the house."""
    same = {k: call.query[k] for k in ("holder", "state") if k in call.query}
    return page(call, visible().filter(**same), "pk", shown)


def read(call: Call) -> Reply:
    """One certificate as PEM."""
    found = _found(call)
    pem = parsed(found).public_bytes(Encoding.PEM).decode()
    return Reply(body={**shown(found), "certificate": pem})


def take_in(call: Call) -> Reply:
    """Import a certificate: of a partner, or for one of the gateway's keys."""
    body, data = call.body, call.body["certificate"].encode()
    if body["holder"] == Holder.SMGW:
        made = import_own_certificate(call.gateway, data, now=call.now)
    else:
        _refuse_stranger(body)
        made = import_partner_certificate(
            call.gateway,
            data,
            kind=Kind(body["kind"]),
            holder=Holder(body["holder"]),
            holder_id=body["holder_id"],
            now=call.now,
        )
    pem = parsed(made).public_bytes(Encoding.PEM).decode()
    return Reply(
        status=201,
        body={**shown(made), "certificate": pem},
        location=f"/certificates/{made.pk}",
    )


def end(call: Call) -> Reply:
    """Take a certificate out of force; it never comes back."""
    found = _found(call)
    if found.pk == call.certificate:
        raise conflict("it is the one that you come with")
    if found.holder == Holder.SMGW:
        raise conflict("the gateway's own end with the renewal of its keys")
    if not end_certificate(found.pk, now=call.now):
        raise conflict("it is not in force")
    return Reply(status=204)


def shown(entry: Certificate) -> Json:
    """A certificate as answered."""
    return {
        "id": entry.pk,
        "kind": entry.kind,
        "stage": entry.stage,
        "holder": entry.holder,
        "holder_id": entry.holder_id,
        "state": entry.state,
        "subject_cn": entry.subject_cn,
        "issuer_cn": entry.issuer_cn,
        "serial": entry.serial,
        "ski": entry.ski,
        "curve": entry.curve,
        "not_before": at(entry.not_before),
        "not_after": at(entry.not_after),
    }


def visible() -> QuerySet[Certificate]:
    """Authorities are trust anchors; people of the house are none of his business."""
    found = Certificate.objects.exclude(holder__in=_OF_THE_HOUSE)
    return found.exclude(stage=Stage.SUB_CA)


def _found(call: Call) -> Certificate:
    found = visible().filter(pk=call.ids["certificate"]).first()
    if found is None:
        raise not_found()
    return found


def _refuse_stranger(body: Json) -> None:
    missing = [name for name in ("kind", "holder_id") if name not in body]
    if missing:
        raise invalid(Problem(f"/{name}", "is needed") for name in missing)
    id_ = body["holder_id"]
    if body["holder"] == Holder.EMT:
        if not MarketParticipant.objects.filter(pk=id_).exists():
            raise invalid([Problem("/holder_id", "there is no such participant")])
    elif body["kind"] == Kind.TLS:
        in_office = active_certificates(Holder.GWA, Kind.TLS)
        if not in_office.filter(holder_id=id_).exists():
            raise conflict("another GWA has to be announced: administrator-change")


_PATH = "/certificates/{certificate}"
ROUTES = (
    Route(
        method="GET",
        path="/certificates",
        answer=read_all,
        summary="The certificates of gateway, GWA, EMTs and CLS",
        replies={200: "CertificatePage"},
        query=_FILTER,
    ),
    Route(
        method="POST",
        path="/certificates",
        answer=take_in,
        summary="Import a certificate",
        body="CertificateBody",
        replies={201: "Certificate"},
        problems=(409,),
        writes=True,
    ),
    Route(
        method="GET",
        path=_PATH,
        answer=read,
        summary="A certificate as PEM",
        replies={200: "Certificate"},
        problems=(404,),
    ),
    Route(
        method="DELETE",
        path=_PATH,
        answer=end,
        summary="Take a certificate out of force",
        replies={204: None},
        problems=(404, 409),
        writes=True,
    ),
)
