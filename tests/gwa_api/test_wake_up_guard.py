"""Wake-up messages: replayed, early, late, foreign, malformed ones wake nobody."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gwa_api.models import ManagementState
from gwa_api.peers.peer_keys import PeerKeys
from gwa_api.wake_up_guard import CHECKS, MOST_SOURCES, CheckLimit, WakeUpGuard
from hardware import wake_up
from hardware.gateway import Gateway
from logbooks.certificate_store import Holder, Kind, end_certificate
from logbooks.models import Certificate, SystemLogEntry
from tests.gwa_api.wan_parties import GWA, Wan
from tests.tariffs.builders import utc

NOW = utc("2026-02-27 23:00")
SECOND = timedelta(seconds=1)
SOURCE = "192.0.2.1"

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(gateway: Gateway, tmp_path: Path) -> PeerKeys:
    """The keys of the gateway's administrator."""
    return Wan.around(gateway, tmp_path / "wan", NOW).party(GWA, Holder.GWA)


@pytest.fixture
def guard(gateway: Gateway, keys: PeerKeys) -> WakeUpGuard:
    """The guard of a gateway, at second 0."""
    return WakeUpGuard(gateway, lambda: 0.0)


def message(keys: PeerKeys, at: datetime = NOW, huid: str = "eemh0009264154") -> bytes:
    key = keys.key("sig")
    return signed_by(key, at, huid)


def signed_by(
    key: ec.EllipticCurvePrivateKey, at: datetime = NOW, huid: str = "eemh0009264154"
) -> bytes:
    return wake_up.make(
        huid,
        at=at,
        key_size=key.curve.key_size,
        sign=lambda text: key.sign(text, ec.ECDSA(SHA256())),
    )


def wakes(guard: WakeUpGuard, data: bytes, now: datetime = NOW) -> bool:
    return guard.is_worth_a_check(data, SOURCE, now) and guard.is_good(data, now)


@pytest.mark.req("R163")
def test_a_message_wakes_once_and_an_older_one_never(
    gateway: Gateway, guard: WakeUpGuard, keys: PeerKeys
) -> None:
    """R163: replays are refused, after a new start of the process too."""
    good = message(keys)
    assert wakes(guard, good)
    assert not wakes(guard, good)
    again = WakeUpGuard(gateway, lambda: 0.0)
    again.load()
    assert not wakes(again, good)
    assert not wakes(again, message(keys, NOW - SECOND))
    assert wakes(again, message(keys, NOW + SECOND))
    assert ManagementState.objects.get().last_wake_up == NOW + SECOND


@pytest.mark.req("R163")
@pytest.mark.parametrize(
    "made",
    [
        lambda keys: message(keys, NOW - 31 * SECOND),
        lambda keys: message(keys, NOW + 31 * SECOND),
        lambda keys: message(keys, huid="eemh0009264155"),
        lambda keys: message(keys)[:-1],
        lambda keys: message(keys) + b"\0",
        lambda keys: b"UW" + message(keys)[2:],
        lambda keys: b"WU\x02" + message(keys)[3:],
        lambda keys: b"",
        lambda keys: bytes(65_507),
        lambda keys: signed_by(ec.generate_private_key(ec.BrainpoolP256R1())),
        lambda keys: signed_by(keys.key("tls")),
    ],
)
def test_what_is_early_late_foreign_or_malformed_wakes_nobody(
    guard: WakeUpGuard, keys: PeerKeys, made: Callable[[PeerKeys], bytes]
) -> None:
    assert not wakes(guard, made(keys))
    state = ManagementState.objects.first()
    assert state is None or state.last_wake_up is None
    assert wakes(guard, message(keys))


def test_each_changed_byte_wakes_nobody(guard: WakeUpGuard, keys: PeerKeys) -> None:
    good = message(keys)
    for position in range(len(good)):
        changed = bytearray(good)
        changed[position] ^= 1
        guard._limit = CheckLimit()
        assert not wakes(guard, bytes(changed)), position


@pytest.mark.req("R163", "R138")
def test_a_wrong_signature_is_told_in_the_system_log(
    guard: WakeUpGuard, keys: PeerKeys
) -> None:
    """1600069: the signature is wrong; only for what had passed all other checks."""
    wakes(guard, message(keys, NOW - 31 * SECOND))
    assert not SystemLogEntry.objects.filter(event_id=1600069).exists()
    wakes(guard, signed_by(ec.generate_private_key(ec.BrainpoolP256R1())))
    assert SystemLogEntry.objects.filter(event_id=1600069).count() == 1


def test_five_checks_per_minute_and_source(gateway: Gateway, keys: PeerKeys) -> None:
    """A flood of one source does not keep another one out."""
    at = [0.0]
    guard = WakeUpGuard(gateway, lambda: at[0])
    stranger = ec.generate_private_key(ec.BrainpoolP256R1())
    flood = [
        guard.is_worth_a_check(signed_by(stranger), SOURCE, NOW) for _ in range(50)
    ]
    assert sum(flood) == CHECKS
    assert not guard.is_worth_a_check(message(keys), SOURCE, NOW)
    assert guard.is_worth_a_check(message(keys), "192.0.2.2", NOW)
    at[0] = 60.0
    assert guard.is_worth_a_check(message(keys), SOURCE, NOW)


def test_a_flood_from_very_many_sources_does_not_grow() -> None:
    limit = CheckLimit()
    allowed = [limit.allows(f"2001:db8::{n:x}", 0.0) for n in range(3 * MOST_SOURCES)]
    assert sum(allowed) == MOST_SOURCES
    assert limit.allows("2001:db8::ffff", 61.0)


def test_without_a_valid_time_nothing_wakes(
    gateway: Gateway,
    guard: WakeUpGuard,
    keys: PeerKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(gateway.clock), "is_valid", False)
    assert not wakes(guard, message(keys))
    assert not ManagementState.objects.exists()


def test_a_certificate_that_was_ended_wakes_nobody(
    guard: WakeUpGuard, keys: PeerKeys
) -> None:
    entry = Certificate.objects.get(holder=Holder.GWA, kind=Kind.SIG)
    end_certificate(entry.fingerprint, now=NOW)
    assert not wakes(guard, message(keys))
