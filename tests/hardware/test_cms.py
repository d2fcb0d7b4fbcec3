"""Content security: the vectors both ways, OpenSSL as a stranger, every refusal."""

import base64
import json
import subprocess
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from hardware import cms, cms_names
from hardware.cms_compressed import compress, decompress
from hardware.cms_enveloped import (
    envelope,
    open_envelope,
    with_content_info,
    without_content_info,
)
from hardware.cms_error import CmsFault, CmsRefused
from hardware.cms_signed import open_signed, sign
from hardware.cms_suite import EnvelopeSuite
from hardware.der import DerReader, context, encode, integer, octet_string, sequence
from hardware.gateway import Gateway
from hardware.security_module import SIGNATURE_SLOT, key_identifier

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "cms" / "vectors.json").read_text()
)
PLAIN = VECTORS["plaintext"].encode()


def _private(scalar: str) -> EllipticCurvePrivateKey:
    return ec.derive_private_key(int(scalar, 16), ec.BrainpoolP256R1())


EMT = _private(VECTORS["emt_enc_scalar"])
SIGNER = _private(VECTORS["gateway_sig_scalar"]).public_key()


def _agree(peer: EllipticCurvePublicKey) -> bytes:
    return EMT.exchange(ec.ECDH(), peer)


def _signer(ski: str) -> EllipticCurvePublicKey | None:
    return SIGNER if ski == key_identifier(SIGNER) else None


def _own_key(gateway: Gateway) -> Callable[[str], EllipticCurvePublicKey | None]:
    key = gateway.security_module.public_key(SIGNATURE_SLOT)
    return {key_identifier(key): key}.get


def _open(sealed: bytes) -> bytes:
    return cms.unseal(sealed, EMT.public_key(), _agree)


@pytest.mark.req("R61")
def test_the_full_nest_of_another_maker_opens():
    """Signed, enveloped and compressed data of the profile are read."""
    message = base64.b64decode(VECTORS["v1_full_nest"])
    assert _open(cms.strip(message, _signer).content) == PLAIN


@pytest.mark.req("R61")
@pytest.mark.parametrize(
    "name", ["v2_interop_content_info", "v3_cbc_cmac_content_info"]
)
def test_the_bare_envelopes_of_another_maker_open(name: str):
    """Both content ciphers and both key agreements are read."""
    assert _open(without_content_info(base64.b64decode(VECTORS[name]))) == PLAIN


@pytest.mark.req("R61")
@pytest.mark.parametrize("suite", EnvelopeSuite)
@pytest.mark.parametrize("compressed", [True, False])
@given(content=st.binary(max_size=500))
def test_what_is_sealed_opens_again(suite: Any, compressed: bool, content: bytes):
    """The chain is its own inverse for every suite."""
    kind, inside = cms_names.DATA, content
    if compressed:
        kind, inside = cms_names.COMPRESSED_DATA, compress(content)
    sealed = envelope(inside, EMT.public_key(), suite, content_type=kind)
    assert _open(sealed) == content


def test_a_sealed_message_shows_nothing_of_its_content(gateway: Gateway):
    message = cms.seal(gateway.security_module, PLAIN, EMT.public_key())
    assert b"0100010800ff" not in message
    assert _open(cms.strip(message, _own_key(gateway)).content) == PLAIN


def test_openssl_opens_an_envelope_of_the_interop_suite(tmp_path: Path):
    """A stock program decrypts what the gateway sends by this suite."""
    sealed = envelope(PLAIN, EMT.public_key(), EnvelopeSuite.INTEROP)
    (tmp_path / "message").write_bytes(with_content_info(sealed))
    (tmp_path / "cert.pem").write_text(VECTORS["emt_enc_certificate"])
    key = EMT.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    words = (
        "openssl cms -decrypt -inform DER -in message -recip cert.pem -inkey key.pem"
    )
    opened = subprocess.run(
        [*words.split(), "-binary"], cwd=tmp_path, capture_output=True, check=True
    )
    assert opened.stdout == PLAIN


def test_openssl_makes_an_envelope_that_is_read(tmp_path: Path):
    (tmp_path / "cert.pem").write_text(VECTORS["emt_enc_certificate"])
    words = (
        "openssl cms -encrypt -aes-128-gcm -keyid -outform DER -binary "
        "-recip cert.pem -keyopt ecdh_kdf_md:sha256"
    )
    made = subprocess.run(
        words.split(), cwd=tmp_path, input=PLAIN, capture_output=True, check=True
    )
    assert _open(without_content_info(made.stdout)) == PLAIN


@pytest.mark.parametrize("detached", [False, True])
def test_openssl_verifies_a_signature(gateway: Gateway, tmp_path: Path, detached: bool):
    """The outer signature is one that a stock program accepts."""
    certificate = _certificate(gateway)
    signed = sign(
        gateway.security_module,
        PLAIN,
        certificate=certificate.public_bytes(Encoding.DER),
        detached=detached,
    )
    (tmp_path / "message").write_bytes(signed)
    (tmp_path / "content").write_bytes(PLAIN)
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    words = "openssl cms -verify -inform DER -in message -CAfile cert.pem -binary"
    extra = ["-content", "content"] if detached else []
    verified = subprocess.run(
        [*words.split(), *extra, "-purpose", "any"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == PLAIN


@pytest.mark.req("R60")
def test_a_detached_signature_belongs_to_its_content(gateway: Gateway):
    """R60: another content is the fault of a bad signature, 2300171."""
    signed = sign(gateway.security_module, PLAIN, detached=True)
    key_of = _own_key(gateway)
    assert open_signed(signed, key_of, content=PLAIN).content == PLAIN
    with pytest.raises(CmsRefused) as refused:
        open_signed(signed, key_of, content=PLAIN + b" ")
    assert refused.value.fault == CmsFault.SIGNATURE


@pytest.mark.req("R60", "R61")
def test_no_byte_of_a_message_can_be_changed():
    """Each byte of the signed message changed: refused, at the signature (2300171)."""
    message = base64.b64decode(VECTORS["v1_full_nest"])
    for at in range(len(message)):
        with pytest.raises(CmsRefused) as refused:
            cms.strip(_changed(message, at), _signer)
        assert refused.value.fault == CmsFault.SIGNATURE


@pytest.mark.req("R60")
@pytest.mark.parametrize("suite", EnvelopeSuite)
def test_no_byte_of_an_envelope_can_be_changed(suite: EnvelopeSuite):
    """Each byte changed: refused as not to be decrypted, R60: 2300033."""
    sealed = envelope(
        compress(PLAIN), EMT.public_key(), suite, content_type=cms_names.COMPRESSED_DATA
    )
    for at in range(len(sealed)):
        with pytest.raises(CmsRefused) as refused:
            _open(_changed(sealed, at))
        assert refused.value.fault == CmsFault.DECRYPT


def test_every_cut_of_a_message_is_refused():
    message = base64.b64decode(VECTORS["v1_full_nest"])
    for size in range(len(message)):
        with pytest.raises(CmsRefused):
            cms.strip(message[:size], _signer)
    with pytest.raises(CmsRefused):
        cms.strip(message + b"\0", _signer)


def test_an_envelope_for_somebody_else_is_refused():
    other = ec.generate_private_key(ec.BrainpoolP256R1())
    sealed = envelope(PLAIN, other.public_key(), EnvelopeSuite.INTEROP)
    with pytest.raises(CmsRefused, match="somebody else"):
        _open(sealed)


def test_a_point_off_the_curve_is_refused():
    sealed = envelope(PLAIN, EMT.public_key(), EnvelopeSuite.INTEROP)
    at = sealed.index(b"\x03\x42\x00\x04") + 4
    wrong = sealed[:at] + bytes(32) + b"\1" * 32 + sealed[at + 64 :]
    with pytest.raises(CmsRefused, match="not on the curve"):
        _open(wrong)


def test_a_signer_that_is_not_known_is_refused(gateway: Gateway):
    message = cms.seal(gateway.security_module, PLAIN, EMT.public_key())
    with pytest.raises(CmsRefused, match="not known"):
        cms.strip(message, _signer)


def test_a_second_signer_is_refused(gateway: Gateway):
    signed = sign(gateway.security_module, PLAIN)
    signer = _last_set(signed)
    twice = encode(0x31, *sorted([signer, signer[:-1] + bytes([signer[-1] ^ 1])]))
    with pytest.raises(CmsRefused, match="2 signers"):
        open_signed(_with_signers(signed, twice), _own_key(gateway))


def test_an_indefinite_length_is_refused():
    with pytest.raises(CmsRefused, match="indefinite"):
        cms.strip(b"\x30\x80" + bytes(20), _signer)


@pytest.mark.req("R60")
def test_a_zip_bomb_stops_at_the_limit():
    """No more memory than the limit allows, R60: 2300097."""
    bomb = _compressed_data(zlib.compress(bytes(50_000_000), 9))
    with pytest.raises(CmsRefused) as refused:
        decompress(bomb, largest=1_000_000)
    assert refused.value.fault == CmsFault.MEMORY
    sealed = envelope(
        bomb,
        EMT.public_key(),
        EnvelopeSuite.CMS_ECKAEG_AES_128_GCM,
        content_type=cms_names.COMPRESSED_DATA,
    )
    with pytest.raises(CmsRefused) as refused:
        cms.unseal(sealed, EMT.public_key(), _agree, largest=1_000_000)
    assert refused.value.fault == CmsFault.MEMORY


@pytest.mark.req("R60")
@pytest.mark.parametrize(
    "packed", [b"", b"nonsense", zlib.compress(PLAIN)[:-1], zlib.compress(PLAIN) + b"x"]
)
def test_broken_compressed_data_is_refused(packed: bytes):
    """R60: 2300151."""
    with pytest.raises(CmsRefused) as refused:
        decompress(_compressed_data(packed))
    assert refused.value.fault == CmsFault.DECOMPRESS


def test_compressed_data_without_attributes_is_refused():
    """RFC 5083 wants the content type protected; OpenSSL lets it pass."""
    sealed = envelope(compress(PLAIN), EMT.public_key(), EnvelopeSuite.INTEROP)
    renamed = sealed.replace(cms_names.DATA, cms_names.COMPRESSED_DATA)
    with pytest.raises(CmsRefused):
        _open(renamed)


@given(noise=st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(noise: bytes):
    with pytest.raises(CmsRefused):
        cms.strip(noise, _signer)
    with pytest.raises(CmsRefused):
        _open(noise)


def _changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]


def _compressed_data(packed: bytes) -> bytes:
    content = encode(context(0), octet_string(packed))
    kind = sequence(cms_names.ZLIB)
    return sequence(integer(0), kind, sequence(cms_names.DATA, content))


def _last_set(signed: bytes) -> bytes:
    info = DerReader(signed).inside(0x30)
    info.whole(0x06)
    body = info.inside(0xA0).inside(0x30)
    body.integer(), body.whole(0x31), body.whole(0x30)
    return body.content(0x31)


def _with_signers(signed: bytes, signers: bytes) -> bytes:
    info = DerReader(signed).inside(0x30)
    info.whole(0x06)
    body = info.inside(0xA0).inside(0x30)
    kept = body.whole(0x02) + body.whole(0x31) + body.whole(0x30)
    inside = encode(context(0), sequence(kept, signers))
    return sequence(cms_names.SIGNED_DATA, inside)


def _certificate(gateway: Gateway) -> x509.Certificate:
    ski = x509.SubjectKeyIdentifier.from_public_key(
        gateway.security_module.public_key(SIGNATURE_SLOT)
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    builder = (
        x509.CertificateBuilder(name, name, serial_number=1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(ski, critical=False)
    )
    return gateway.security_module.self_signed(SIGNATURE_SLOT, builder)


def test_the_content_type_of_an_envelope_is_told():
    sealed = envelope(PLAIN, EMT.public_key(), EnvelopeSuite.INTEROP)
    assert (
        open_envelope(sealed, EMT.public_key(), _agree).content_type == cms_names.DATA
    )
