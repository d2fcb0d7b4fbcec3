"""The whole chain of content security: compress, encrypt, sign, and back.

A message is SignedData over AuthEnvelopedData over CompressedData (or over the bare
content). Who takes it checks the outer signature before anything inside is touched;
the GWA stops there and forwards the envelope (TR-03109-1 DS 5; CASA manual 4.4).
"""

import zlib

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from hardware import cms_names
from hardware.cms_compressed import LARGEST_CONTENT, compress, decompress
from hardware.cms_enveloped import Agree, envelope, open_envelope
from hardware.cms_error import CmsFault, CmsRefused
from hardware.cms_signed import KeyOf, Signed, open_signed, sign
from hardware.cms_suite import EnvelopeSuite
from hardware.security_module import SIGNATURE_SLOT, SecurityModule

LARGEST_MESSAGE = 32 * 1024 * 1024
"""A message larger than this is not looked at."""


def seal(
    module: SecurityModule,
    content: bytes,
    recipient: EllipticCurvePublicKey,
    *,
    suite: EnvelopeSuite = EnvelopeSuite.CMS_ECKAEG_AES_128_GCM,
    compressed: bool = True,
    slot: str = SIGNATURE_SLOT,
) -> bytes:
    """The message for a recipient's encryption key, signed with the key in `slot`.

    Raises CmsRefused with the step that failed.
    """
    if len(content) > LARGEST_CONTENT:
        raise CmsRefused(CmsFault.MEMORY, f"more than {LARGEST_CONTENT} bytes")
    content_type, inside = cms_names.DATA, content
    if compressed:
        content_type, inside = cms_names.COMPRESSED_DATA, _compressed(content)
    sealed = _enveloped(inside, recipient, suite, content_type)
    return signed_envelope(module, sealed, slot=slot)


def signed_envelope(
    module: SecurityModule, sealed: bytes, *, slot: str = SIGNATURE_SLOT
) -> bytes:
    """The outer signature around an envelope; raises CmsRefused(SIGN)."""
    kind = cms_names.AUTH_ENVELOPED_DATA
    try:
        return sign(module, sealed, content_type=kind, slot=slot)
    except (LookupError, ValueError) as error:
        raise CmsRefused(CmsFault.SIGN, f"not signed: {error}") from None


def strip(message: bytes, key_of: KeyOf) -> Signed:
    """The envelope without its outer signature, when that is good (the GWA's part)."""
    if len(message) > LARGEST_MESSAGE:
        raise CmsRefused(CmsFault.MEMORY, f"more than {LARGEST_MESSAGE} bytes")
    signed = open_signed(message, key_of)
    if signed.content_type != cms_names.AUTH_ENVELOPED_DATA:
        raise CmsRefused(CmsFault.SIGNATURE, "there is no envelope inside")
    return signed


def unseal(
    sealed: bytes,
    own: EllipticCurvePublicKey,
    agree: Agree,
    *,
    largest: int = LARGEST_CONTENT,
) -> bytes:
    """The content of an envelope for the key `own`; raises CmsRefused."""
    if len(sealed) > LARGEST_MESSAGE:
        raise CmsRefused(CmsFault.MEMORY, f"more than {LARGEST_MESSAGE} bytes")
    opened = open_envelope(sealed, own, agree)
    if opened.content_type == cms_names.COMPRESSED_DATA:
        return decompress(opened.content, largest=largest)
    if opened.content_type != cms_names.DATA:
        raise CmsRefused(CmsFault.DECRYPT, "an unknown kind of content is inside")
    return opened.content


def _compressed(content: bytes) -> bytes:
    try:
        return compress(content)
    except (zlib.error, MemoryError) as error:
        raise CmsRefused(CmsFault.COMPRESS, f"not compressed: {error}") from None


def _enveloped(
    inside: bytes,
    recipient: EllipticCurvePublicKey,
    suite: EnvelopeSuite,
    content_type: bytes,
) -> bytes:
    try:
        return envelope(inside, recipient, suite, content_type=content_type)
    except (KeyError, ValueError) as error:
        raise CmsRefused(CmsFault.ENCRYPT, f"not encrypted: {error}") from None
