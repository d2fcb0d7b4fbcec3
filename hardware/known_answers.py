"""Known-answer tests of the primitives that the gateway's security rests on (R135).

Each test computes with the same libraries as the product and compares with a published
answer. The codes are those of manual ch. 9.4, service secmodmanager.
"""

import base64
import hashlib
import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import cmac, hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_RANDOM_BYTES = 2500
"""20,000 bits, as the monobit test of FIPS 140-2 takes them."""
_MONOBIT = range(9726, 10275)
_LONGEST_RUN_OF_BITS = 25
_KERNEL_RANDOM = Path("/proc/sys/kernel/random/entropy_avail")
_LEAST_ENTROPY_BITS = 128


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """One test: `holds` says whether the primitive gives the known answer."""

    code: int
    name: str
    holds: Callable[[], bool]


def failed_primitives() -> Iterator[KnownAnswer]:
    """The tests whose answer is wrong; one that raises counts as wrong."""
    for test in KNOWN_ANSWERS:
        try:
            is_right = test.holds()
        except Exception:  # whatever a broken primitive raises, it is broken
            is_right = False
        if not is_right:
            yield test


def _sha1() -> bool:
    return hashlib.sha1(b"abc").hexdigest() == (
        "a9993e364706816aba3e25717850c26c9cd0d89d"
    )


def _md5() -> bool:
    """RFC 1321, and the HA1 of RFC 2617 section 3.5."""
    ha1 = hashlib.md5(b"Mufasa:testrealm@host.com:Circle Of Life").hexdigest()
    return (
        hashlib.md5(b"abc").hexdigest() == "900150983cd24fb0d6963f7d28e17f72"
        and ha1 == "939e7578ed9e3c518a452acee763bce9"
    )


def _sha2_short() -> bool:
    """FIPS 180-4."""
    return (
        hashlib.sha224(b"abc").hexdigest()
        == "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"
        and hashlib.sha256(b"abc").hexdigest()
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def _sha2_long() -> bool:
    """FIPS 180-4."""
    return hashlib.sha384(b"abc").hexdigest().startswith(
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
    ) and hashlib.sha512(b"abc").hexdigest().startswith(
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"
    )


_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
_BLOCK = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")


def _aes() -> bool:
    """NIST SP 800-38A, F.2.1 (CBC) and F.1.1 (the block alone)."""
    cbc = Cipher(algorithms.AES(_KEY), modes.CBC(bytes(range(16))))
    encryptor, decryptor = cbc.encryptor(), cbc.decryptor()
    sealed = encryptor.update(_BLOCK) + encryptor.finalize()
    opened = decryptor.update(sealed) + decryptor.finalize()
    return sealed.hex() == "7649abac8119b246cee98e9b12e9197d" and opened == _BLOCK


def _gcm() -> bool:
    """NIST GCM test case 2 (zero key, zero block), and that a changed tag is seen."""
    sealed = AESGCM(bytes(16)).encrypt(bytes(12), bytes(16), None)
    return sealed.hex() == (
        "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"
    )


def _cmac() -> bool:
    """RFC 4493, example 2."""
    mac = cmac.CMAC(algorithms.AES(_KEY))
    mac.update(_BLOCK)
    return mac.finalize().hex() == "070a16b46b4d4144f79bdd9dd04a287c"


def _base64() -> bool:
    """RFC 4648, section 10."""
    return (
        base64.b64encode(b"foobar") == b"Zm9vYmFy"
        and base64.b64decode(b"Zm9vYg==", validate=True) == b"foob"
    )


def _big_numbers() -> bool:
    """The prime of P-256 is one (Fermat), and inverses multiply to 1."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    inverse = pow(3, -1, prime)
    return pow(7, prime - 1, prime) == 1 and 3 * inverse % prime == 1


def _generator_bits() -> bool:
    """FIPS 140-2, 4.9.1; a good generator fails one time in 5,000, so twice counts."""
    return _looks_random() or _looks_random()


def _looks_random() -> bool:
    """Monobit and long-run test over 20,000 bits."""
    bits = "".join(f"{byte:08b}" for byte in secrets.token_bytes(_RANDOM_BYTES))
    longest = max(map(len, bits.replace("01", "0 1").replace("10", "1 0").split()))
    return bits.count("1") in _MONOBIT and longest <= _LONGEST_RUN_OF_BITS


def _generator_repeats() -> bool:
    """Continuous test: no two blocks of 32 bytes are the same."""
    blocks = [secrets.token_bytes(32) for _ in range(64)]
    return len(set(blocks)) == len(blocks)


def _entropy() -> bool:
    """Byte entropy of the generator, and what the kernel says where it does."""
    sample = secrets.token_bytes(_RANDOM_BYTES * 4)
    counts = [sample.count(value) for value in range(256)]
    shares = [count / len(sample) for count in counts if count]
    has_enough = -sum(share * math.log2(share) for share in shares) > 7.9
    if not _KERNEL_RANDOM.exists():
        return has_enough
    return has_enough and int(_KERNEL_RANDOM.read_text()) >= _LEAST_ENTROPY_BITS


def _elliptic_curves() -> bool:
    """ECDH of RFC 5903 section 8.1 (P-256) and RFC 7027 A.1 (brainpoolP256r1)."""
    return _shared_secret(
        ec.SECP256R1(),
        0xC88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433,
        0xD12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63,
        0x56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB,
    ) == (
        "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"
    ) and _shared_secret(
        ec.BrainpoolP256R1(),
        0x81DB1EE100150FF2EA338D708271BE38300CB54241D79950F77B063039804F1D,
        0x8D2D688C6CF93E1160AD04CC4429117DC2C41825E1E9FCA0ADDD34E6F1B39F7B,
        0x990C57520812BE512641E47034832106BC7D3E8DD0E4C7F1136D7006547CEC6A,
    ) == ("89afc39d41d3b327814b80940b042590f96556ec91e6ae7939bce31f3a18bf2b")


def _shared_secret(curve: ec.EllipticCurve, private: int, x: int, y: int) -> str:
    own = ec.derive_private_key(private, curve)
    peer = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    return own.exchange(ec.ECDH(), peer).hex()


def _signature_verification() -> bool:
    """RFC 6979 A.2.5: P-256, SHA-256, "sample"; and a changed message is refused."""
    key = ec.EllipticCurvePublicNumbers(
        0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
        0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
        ec.SECP256R1(),
    ).public_key()
    signature = encode_dss_signature(
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )
    algorithm = ec.ECDSA(hashes.SHA256())
    key.verify(signature, b"sample", algorithm)
    try:
        key.verify(signature, b"sampla", algorithm)
    except InvalidSignature:
        return True
    return False


KNOWN_ANSWERS = (
    KnownAnswer(1600170, "SHA-1", _sha1),
    KnownAnswer(1600171, "MD5", _md5),
    KnownAnswer(1600172, "SHA-224, SHA-256", _sha2_short),
    KnownAnswer(1600173, "SHA-384, SHA-512", _sha2_long),
    KnownAnswer(1600174, "AES", _aes),
    KnownAnswer(1600175, "AES-GCM", _gcm),
    KnownAnswer(1600176, "AES-CMAC", _cmac),
    KnownAnswer(1600177, "Base64", _base64),
    KnownAnswer(1600178, "big numbers", _big_numbers),
    KnownAnswer(1600179, "random generator: bits", _generator_bits),
    KnownAnswer(1600190, "elliptic curves", _elliptic_curves),
    KnownAnswer(1600194, "entropy", _entropy),
    KnownAnswer(1600196, "random generator: repetitions", _generator_repeats),
    KnownAnswer(1600222, "signature verification", _signature_verification),
)
