"""A digest client for tests, written from RFC 2617, apart from the product's code."""

import hashlib
import re
from typing import Any

from django.test import Client

Challenge = dict[str, str]


def challenge_of(client: Client, path: str, **headers: Any) -> Challenge:
    """The parameters of the challenge that a request without credentials gets."""
    answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    return parameters(answer["WWW-Authenticate"])


def parameters(header: str) -> Challenge:
    """The quoted parameters of a challenge."""
    assert header.startswith("Digest ")
    return dict(re.findall(r'(\w+)="([^"]*)"', header))


def response(
    challenge: Challenge,
    user: str,
    password: str,
    uri: str,
    *,
    nc: str = "00000001",
    cnonce: str = "0a4f113b",
    method: str = "GET",
) -> str:
    """The hash that answers the challenge."""
    digest = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[challenge["algorithm"]]

    def hashed(text: str) -> str:
        return digest(text.encode()).hexdigest()

    ha1 = hashed(f"{user}:{challenge['realm']}:{password}")
    ha2 = hashed(f"{method}:{uri}")
    return hashed(f"{ha1}:{challenge['nonce']}:{nc}:{cnonce}:auth:{ha2}")


def answer_to(
    challenge: Challenge,
    user: str,
    password: str,
    uri: str,
    *,
    nc: str = "00000001",
    method: str = "GET",
) -> str:
    """The Authorization header, everything quoted as TRuDI does."""
    hash_ = response(challenge, user, password, uri, nc=nc, method=method)
    return (
        f'Digest username="{user}", realm="{challenge["realm"]}", '
        f'nonce="{challenge["nonce"]}", uri="{uri}", response="{hash_}", '
        f'algorithm="{challenge["algorithm"]}", cnonce="0a4f113b", qop="auth", '
        f'nc="{nc}", opaque="{challenge["opaque"]}"'
    )
