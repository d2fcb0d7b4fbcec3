"""A record as files for stock openssl: text, signature, certificate (D17)."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from portal.auth import consumer_required
from portal.record_page import record_text
from portal.request import PortalRequest
from portal.signature_certificate import certificate_for, pem_response
from portal.views import own_profile, own_row


@require_safe
@consumer_required
def text(request: PortalRequest, profile_id: str, key: str) -> HttpResponse:
    """The signed text, exactly as it was signed."""
    row = own_row(own_profile(request, profile_id), key)
    content = record_text(request.gateway.huid, row).encode()
    return attachment(content, "record.txt", "text/plain; charset=utf-8")


@require_safe
@consumer_required
def signature(request: PortalRequest, profile_id: str, key: str) -> HttpResponse:
    """The signature, DER (ECDSA-Sig-Value)."""
    row = own_row(own_profile(request, profile_id), key)
    return attachment(bytes(row.signature), "record.sig", "application/octet-stream")


@require_safe
@consumer_required
def certificate(request: PortalRequest, profile_id: str, key: str) -> HttpResponse:
    """The certificate of the key that signed, PEM: not always today's one."""
    row = own_row(own_profile(request, profile_id), key)
    return pem_response(certificate_for(row.signer_ski))


def attachment(content: bytes, name: str, content_type: str) -> HttpResponse:
    """A file to keep, which no cache keeps."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
