"""Accounts and their passwords: who may log in, and with what secret (R98, D40).

A password is kept in three forms that are always written together: Argon2 for the
login form, HA1 by MD5 and by SHA-256 for HTTP digest (RFC 2617, RFC 7616). HA1 is as
good as the password, so both are encrypted with a sub-key of the device key and bound
to their row.
"""

import hashlib
import re
from typing import Literal

from django.contrib.auth.hashers import make_password

from hardware.gateway import Gateway
from meters.models import Account, Consumer
from meters.service_roles import is_other_role_active

Algorithm = Literal["MD5", "SHA-256"]

_COLUMNS: dict[Algorithm, str] = {"MD5": "ha1_md5", "SHA-256": "ha1_sha256"}
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_USERNAME = re.compile(r"[!-~]{1,32}")
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that look alike: a password is copied from a letter or a screen."""
_NEW_PASSWORD_LENGTH = 16
_EVEN_BYTES = 256 - 256 % len(_LETTERS)


class AccountInvalid(ValueError):
    """An account or a password that cannot be taken; `field` names what is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def create_account(
    gateway: Gateway,
    *,
    username: str,
    role: Account.Role,
    consumer: Consumer | None = None,
    password: str | None = None,
) -> Account:
    """Create an account; raises AccountInvalid.

    A consumer's account belongs to his consumer. Without a password (technician,
    administrator, consumers who log in by certificate) no password logs in. An
    account of a service role is closed while the other role is the active one.
    """
    _check_username(username)
    if (role == Account.Role.CONSUMER) != (consumer is not None):
        raise AccountInvalid("consumer", "needed for a consumer, and only for him")
    if password is not None:
        _check_password(password)
    account = Account.objects.create(
        username=username,
        role=role,
        consumer=consumer,
        password=make_password(None),
        is_active=not is_other_role_active(role),
    )
    if password is not None:
        set_consumer_password(gateway, account, password)
    return account


def set_consumer_password(gateway: Gateway, account: Account, password: str) -> None:
    """Store all three forms of a password; raises AccountInvalid.

    The digest realm is the HUID: it must never change afterwards.
    """
    _check_password(password)
    account.password = make_password(password)
    for algorithm, column in _COLUMNS.items():
        secret = _ha1(gateway, account.username, password, algorithm)
        sealed = gateway.device_key.encrypt(
            secret.encode(), label="fields", bound_to=_bound_to(account, algorithm)
        )
        setattr(account, column, sealed)
    account.save(update_fields=["password", *_COLUMNS.values()])


def ha1(gateway: Gateway, account: Account, algorithm: Algorithm) -> str:
    """HA1 of the account, lower-case hex; "" when it has no password.

    Raises cryptography's InvalidTag when the row was tampered with.
    """
    sealed = bytes(getattr(account, _COLUMNS[algorithm]))
    if not sealed:
        return ""
    return gateway.device_key.decrypt(
        sealed, label="fields", bound_to=_bound_to(account, algorithm)
    ).decode()


def new_password(gateway: Gateway) -> str:
    """A password made at random, 16 letters and digits (about 93 bits)."""
    letters: list[str] = []
    while len(letters) < _NEW_PASSWORD_LENGTH:
        letters += [
            _LETTERS[byte % len(_LETTERS)]
            for byte in gateway.security_module.random(_NEW_PASSWORD_LENGTH)
            if byte < _EVEN_BYTES
        ]
    return "".join(letters[:_NEW_PASSWORD_LENGTH])


def _ha1(gateway: Gateway, username: str, password: str, algorithm: Algorithm) -> str:
    text = f"{username}:{gateway.huid}:{password}"
    return _HASHES[algorithm](text.encode()).hexdigest()


def _bound_to(account: Account, algorithm: Algorithm) -> str:
    return f"ha1|{account.pk}|{algorithm}"


def _check_username(username: str) -> None:
    """Digest headers carry neither other letters nor ':' and '"' (stack.md 2)."""
    if not _USERNAME.fullmatch(username) or set(username) & set(':"\\'):
        raise AccountInvalid("username", '1 to 32 printable ASCII, without : " \\')
    if Account.objects.filter(username=username).exists():
        raise AccountInvalid("username", f"there is a user {username} already")


def _check_password(password: str) -> None:
    if not password:
        raise AccountInvalid("password", "must not be empty")
