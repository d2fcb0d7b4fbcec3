"""The content of an envelope: AES-128-GCM, or AES-128-CBC with CMAC."""

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.padding import PKCS7

from hardware import cms_names
from hardware.cms_error import CmsFault, CmsRefused
from hardware.cms_suite import ContentCipher
from hardware.der import (
    OCTET_STRING,
    OID,
    SEQUENCE,
    DerInvalid,
    DerReader,
    integer,
    octet_string,
    sequence,
)

MAC_SIZE = 16
_NONCE_SIZE = 12
_KEY_SIZE = 16
_ZERO_IV = bytes(16)


@dataclass(frozen=True, slots=True)
class Encrypted:
    """An encrypted content: its AlgorithmIdentifier (DER), bytes and MAC."""

    algorithm: bytes
    ciphertext: bytes
    mac: bytes


def key_size(cipher: ContentCipher) -> int:
    """Bytes of the content's key: 16, or 32 for one to encrypt and one for the MAC."""
    return _KEY_SIZE if cipher is ContentCipher.AES_128_GCM else 2 * _KEY_SIZE


def encrypt(cipher: ContentCipher, key: bytes, plain: bytes, aad: bytes) -> Encrypted:
    """Encrypt with a fresh key: it must never be used for a second content."""
    if cipher is ContentCipher.AES_128_GCM:
        return _encrypt_gcm(key, plain, aad)
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(AES(key[:_KEY_SIZE]), CBC(_ZERO_IV)).encryptor()
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    mac = _cmac(key[_KEY_SIZE:], ciphertext, aad).finalize()
    return Encrypted(sequence(cms_names.AES128_CBC_CMAC), ciphertext, mac)


def decrypt(encrypted: Encrypted, key: bytes, aad: bytes) -> bytes:
    """The content, when the MAC fits; raises CmsRefused(DECRYPT)."""
    try:
        algorithm = DerReader(encrypted.algorithm).inside(SEQUENCE)
        if algorithm.whole(OID) == cms_names.AES128_GCM:
            return _decrypt_gcm(algorithm, encrypted, key, aad)
        algorithm.end()
        return _decrypt_cbc(encrypted, key, aad)
    except (DerInvalid, InvalidTag, InvalidSignature, ValueError) as error:
        text = str(error) or "the MAC does not fit"
        raise CmsRefused(CmsFault.DECRYPT, f"content: {text}") from None


def cipher_of(algorithm: bytes) -> ContentCipher:
    """Which cipher an AlgorithmIdentifier names; raises DerInvalid."""
    name = DerReader(algorithm).inside(SEQUENCE).whole(OID)
    if name == cms_names.AES128_GCM:
        return ContentCipher.AES_128_GCM
    if name == cms_names.AES128_CBC_CMAC:
        return ContentCipher.AES_128_CBC_CMAC
    raise DerInvalid("the cipher of the content is not a known one")


def _encrypt_gcm(key: bytes, plain: bytes, aad: bytes) -> Encrypted:
    nonce = secrets.token_bytes(_NONCE_SIZE)
    sealed = AESGCM(key).encrypt(nonce, plain, aad)
    parameters = sequence(octet_string(nonce), integer(MAC_SIZE))
    algorithm = sequence(cms_names.AES128_GCM, parameters)
    return Encrypted(algorithm, sealed[:-MAC_SIZE], sealed[-MAC_SIZE:])


def _decrypt_gcm(
    algorithm: DerReader, encrypted: Encrypted, key: bytes, aad: bytes
) -> bytes:
    parameters = algorithm.inside(SEQUENCE)
    algorithm.end()
    nonce = parameters.content(OCTET_STRING)
    parameters.expect(integer(MAC_SIZE), "length of the MAC")
    parameters.end()
    if len(nonce) != _NONCE_SIZE:
        raise DerInvalid("the nonce has not 12 bytes")
    return AESGCM(key).decrypt(nonce, encrypted.ciphertext + encrypted.mac, aad)


def _decrypt_cbc(encrypted: Encrypted, key: bytes, aad: bytes) -> bytes:
    """First the MAC, then the padding: a wrong byte never gets to the padding."""
    _cmac(key[_KEY_SIZE:], encrypted.ciphertext, aad).verify(encrypted.mac)
    decryptor = Cipher(AES(key[:_KEY_SIZE]), CBC(_ZERO_IV)).decryptor()
    padded = decryptor.update(encrypted.ciphertext) + decryptor.finalize()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _cmac(key: bytes, ciphertext: bytes, aad: bytes) -> CMAC:
    mac = CMAC(AES(key))
    mac.update(ciphertext)
    mac.update(aad)
    return mac
