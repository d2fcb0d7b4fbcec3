"""The certificate of the gateway's signature key, for whoever checks a signature."""

import re

from django.http import Http404, HttpResponse

from logbooks import certificates
from logbooks.models import Certificate

PEM = "application/x-pem-file"
DER = "application/pkix-cert"
NAME = "signatur-zertifikat"
_SKI = re.compile("[0-9A-Fa-f]*")


def certificate_for(ski: str) -> Certificate:
    """The signature certificate with this SKI, "" for the active one.

    Raises Http404, also for a certificate that is for something else.
    """
    if not _SKI.fullmatch(ski):
        raise Http404
    try:
        if not ski:
            return certificates.signature_certificate()
        certificate = certificates.certificate_by_ski(ski.lower())
    except Certificate.DoesNotExist:
        raise Http404 from None
    if certificate.kind != Certificate.Kind.SIG:
        raise Http404
    return certificate


def pem_response(certificate: Certificate | None = None) -> HttpResponse:
    """The certificate as a PEM file; left out, the active one."""
    text = certificates.certificate_pem(certificate or certificate_for(""))
    return _file(text.encode(), content_type=PEM, name=f"{NAME}.pem")


def der_response(certificate: Certificate) -> HttpResponse:
    """The same in DER."""
    return _file(bytes(certificate.der), content_type=DER, name=f"{NAME}.der")


def _file(content: bytes, *, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
