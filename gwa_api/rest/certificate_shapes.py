"""Certificates, keys, trust anchors, the next administrator."""

from gwa_api.rest.shapes import (
    AT,
    ID,
    PEM,
    SHA256,
    Schema,
    many,
    one_of,
    or_null,
    page_of,
    ref,
    text,
    thing,
)

_CERTIFICATE = {
    "id": SHA256,
    "kind": one_of(("TLS", "ENC", "SIG", "CA")),
    "stage": text(16),
    "holder": text(4),
    "holder_id": text(64, 0),
    "state": one_of(("pending", "active", "expired", "revoked")),
    "subject_cn": text(64, 0),
    "issuer_cn": text(64, 0),
    "serial": text(40),
    "ski": text(40),
    "curve": text(16),
    "not_before": AT,
    "not_after": AT,
}

CERTIFICATES: dict[str, Schema] = {
    "CertificateBody": thing(
        "holder certificate",
        holder=one_of(("GWA", "EMT", "SMGW")),
        holder_id=ID,
        kind=one_of(("TLS", "ENC", "SIG")),
        certificate=PEM,
    ),
    "CertificateLine": thing("*", **_CERTIFICATE),
    "CertificatePage": page_of("CertificateLine"),
    "Certificate": thing("*", **_CERTIFICATE, certificate=PEM),
    "KeyRequests": thing("*", **{n: PEM for n in ("tls", "enc", "sig")}),
    "AnchorBody": {
        "oneOf": [
            thing("root", root=PEM, link=PEM),
            thing("authority", authority=PEM),
            thing("revocation_list", revocation_list=text(200_000)),
        ]
    },
    "Anchor": thing(
        "*",
        id=SHA256,
        kind=one_of(("root", "authority", "revocation_list")),
        subject_cn=text(64, 0),
        not_after=or_null(AT),
    ),
    "AnchorList": thing("*", items=many(ref("Anchor"), 100)),
    "ChangeBody": thing("*", holder_id=ID, certificate=PEM),
    "Change": thing(
        "*",
        state=one_of(("none", "announced", "complete", "cancelled")),
        holder_id=or_null(text(64)),
        certificate=or_null(SHA256),
        announced_at=or_null(AT),
        ended_at=or_null(AT),
    ),
}
