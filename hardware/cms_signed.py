"""SignedData with exactly one signer, named by its key (RFC 5652; TR-03109-1 DS 5).

Version 3, SHA-256, ECDSA, the two signed attributes contentType and messageDigest and
nothing else. Detached signatures leave the content out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from hardware import cms_names
from hardware.cms_error import CmsFault, CmsRefused
from hardware.der import (
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    DerInvalid,
    DerReader,
    context,
    encode,
    integer,
    octet_string,
    sequence,
    set_members,
    set_of,
)
from hardware.security_module import (
    SIGNATURE_SLOT,
    SecurityModule,
    SignatureInvalid,
    verify,
)

_SHA256 = sequence(cms_names.SHA256)
_ECDSA = sequence(cms_names.ECDSA_SHA256)
_SKI = context(0, constructed=False)
_VERSION = integer(3)

KeyOf = Callable[[str], EllipticCurvePublicKey | None]
"""The key of a signer by its subject key identifier in hex; None when not known."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a good signature covers; `content_type` is the DER of its identifier."""

    content_type: bytes
    content: bytes
    signer_ski: str
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _SignerInfo:
    ski: str
    attributes: bytes
    signature: bytes


def sign(
    module: SecurityModule,
    content: bytes,
    *,
    content_type: bytes = cms_names.DATA,
    slot: str = SIGNATURE_SLOT,
    certificate: bytes | None = None,
    detached: bool = False,
) -> bytes:
    """The DER of a ContentInfo with SignedData over `content`.

    `certificate` (DER) is put in when given. `detached` leaves the content out: the
    receiver gets it beside the signature. Raises what the module raises.
    """
    attributes = _attributes(content_type, content)
    signature = module.sign(slot, attributes)
    signer = sequence(
        _VERSION,
        encode(_SKI, bytes.fromhex(module.key_identifier(slot))),
        _SHA256,
        encode(context(0), attributes[_head_size(attributes) :]),
        _ECDSA,
        octet_string(signature),
    )
    inside = b"" if detached else encode(context(0), octet_string(content))
    body = sequence(
        _VERSION,
        set_of(_SHA256),
        sequence(content_type, inside),
        encode(context(0), certificate) if certificate else b"",
        set_of(signer),
    )
    return sequence(cms_names.SIGNED_DATA, encode(context(0), body))


def open_signed(data: bytes, key_of: KeyOf, *, content: bytes | None = None) -> Signed:
    """What is signed, when the signature is good and its signer known.

    `content` is what a detached signature belongs to; without it the content must be
    inside. Raises CmsRefused(SIGNATURE).
    """
    try:
        content_type, inside, certificates, signer = _parsed(data)
        if (inside is None) == (content is None):
            raise DerInvalid("the content is missing, or there are two")
        signed = inside if content is None else content
        assert signed is not None
        _check(signer, content_type, signed, key_of)
    except DerInvalid as error:
        raise CmsRefused(CmsFault.SIGNATURE, f"signed data: {error}") from None
    return Signed(content_type, signed, signer.ski, certificates)


def unchecked_content(data: bytes) -> bytes:
    """What SignedData holds, its signature not checked; raises CmsRefused(SIGNATURE).

    For messages of one's own.
    """
    try:
        inside = _parsed(data)[1]
    except DerInvalid as error:
        raise CmsRefused(CmsFault.SIGNATURE, f"signed data: {error}") from None
    return inside or b""


def _check(
    signer: _SignerInfo, content_type: bytes, content: bytes, key_of: KeyOf
) -> None:
    expected = _attributes(content_type, content)
    if not compare_digest(signer.attributes, expected):
        raise DerInvalid("the attributes do not fit the content")
    key = key_of(signer.ski)
    if key is None:
        raise DerInvalid("the signer is not known")
    try:
        verify(key, signer.signature, expected)
    except SignatureInvalid:
        raise DerInvalid("the signature does not fit") from None


def _attributes(content_type: bytes, content: bytes) -> bytes:
    digest = octet_string(sha256(content).digest())
    return set_of(
        sequence(cms_names.CONTENT_TYPE, set_of(content_type)),
        sequence(cms_names.MESSAGE_DIGEST, set_of(digest)),
    )


def _head_size(element: bytes) -> int:
    return 2 if element[1] < 0x80 else 2 + (element[1] & 0x7F)


def _parsed(data: bytes) -> tuple[bytes, bytes | None, tuple[bytes, ...], _SignerInfo]:
    outer = DerReader(data)
    info = outer.inside(SEQUENCE)
    outer.end()
    info.expect(cms_names.SIGNED_DATA, "content type")
    wrapped = info.inside(context(0))
    info.end()
    body = wrapped.inside(SEQUENCE)
    wrapped.end()
    body.expect(_VERSION, "version")
    body.expect(set_of(_SHA256), "digest algorithm")
    content_type, content = _encapsulated(body.inside(SEQUENCE))
    certificates = _certificates(body)
    signers = set_members(body.content(SET))
    body.end()
    if len(signers) != 1:
        raise DerInvalid(f"{len(signers)} signers instead of one")
    return content_type, content, certificates, _signer(signers[0])


def _encapsulated(info: DerReader) -> tuple[bytes, bytes | None]:
    content_type = info.whole(OID)
    if info.next_tag() is None:
        return content_type, None
    wrapped = info.inside(context(0))
    info.end()
    content = wrapped.content(OCTET_STRING)
    wrapped.end()
    return content_type, content


def _certificates(body: DerReader) -> tuple[bytes, ...]:
    if body.next_tag() != context(0):
        return ()
    certificates = tuple(set_members(body.content(context(0))))
    if len(certificates) != 1 or certificates[0][0] != SEQUENCE:
        raise DerInvalid("something else than one certificate")
    return certificates


def _signer(encoded: bytes) -> _SignerInfo:
    signer = DerReader(encoded).inside(SEQUENCE)
    signer.expect(_VERSION, "version of the signer")
    ski = signer.content(_SKI)
    signer.expect(_SHA256, "digest algorithm of the signer")
    attributes = encode(SET, signer.content(context(0)))
    signer.expect(_ECDSA, "signature algorithm")
    signature = signer.content(OCTET_STRING)
    signer.end()
    return _SignerInfo(ski.hex(), attributes, signature)
