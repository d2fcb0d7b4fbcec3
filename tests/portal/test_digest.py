"""HTTP digest: vectors of the standards, and what real clients send."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client, override_settings

from hardware.gateway import Gateway
from logbooks import selectors
from meters.models import Account
from portal import digest
from tests.portal.conftest import NOW
from tests.portal.digest_client import answer_to, challenge_of, parameters
from tests.portal.installation import PASSWORDS

PATH = "/json/metering/origin"
GOOD = PASSWORDS["hks2"]

RFC_2617 = (
    'Digest username="Mufasa", realm="testrealm@host.com", '
    'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, '
    'nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_7616 = (
    'Digest username="Mufasa", realm="http-auth@example.org", '
    'uri="/dir/index.html", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
    'response="{response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("header", "ha1"),
    [
        (RFC_2617, "939e7578ed9e3c518a452acee763bce9"),
        (
            RFC_7616.format(
                algorithm="MD5", response="8ca523f5e9506fed4657c9700eebdbec"
            ),
            "3d78807defe7de2157e2b0b6573a855f",
        ),
        (
            RFC_7616.format(
                algorithm="SHA-256",
                response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
            "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232",
        ),
    ],
)
def test_the_examples_of_the_standards(header: str, ha1: str) -> None:
    """RFC 2617 section 3.5, RFC 7616 section 3.9.1."""
    answer = digest.parse(header)
    assert answer is not None
    assert digest.expected_response(ha1, answer, "GET") == answer.response


def test_quotes_order_and_escapes_do_not_matter() -> None:
    """TRuDI quotes everything and orders it its own way."""
    unquoted = digest.parse(RFC_2617)
    parts = RFC_2617.removeprefix("Digest ").split(", ")
    quoted = [p if '"' in p else p.replace("=", '="') + '"' for p in parts]
    assert digest.parse("digest  " + " ,".join(reversed(quoted))) == unquoted
    escaped = digest.parse(RFC_2617.replace("Mufasa", r"Mu\"fa\\sa"))
    assert escaped is not None
    assert escaped.username == r"Mu\"fa\\sa".replace(r"\"", '"').replace("\\\\", "\\")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic YTpi",
        "Digest",
        "Digest ,,,",
        'Digest username="a',
        RFC_2617.replace("nc=00000001, ", ""),
        RFC_2617 + ', nonce="another"',
        RFC_2617.replace("Digest ", "Digest =, "),
    ],
)
def test_what_is_no_answer_is_none(header: str) -> None:
    assert digest.parse(header) is None


def test_a_nonce_is_good_for_ten_minutes_on_this_gateway(
    han_gateway: Gateway, gateway: Gateway
) -> None:
    """Stateless: time, random bytes and a MAC with a sub-key of the device key."""
    nonce = digest.make_nonce(han_gateway, now=NOW)
    life = timedelta(minutes=10)
    last = NOW + life - timedelta(seconds=1)
    assert digest.is_current(han_gateway, nonce, now=last)
    assert not digest.is_current(han_gateway, nonce, now=NOW + life)
    assert not digest.is_current(han_gateway, nonce, now=NOW - timedelta(minutes=1))
    assert not digest.is_current(gateway, nonce, now=NOW)
    assert nonce != digest.make_nonce(han_gateway, now=NOW)


def test_no_changed_nonce_is_taken(han_gateway: Gateway) -> None:
    """Every character counts; texts that are no nonce at all do no harm."""
    nonce = digest.make_nonce(han_gateway, now=NOW)
    for position in range(len(nonce)):
        other = "a" if nonce[position] != "a" else "b"
        changed = nonce[:position] + other + nonce[position + 1 :]
        assert not digest.is_current(han_gateway, changed, now=NOW), position
    challenge = digest.challenge(han_gateway, algorithm="MD5", stale=False, now=NOW)
    for text in (
        "",
        "A",
        "=",
        "ä",
        parameters(challenge)["opaque"],
        nonce + nonce,
        nonce.upper(),
    ):
        assert not digest.is_current(han_gateway, text, now=NOW)


def test_a_nonce_may_be_used_again_with_the_same_or_a_lower_nc(
    browser: Client,
) -> None:
    """One client in the field answers its cached challenge with nc 1 for ever."""
    challenge = challenge_of(browser, PATH)
    for nc in ("00000002", "00000001", "00000001", "00000042"):
        header = answer_to(challenge, "hks2", GOOD, PATH, nc=nc)
        assert browser.get(PATH, headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize("nonce", ["a" * 64, "5c1e"])
def test_an_unknown_nonce_gets_a_fresh_challenge(browser: Client, nonce: str) -> None:
    """Its hash is never looked at: right or wrong makes no difference (D55)."""
    challenge = challenge_of(browser, PATH) | {"nonce": nonce}
    for password in (GOOD, "falsch"):
        header = answer_to(challenge, "hks2", password, PATH)
        answer = browser.get(PATH, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].endswith(", stale=true")


def test_an_expired_nonce_is_stale_and_the_fresh_one_works(browser: Client) -> None:
    header = answer_to(challenge_of(browser, PATH), "hks2", GOOD, PATH)
    with time_machine.travel(NOW + timedelta(minutes=10), tick=False):
        answer = browser.get(PATH, headers={"Authorization": header})
        assert answer["WWW-Authenticate"].endswith(", stale=true")
        fresh = parameters(answer["WWW-Authenticate"])
        header = answer_to(fresh, "hks2", GOOD, PATH)
        assert browser.get(PATH, headers={"Authorization": header}).status_code == 200


def test_the_uri_is_compared_with_the_request_line_as_sent(browser: Client) -> None:
    """gunicorn's RAW_URI, with query and escapes (D55)."""
    raw = "/json/metering%2Forigin?x=%20y"
    challenge = challenge_of(browser, PATH)
    more = {"RAW_URI": raw, "PATH_INFO": PATH}
    for uri, status in ((raw, 200), ("/json/metering/origin?x= y", 401), (PATH, 401)):
        header = answer_to(challenge, "hks2", GOOD, uri)
        answer = browser.get(PATH, headers={"Authorization": header}, **more)
        assert answer.status_code == status, uri


def test_an_answer_for_another_method_or_path_is_wrong(browser: Client) -> None:
    challenge = challenge_of(browser, PATH)
    header = answer_to(challenge, "hks2", GOOD, PATH, method="HEAD")
    assert browser.get(PATH, headers={"Authorization": header}).status_code == 401
    assert browser.head(PATH, headers={"Authorization": header}).status_code == 200
    header = answer_to(challenge, "hks2", GOOD, PATH)
    other = browser.get(f"{PATH}/", headers={"Authorization": header})
    assert other.status_code == 401


@pytest.mark.req("R102")
def test_a_digest_login_is_logged_once_per_user_address_and_day(
    browser: Client,
) -> None:
    """R102, D54: 5001/0; clients log in with every request."""

    def read(user: str, address: str) -> None:
        challenge = challenge_of(browser, PATH)
        header = answer_to(challenge, user, PASSWORDS[user], PATH)
        headers = {"Authorization": header}
        answer = browser.get(PATH, headers=headers, REMOTE_ADDR=address)
        assert answer.status_code == 200

    def logged(user: str) -> int:
        lines = selectors.consumer_log(user)
        return sum((e.event_id, e.event_sub_id) == (5001, 0) for e in lines)

    for _ in range(3):
        read("hks2", "192.0.2.1")
        read("nachbar", "192.0.2.1")
    assert (logged("hks2"), logged("nachbar")) == (1, 1)
    read("hks2", "fe80::1")
    assert logged("hks2") == 2
    midnight_in_berlin = NOW.replace(hour=22, minute=0, second=0)
    with time_machine.travel(midnight_in_berlin, tick=False):
        read("hks2", "192.0.2.1")
    assert logged("hks2") == 3


def test_no_password_means_no_digest_login(browser: Client) -> None:
    """An account without HA1 is not open to whoever computes with an empty one."""
    Account.objects.filter(username="hks2").update(ha1_md5=b"")
    challenge = challenge_of(browser, PATH)
    for password in ("", GOOD):
        header = answer_to(challenge, "hks2", password, PATH)
        answer = browser.get(PATH, headers={"Authorization": header})
        assert answer.status_code == 401


@pytest.mark.req("R102")
def test_secrets_that_were_tampered_with_are_an_error_of_their_own(
    browser: Client,
) -> None:
    """R102: 5001/2; HA1 of another row does not open this one."""
    other = Account.objects.get(username="nachbar")
    Account.objects.filter(username="hks2").update(ha1_md5=other.ha1_md5)
    challenge = challenge_of(browser, PATH)
    header = answer_to(challenge, "hks2", PASSWORDS["nachbar"], PATH)
    answer = browser.get(PATH, headers={"Authorization": header})
    assert answer.status_code == 401
    line = selectors.consumer_log("hks2")[0]
    assert (line.event_id, line.event_sub_id) == (5001, 2)


@pytest.mark.req("R100")
def test_digest_too_is_off_where_passwords_are_not_configured(
    browser: Client,
) -> None:
    """R100: as on the form."""
    account = Account.objects.get(username="hks2")
    assert account.consumer is not None
    account.consumer.password_login = False
    account.consumer.save()
    header = answer_to(challenge_of(browser, PATH), "hks2", GOOD, PATH)
    answer = browser.get(PATH, headers={"Authorization": header})
    assert answer.status_code == 401


def test_sha_256_by_setting(browser: Client) -> None:
    """D26: then it is the only one, and an MD5 answer is refused."""
    with override_settings(DIGEST_ALGORITHM="SHA-256"):
        challenge = challenge_of(browser, PATH)
        assert challenge["algorithm"] == "SHA-256"
        header = answer_to(challenge, "hks2", GOOD, PATH)
        trudis = header.replace("SHA-256", "SHA256")
        for sent in (header, trudis):
            answer = browser.get(PATH, headers={"Authorization": sent})
            assert answer.status_code == 200
        weak = answer_to(challenge | {"algorithm": "MD5"}, "hks2", GOOD, PATH)
        answer = browser.get(PATH, headers={"Authorization": weak})
        assert answer.status_code == 401
