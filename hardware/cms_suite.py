"""Which algorithms an envelope is made of (TR-03109-1 DS 5, tables 5.1 to 5.3)."""

from enum import Enum

from cryptography.hazmat.primitives import hashes

from hardware import cms_names
from hardware.der import oid, sequence


class KeyAgreement(Enum):
    """How the key that wraps the content's key is agreed; the value is its OID."""

    ECKA_EG_SHA256 = oid("0.4.0.127.0.7.1.1.5.1.1.3")
    ECKA_EG_SHA384 = oid("0.4.0.127.0.7.1.1.5.1.1.4")
    ECKA_EG_SHA512 = oid("0.4.0.127.0.7.1.1.5.1.1.5")
    STD_DH_SHA256 = oid("1.3.132.1.11.1")
    """Not of the BSI, but what stock OpenSSL can open (RFC 5753)."""

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The hash of the key derivation (X9.63)."""
        if self is KeyAgreement.ECKA_EG_SHA384:
            return hashes.SHA384()
        if self is KeyAgreement.ECKA_EG_SHA512:
            return hashes.SHA512()
        return hashes.SHA256()

    @property
    def algorithm(self) -> bytes:
        """The DER of the keyEncryptionAlgorithm, with AES-128 key wrap."""
        return sequence(self.value, sequence(cms_names.AES128_WRAP))


class ContentCipher(Enum):
    """How the content is encrypted and protected."""

    AES_128_GCM = "AES_128_GCM"
    AES_128_CBC_CMAC = "AES_128_CBC_CMAC"


class EnvelopeSuite(Enum):
    """A pair of both, by the names of wide-area profiles."""

    CMS_ECKAEG_AES_128_GCM = (KeyAgreement.ECKA_EG_SHA256, ContentCipher.AES_128_GCM)
    CMS_ECKAEG_AES_128_CBCCMAC = (
        KeyAgreement.ECKA_EG_SHA256,
        ContentCipher.AES_128_CBC_CMAC,
    )
    INTEROP = (KeyAgreement.STD_DH_SHA256, ContentCipher.AES_128_GCM)

    @property
    def agreement(self) -> KeyAgreement:
        """The key agreement."""
        return self.value[0]

    @property
    def cipher(self) -> ContentCipher:
        """The cipher of the content."""
        return self.value[1]
