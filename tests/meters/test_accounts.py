"""Accounts: roles, the three forms of a password, and how they are kept."""

import hashlib

import pytest
from cryptography.exceptions import InvalidTag
from django.db import IntegrityError, transaction
from django.test import override_settings

from casa_site import settings as product_settings
from hardware.gateway import Gateway
from meters.accounts import (
    AccountInvalid,
    create_account,
    ha1,
    new_password,
    set_consumer_password,
)
from meters.models import Account
from tests.meters.builders import a_consumer

pytestmark = pytest.mark.django_db


def an_account(
    gateway: Gateway, username: str = "meier", password: str | None = "Circle of Life"
) -> Account:
    return create_account(
        gateway,
        username=username,
        role=Account.Role.CONSUMER,
        consumer=a_consumer(gateway, username),
        password=password,
    )


def test_ha1_is_what_digest_clients_compute(gateway: Gateway) -> None:
    """Known answers: printf 'meier:eemh0009264154:Circle of Life' | md5sum."""
    account = an_account(gateway)
    assert gateway.huid == "eemh0009264154"
    text = b"meier:eemh0009264154:Circle of Life"
    assert ha1(gateway, account, "MD5") == "9bc27fe8b81d5d8d1823e458bc6461c8"
    assert ha1(gateway, account, "SHA-256") == (
        "a2bca85b0732e5006b7975fa84fddb9dfb93b9cdd701f969676e4854518769ba"
    )
    assert ha1(gateway, account, "MD5") == hashlib.md5(text).hexdigest()


def test_the_digest_secrets_are_encrypted_and_bound_to_their_row(
    gateway: Gateway,
) -> None:
    first, second = an_account(gateway), an_account(gateway, "nachbar")
    assert ha1(gateway, first, "MD5").encode() not in bytes(first.ha1_md5)
    second.ha1_md5 = first.ha1_md5
    with pytest.raises(InvalidTag):
        ha1(gateway, second, "MD5")
    first.ha1_md5 = first.ha1_sha256
    with pytest.raises(InvalidTag):
        ha1(gateway, first, "MD5")


def test_a_new_password_replaces_all_three_forms(gateway: Gateway) -> None:
    account = an_account(gateway)
    before = [ha1(gateway, account, "MD5"), ha1(gateway, account, "SHA-256")]
    set_consumer_password(gateway, account, "Größer als gestern")
    account.refresh_from_db()
    assert account.check_password("Größer als gestern")
    assert not account.check_password("Circle of Life")
    after = [ha1(gateway, account, "MD5"), ha1(gateway, account, "SHA-256")]
    assert not set(before) & set(after)


def test_a_password_cannot_be_set_in_one_form_only(gateway: Gateway) -> None:
    with pytest.raises(TypeError):
        an_account(gateway).set_password("neu")


def test_the_product_hashes_passwords_with_argon2(gateway: Gateway) -> None:
    with override_settings(PASSWORD_HASHERS=product_settings.PASSWORD_HASHERS):
        account = an_account(gateway)
        assert account.password.startswith("argon2$argon2id$")
        assert account.check_password("Circle of Life")
        assert not account.check_password("Circle of life")


def test_an_outdated_hash_is_made_anew_at_login(gateway: Gateway) -> None:
    account = an_account(gateway)
    weaker = account.password
    hashers = [*product_settings.PASSWORD_HASHERS]
    hashers.append("django.contrib.auth.hashers.MD5PasswordHasher")
    with override_settings(PASSWORD_HASHERS=hashers):
        assert account.check_password("Circle of Life")
    account.refresh_from_db()
    assert account.password != weaker
    assert account.password.startswith("argon2$")


def test_without_a_password_none_logs_in(gateway: Gateway) -> None:
    account = an_account(gateway, password=None)
    assert not account.check_password("")
    assert ha1(gateway, account, "MD5") == ""


@pytest.mark.req("R98")
def test_an_account_knows_role_network_and_state(gateway: Gateway) -> None:
    """Identity, authentication status, network and role are kept per user."""
    consumer = an_account(gateway)
    technician = create_account(gateway, username="st-1", role=Account.Role.TECHNICIAN)
    administrator = create_account(
        gateway, username="gwa", role=Account.Role.ADMINISTRATOR
    )
    assert [(a.role, a.network) for a in (consumer, technician, administrator)] == [
        ("consumer", "HAN"),
        ("technician", "HAN"),
        ("administrator", "WAN"),
    ]
    assert consumer.is_authenticated and consumer.is_active
    assert consumer.consumer_id == consumer.username == "meier"


@pytest.mark.req("R98")
def test_only_consumers_belong_to_a_consumer(gateway: Gateway) -> None:
    """The role decides, in the service and in the database."""
    consumer = a_consumer(gateway)
    with pytest.raises(AccountInvalid):
        create_account(
            gateway, username="st", role=Account.Role.TECHNICIAN, consumer=consumer
        )
    with pytest.raises(AccountInvalid):
        create_account(gateway, username="x", role=Account.Role.CONSUMER)
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.create(username="y", role="technician", consumer=consumer)


@pytest.mark.parametrize("name", ["", "Müller", "a:b", 'a"b', "a b", "x" * 33, "a\\b"])
def test_user_names_that_digest_cannot_carry_are_refused(
    gateway: Gateway, name: str
) -> None:
    with pytest.raises(AccountInvalid) as refused:
        create_account(gateway, username=name, role=Account.Role.TECHNICIAN)
    assert refused.value.field == "username"


def test_a_user_name_is_given_once(gateway: Gateway) -> None:
    an_account(gateway)
    with pytest.raises(AccountInvalid):
        create_account(gateway, username="meier", role=Account.Role.TECHNICIAN)


def test_made_passwords_differ_and_are_easy_to_copy(gateway: Gateway) -> None:
    made = {new_password(gateway) for _ in range(50)}
    assert len(made) == 50
    assert all(len(p) == 16 and not set(p) & set("0O1lI") for p in made)
