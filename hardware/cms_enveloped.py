"""AuthEnvelopedData for exactly one recipient by key agreement (RFC 5083, RFC 5753)."""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware import cms_names
from hardware.cms_content import (
    MAC_SIZE,
    Encrypted,
    cipher_of,
    decrypt,
    encrypt,
    key_size,
)
from hardware.cms_error import CmsFault, CmsRefused
from hardware.cms_suite import EnvelopeSuite, KeyAgreement
from hardware.der import (
    BIT_STRING,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    DerInvalid,
    DerReader,
    bit_string,
    context,
    encode,
    integer,
    octet_string,
    oid,
    sequence,
    set_members,
    set_of,
)
from hardware.security_module import key_identifier

_CIPHERTEXT = context(0, constructed=False)
_CURVES: dict[str, bytes] = {
    "brainpoolP256r1": oid("1.3.36.3.3.2.8.1.1.7"),
    "brainpoolP384r1": oid("1.3.36.3.3.2.8.1.1.11"),
    "brainpoolP512r1": oid("1.3.36.3.3.2.8.1.1.13"),
    "secp256r1": oid("1.2.840.10045.3.1.7"),
    "secp384r1": oid("1.3.132.0.34"),
}

Agree = Callable[[EllipticCurvePublicKey], bytes]
"""The recipient's half of the agreement: x coordinate of the shared point."""


class Opened(NamedTuple):
    """What was inside an envelope; `content_type` is the DER of its identifier."""

    content_type: bytes
    content: bytes


class _Envelope(NamedTuple):
    agreement: KeyAgreement
    originator: EllipticCurvePublicKey
    recipient_ski: bytes
    wrapped_key: bytes
    content_type: bytes
    encrypted: Encrypted
    attributes: bytes


def envelope(
    content: bytes,
    recipient: EllipticCurvePublicKey,
    suite: EnvelopeSuite,
    *,
    content_type: bytes = cms_names.DATA,
) -> bytes:
    """The DER of AuthEnvelopedData (no ContentInfo around it) for one recipient."""
    ephemeral = ec.generate_private_key(recipient.curve)
    shared = ephemeral.exchange(ec.ECDH(), recipient)
    key = secrets.token_bytes(key_size(suite.cipher))
    attributes = _attributes(content_type)
    encrypted = encrypt(suite.cipher, key, content, attributes)
    wrapped = aes_key_wrap(_wrapping_key(suite.agreement, shared), key)
    return sequence(
        integer(0),
        set_of(_recipient_info(suite, ephemeral.public_key(), recipient, wrapped)),
        sequence(
            content_type,
            encrypted.algorithm,
            encode(_CIPHERTEXT, encrypted.ciphertext),
        ),
        _transmitted(attributes),
        octet_string(encrypted.mac),
    )


def recipient_ski(data: bytes, curve: ec.EllipticCurve) -> str:
    """Whom an envelope is for: the SKI in hex; raises CmsRefused(DECRYPT)."""
    return _checked_parse(data, curve).recipient_ski.hex()


def open_envelope(data: bytes, own: EllipticCurvePublicKey, agree: Agree) -> Opened:
    """The content of an envelope for the key `own`; raises CmsRefused(DECRYPT)."""
    parts = _checked_parse(data, own.curve)
    if parts.recipient_ski.hex() != key_identifier(own):
        raise CmsRefused(CmsFault.DECRYPT, "the envelope is for somebody else")
    wrapping = _wrapping_key(parts.agreement, agree(parts.originator))
    try:
        key = aes_key_unwrap(wrapping, parts.wrapped_key)
    except (InvalidUnwrap, ValueError):
        raise CmsRefused(CmsFault.DECRYPT, "the key does not unwrap") from None
    return Opened(parts.content_type, decrypt(parts.encrypted, key, parts.attributes))


def with_content_info(data: bytes) -> bytes:
    """A ContentInfo around an AuthEnvelopedData, as other programs expect it."""
    return sequence(cms_names.AUTH_ENVELOPED_DATA, encode(context(0), data))


def without_content_info(data: bytes) -> bytes:
    """The AuthEnvelopedData inside a ContentInfo; raises CmsRefused(DECRYPT)."""
    try:
        outer = DerReader(data)
        info = outer.inside(SEQUENCE)
        outer.end()
        info.expect(cms_names.AUTH_ENVELOPED_DATA, "content type")
        wrapped = info.inside(context(0))
        info.end()
        inside = wrapped.whole(SEQUENCE)
        wrapped.end()
    except DerInvalid as error:
        raise CmsRefused(CmsFault.DECRYPT, f"envelope: {error}") from None
    return inside


def _wrapping_key(agreement: KeyAgreement, shared: bytes) -> bytes:
    """The key of AES-128 key wrap: X9.63 KDF over ECC-CMS-SharedInfo (RFC 5753)."""
    bits = octet_string((128).to_bytes(4, "big"))
    shared_info = sequence(sequence(cms_names.AES128_WRAP), encode(context(2), bits))
    return X963KDF(agreement.hash, 16, shared_info).derive(shared)


def _attributes(content_type: bytes) -> bytes:
    """The authenticated attributes; none for plain data (RFC 5083, 2.1)."""
    if content_type == cms_names.DATA:
        return b""
    return _named(content_type)


def _named(content_type: bytes) -> bytes:
    return set_of(sequence(cms_names.CONTENT_TYPE, set_of(content_type)))


def _transmitted(attributes: bytes) -> bytes:
    """The attributes with the tag that they are sent with."""
    return bytes((context(1),)) + attributes[1:] if attributes else b""


def _recipient_info(
    suite: EnvelopeSuite,
    originator: EllipticCurvePublicKey,
    recipient: EllipticCurvePublicKey,
    wrapped: bytes,
) -> bytes:
    point = originator.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    curve = _CURVES[originator.curve.name]
    algorithm = sequence(cms_names.EC_PUBLIC_KEY, curve)
    ski = octet_string(bytes.fromhex(key_identifier(recipient)))
    key_id = encode(context(0), ski)
    return encode(
        context(1),
        integer(3),
        encode(context(0), encode(context(1), algorithm, bit_string(point))),
        suite.agreement.algorithm,
        sequence(sequence(key_id, octet_string(wrapped))),
    )


def _checked_parse(data: bytes, curve: ec.EllipticCurve) -> _Envelope:
    try:
        return _parsed(data, curve)
    except DerInvalid as error:
        raise CmsRefused(CmsFault.DECRYPT, f"envelope: {error}") from None


def _parsed(data: bytes, curve: ec.EllipticCurve) -> _Envelope:
    outer = DerReader(data)
    body = outer.inside(SEQUENCE)
    outer.end()
    body.expect(integer(0), "version")
    recipients = set_members(body.content(SET))
    if len(recipients) != 1:
        raise DerInvalid(f"{len(recipients)} recipients instead of one")
    agreement, originator, ski, wrapped = _recipient(recipients[0], curve)
    info = body.inside(SEQUENCE)
    content_type, algorithm = info.whole(OID), info.whole(SEQUENCE)
    ciphertext = info.content(_CIPHERTEXT)
    info.end()
    attributes = b""
    if body.next_tag() == context(1):
        attributes = encode(SET, body.content(context(1)))
    if attributes not in (_attributes(content_type), _named(content_type)):
        raise DerInvalid("the attributes are not those of this content type")
    mac = body.content(OCTET_STRING)
    body.end()
    if len(mac) != MAC_SIZE or len(wrapped) != key_size(cipher_of(algorithm)) + 8:
        raise DerInvalid("the MAC or the wrapped key has another length")
    encrypted = Encrypted(algorithm, ciphertext, mac)
    return _Envelope(
        agreement, originator, ski, wrapped, content_type, encrypted, attributes
    )


def _recipient(
    encoded: bytes, curve: ec.EllipticCurve
) -> tuple[KeyAgreement, EllipticCurvePublicKey, bytes, bytes]:
    info = DerReader(encoded).inside(context(1))
    info.expect(integer(3), "version of the recipient")
    originator = _originator(info.inside(context(0)), curve)
    agreement = _agreement(info.whole(SEQUENCE))
    keys = info.inside(SEQUENCE)
    info.end()
    key = keys.inside(SEQUENCE)
    keys.end()
    key_id = key.inside(context(0))
    ski = key_id.content(OCTET_STRING)
    key_id.end()
    wrapped = key.content(OCTET_STRING)
    key.end()
    return agreement, originator, ski, wrapped


def _agreement(algorithm: bytes) -> KeyAgreement:
    for known in KeyAgreement:
        if known.algorithm == algorithm:
            return known
    raise DerInvalid("the key agreement is not a known one")


def _originator(wrapped: DerReader, curve: ec.EllipticCurve) -> EllipticCurvePublicKey:
    key = wrapped.inside(context(1))
    wrapped.end()
    algorithm = key.inside(SEQUENCE)
    algorithm.expect(cms_names.EC_PUBLIC_KEY, "kind of the ephemeral key")
    if algorithm.next_tag() is not None:
        algorithm.expect(_CURVES[curve.name], "curve of the ephemeral key")
    algorithm.end()
    point = key.content(BIT_STRING)
    key.end()
    if point[:2] != b"\x00\x04":
        raise DerInvalid("the ephemeral point is not an uncompressed one")
    try:
        return EllipticCurvePublicKey.from_encoded_point(curve, point[1:])
    except ValueError:
        raise DerInvalid("the ephemeral point is not on the curve") from None
