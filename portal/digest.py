"""HTTP digest as the HAN JSON interface speaks it: pure functions over header texts.

The rules are those that real clients survive (han-json-api.md 2.3, decisions D26 and
D55): one challenge, one algorithm, stateless nonces that may be used again within
their life, parameters quoted or not, `nc` taken as written.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from hardware.gateway import Gateway

NONCE_LIFE = timedelta(minutes=10)
ALGORITHMS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
"""Name in the challenge -> hash (RFC 7616)."""

_TIME_BYTES = 8
_RANDOM_BYTES = 8
_MAC_BYTES = 16
_NONCE = re.compile(f"[0-9a-f]{{{2 * (_TIME_BYTES + _RANDOM_BYTES + _MAC_BYTES)}}}")
_PARAMETER = re.compile(
    r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|\Z)'
)
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class DigestAnswer:
    """The parameters of an Authorization header, as sent, without quotes."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    qop: str
    nc: str
    cnonce: str
    algorithm: str = "MD5"


_NAMES = {field.name for field in fields(DigestAnswer)}


def parse(header: str) -> DigestAnswer | None:
    """The digest answer of an Authorization header; None when it is none.

    Order, blanks and quotes are free (TRuDI sends `nc="00000001"`); a parameter that
    is missing (but `algorithm`) or given twice makes it none.
    """
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest":
        return None
    found = _parameters(rest)
    if found is None:
        return None
    known = {name: value for name, value in found.items() if name in _NAMES}
    if not known.keys() >= _NAMES - {"algorithm"}:
        return None
    return DigestAnswer(**known)


def _parameters(text: str) -> dict[str, str] | None:
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None:
            return None
        name, quoted, plain = match.groups()
        value = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
        if name.lower() in found:
            return None
        found[name.lower()] = value
        position = match.end()
    return found


def same_algorithm(written: str, algorithm: str) -> bool:
    """Whether the client means `algorithm`; TRuDI writes SHA-256 as `SHA256`."""
    return written.replace("-", "").upper() == algorithm.replace("-", "")


def expected_response(ha1: str, answer: DigestAnswer, method: str) -> str:
    """What the client must have sent, lower-case hex (RFC 7616, 3.4.1, qop auth).

    Header texts are Latin-1 as WSGI gives them, so the client's bytes are hashed.
    """
    digest = next(
        function
        for name, function in ALGORITHMS.items()
        if same_algorithm(answer.algorithm, name)
    )
    ha2 = digest(f"{method}:{answer.uri}".encode("latin-1")).hexdigest()
    text = f"{ha1}:{answer.nonce}:{answer.nc}:{answer.cnonce}:{answer.qop}:{ha2}"
    return digest(text.encode("latin-1")).hexdigest()


def make_nonce(gateway: Gateway, *, now: datetime) -> str:
    """A new nonce in hex: time, random bytes, and a MAC over both; stored nowhere."""
    body = int(now.timestamp()).to_bytes(_TIME_BYTES, "big")
    body += secrets.token_bytes(_RANDOM_BYTES)
    return (body + _mac(gateway, body)).hex()


def is_current(gateway: Gateway, nonce: str, *, now: datetime) -> bool:
    """Whether this gateway made the nonce within its life (10 minutes)."""
    if not _NONCE.fullmatch(nonce):
        return False
    raw = bytes.fromhex(nonce)
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(gateway, body)):
        return False
    made_at = datetime.fromtimestamp(int.from_bytes(body[:_TIME_BYTES], "big"), UTC)
    return timedelta() <= now - made_at < NONCE_LIFE


def _mac(gateway: Gateway, body: bytes, *, label: str = "nonce") -> bytes:
    return hmac.digest(gateway.device_key.sub_key(label), body, "sha256")[:_MAC_BYTES]


def challenge(gateway: Gateway, *, algorithm: str, stale: bool, now: datetime) -> str:
    """The WWW-Authenticate header; every part in quotes, realm = HUID, lower case."""
    opaque = _mac(gateway, gateway.huid.encode(), label="opaque").hex()
    text = (
        f'Digest realm="{gateway.huid}", qop="auth", algorithm="{algorithm}", '
        f'nonce="{make_nonce(gateway, now=now)}", opaque="{opaque}"'
    )
    return f"{text}, stale=true" if stale else text
