"""The renewal of the gateway's keys, and the trust anchors (R69)."""

from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gwa_api.key_activation import NotConnected, activate_after_test
from gwa_api.models import Operation
from gwa_api.rest import operations
from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.problem import conflict, not_found
from gwa_api.rest.refusals import certificate_problem
from gwa_api.rest.shown import at
from hardware.certificate_path import CertificateRefused, read_certificate
from hardware.root_certificates import (
    LAST_ROOT,
    delete_root,
    install_root,
    root_certificates,
)
from hardware.security_faults import RootRefused
from logbooks import key_renewal
from logbooks.certificate_store import (
    Kind,
    Stage,
    State,
    end_certificate,
    import_authority,
    import_revocation_list,
    parsed,
    path_of,
)
from logbooks.models import Certificate, RevocationList

_ANCHORS = ("root", "authority", "revocation_list")


def request(call: Call) -> Reply:
    """Make new keys in the free bank; a PKCS#10 request for each."""
    return Reply(status=201, body=dict(key_renewal.request_certificates(call.gateway)))


def activate(call: Call) -> Reply:
    """Switch to the new keys, after a test connection with them."""
    try:
        activate_after_test(call.gateway, now=call.now)
    except NotConnected as error:
        raise conflict(f"the test connection failed: {error}") from None
    reply = operations.accepted(Operation.Kind.KEYS, now=call.now)
    assert reply.body is not None
    operations.finish(reply.body["id"], {}, now=call.now)
    return reply


def read_anchors(call: Call) -> Reply:
    """Roots, sub-CAs, revocation lists."""
    roots = root_certificates(call.gateway.security_module)
    subs = Certificate.objects.filter(
        kind=Kind.CA, stage=Stage.SUB_CA, state=State.ACTIVE
    )
    items = [_root(one) for one in roots]
    items += [_authority(one) for one in subs.order_by("pk")]
    items += [_list(one) for one in RevocationList.objects.order_by("pk")]
    return Reply(body={"items": items})


def add_anchor(call: Call) -> Reply:
    """A further root by its link certificate, a sub-CA, or a revocation list."""
    member = next(one for one in _ANCHORS if one in call.body)
    try:
        return _added(call)
    except CertificateRefused as refused:
        raise certificate_problem(refused, member) from None


def _added(call: Call) -> Reply:
    body, gateway = call.body, call.gateway
    if "authority" in body:
        entry = import_authority(gateway, body["authority"].encode(), now=call.now)
        return _made(_authority(entry))
    if "revocation_list" in body:
        return _made(_taken_list(call, body["revocation_list"].encode()))
    certificate = read_certificate(body["root"].encode())
    der = certificate.public_bytes(Encoding.DER)
    link = body.get("link", "").encode()
    return _made(_root(install_root(gateway.security_module, der, link=link)))


def _taken_list(call: Call, data: bytes) -> Json:
    before = set(RevocationList.objects.values_list("pk", "number"))
    import_revocation_list(call.gateway, data, now=call.now)
    lists = RevocationList.objects.order_by("pk")
    changed = [one for one in lists if (one.pk, one.number) not in before]
    return _list((changed or list(lists))[0])


def delete_anchor(call: Call) -> Reply:
    """Give up a root or a sub-CA; the last root stays (1600245)."""
    id_ = call.ids["anchor"]
    if Certificate.objects.filter(pk=id_, stage=Stage.SUB_CA).exists():
        _refuse_own(call, id_)
        if not end_certificate(id_, now=call.now):
            raise not_found()
        return Reply(status=204)
    if len(root_certificates(call.gateway.security_module)) > 1:
        _refuse_own(call, id_)
    try:
        delete_root(call.gateway.security_module, id_)
    except RootRefused as refused:
        if refused.code == LAST_ROOT:
            raise
        raise not_found() from None
    return Reply(status=204)


def _refuse_own(call: Call, id_: str) -> None:
    """Without it the administrator could not come in again, nor anybody else."""
    own = parsed(Certificate.objects.get(pk=call.certificate))
    path = path_of(call.gateway, own, kind=Kind.TLS, now=call.now)
    if id_ in [one.fingerprint(SHA256()).hex() for one in path]:
        raise conflict("your own certificate stands on it")


def _made(anchor: Json) -> Reply:
    return Reply(status=201, body=anchor)


def _root(certificate: x509.Certificate) -> Json:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        "id": sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        "kind": "root",
        "subject_cn": str(names[0].value)[:64] if names else "",
        "not_after": at(certificate.not_valid_after_utc),
    }


def _authority(entry: Certificate) -> Json:
    return {
        "id": entry.pk,
        "kind": "authority",
        "subject_cn": entry.subject_cn,
        "not_after": at(entry.not_after),
    }


def _list(found: RevocationList) -> Json:
    return {
        "id": found.pk,
        "kind": "revocation_list",
        "subject_cn": "",
        "not_after": at(found.next_update),
    }


ROUTES = (
    Route(
        method="POST",
        path="/keys/requests",
        answer=request,
        summary="Make new keys; PKCS#10 requests (1600122 while both banks are in use)",
        replies={201: "KeyRequests"},
        problems=(409,),
    ),
    Route(
        method="POST",
        path="/keys/activate",
        answer=activate,
        summary="Switch to the new keys after a test connection",
        replies={202: "Operation"},
        problems=(409,),
    ),
    Route(
        method="GET",
        path="/trust-anchors",
        answer=read_anchors,
        summary="Roots, sub-CAs and revocation lists",
        replies={200: "AnchorList"},
    ),
    Route(
        method="POST",
        path="/trust-anchors",
        answer=add_anchor,
        summary="Add a root by its link certificate, a sub-CA, or a revocation list",
        body="AnchorBody",
        replies={201: "Anchor"},
        problems=(409,),
    ),
    Route(
        method="DELETE",
        path="/trust-anchors/{anchor}",
        answer=delete_anchor,
        summary="Give up a root or a sub-CA; the last root stays (1600245)",
        replies={204: None},
        problems=(404, 409),
    ),
)
