"""Guessing in earnest: eight threads, every way to log in, until it is hopeless.

Apart from the tests of the lock: their installation stays in an open transaction,
and here each thread has a connection of its own.
"""

import itertools
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import hashers
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connections
from django.test import Client
from django.utils import timezone

from hardware.gateway import Gateway
from logbooks.certificates import ensure_signature_certificate
from meters.accounts import create_account
from meters.configuration import create_consumer
from meters.models import Account
from portal.digest import expected_response
from portal.lockout import lock_left
from tests.portal.conftest import NOW, han_gateway
from tests.portal.digest_client import Challenge, answer_to, challenge_of
from tests.portal.installation import PASSWORDS

__all__ = ["han_gateway"]

THREADS = 8
SPAN = timedelta(minutes=5)
MOST = settings.AXES_FAILURE_LIMIT + 1
DIGEST_PATHS = ("/json/metering/origin", "/smgw/con/v1/")
WAYS = ("form", *DIGEST_PATHS)
USERS = (*PASSWORDS, "fremd", "technik", "HKS2", "hks2 ", "\0", "x" * 300)
REFUSED = {"form": 429} | dict.fromkeys(DIGEST_PATHS, 401)


@dataclass
class Checks:
    """When a password was really compared with what is stored, and whose."""

    seen: list[tuple[datetime, str]] = field(default_factory=list)

    def note(self, user: str) -> None:
        self.seen.append((timezone.now(), user))

    def most_in(self, span: timedelta) -> int:
        """The most within a span that begins with any of them, of all accounts."""
        times = sorted(time for time, _user in self.seen)
        within = (sum(begin <= t < begin + span for t in times) for begin in times)
        return max(within, default=0)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    """Counts on the innermost side: in the hasher, and where digests are computed."""
    found = Checks()

    class Counted(MD5PasswordHasher):
        def verify(self, password: str, encoded: str) -> bool:
            found.note("form")
            return super().verify(password, encoded)

    def counted(secret: str, digest: Any, method: str) -> str:
        found.note("digest")
        return expected_response(secret, digest, method)

    monkeypatch.setattr(hashers, "get_hashers", lambda: [Counted()])
    monkeypatch.setattr(hashers, "get_hashers_by_algorithm", lambda: {"md5": Counted()})
    monkeypatch.setattr("portal.backends.expected_response", counted)
    return found


@pytest.fixture
def house(han_gateway: Gateway, transactional_db: None) -> Iterator[Gateway]:
    """Two consumers and a technician, in rows that every thread sees."""
    with time_machine.travel(NOW, tick=False):
        ensure_signature_certificate(han_gateway, NOW)
        for name, password in PASSWORDS.items():
            create_account(
                han_gateway,
                username=name,
                role=Account.Role.CONSUMER,
                consumer=create_consumer(han_gateway, name),
                password=password,
            )
        create_account(han_gateway, username="technik", role=Account.Role.TECHNICIAN)
        yield han_gateway


@dataclass(frozen=True)
class Attempt:
    """One try: who says he is it, how, from where, with which password."""

    user: str
    way: str
    address: str
    password: str

    def outcome(self, gateway: Gateway, challenges: dict[str, Challenge]) -> int:
        """The status of the answer."""
        environ: Any = {"casa.gateway": gateway, "REMOTE_ADDR": self.address}
        client = Client(**environ)
        if self.way == "form":
            form = {"username": self.user, "password": self.password}
            return client.post("/anmelden/", form).status_code
        path = self.way
        header = answer_to(challenges[path], self.user, self.password, path)
        headers: Any = {
            "Authorization": header,
            "X-Forwarded-For": self.address[::-1],
        }
        return client.get(path, headers=headers).status_code


def attempts(number: int, seed: int, *, some_are_right: bool) -> list[Attempt]:
    """Users, ways and addresses in turn, each with each; wrong but for some."""
    chance = random.Random(seed)
    turns = itertools.islice(itertools.cycle(itertools.product(USERS, WAYS)), number)
    found = []
    for turn, (user, way) in enumerate(turns):
        password = f"falsch {seed} {turn}"
        if some_are_right and user in PASSWORDS and chance.random() < 0.2:
            password = PASSWORDS[user]
        address = f"192.168.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        found.append(Attempt(user, way, address, password))
    chance.shuffle(found)
    return found


class Crowd:
    """Eight threads that try, and each of them reads on with a login of long ago."""

    def __init__(self, gateway: Gateway, pool: ThreadPoolExecutor) -> None:
        self._gateway, self._pool = gateway, pool
        self._readers = [self._logged_in(user) for user in (*PASSWORDS,) * 4]

    def _logged_in(self, user: str) -> Client:
        environ: Any = {"casa.gateway": self._gateway}
        client = Client(**environ)
        form = {"username": user, "password": PASSWORDS[user]}
        assert client.post("/anmelden/", form).status_code == 303
        return client

    def try_all(self, tries: list[Attempt]) -> list[tuple[Attempt, int]]:
        """The outcome of each; fails when a login of before is disturbed."""
        environ: Any = {"casa.gateway": self._gateway}
        challenges = {
            path: challenge_of(Client(**environ), path) for path in DIGEST_PATHS
        }
        at_once = threading.Barrier(THREADS)

        def work(number: int) -> list[tuple[Attempt, int]]:
            at_once.wait(60)
            try:
                mine = tries[number::THREADS]
                found = [(t, t.outcome(self._gateway, challenges)) for t in mine]
                assert self._readers[number].get("/log/").status_code == 200
                return found
            finally:
                connections.close_all()

        futures = [self._pool.submit(work, number) for number in range(THREADS)]
        return [outcome for future in futures for outcome in future.result(300)]


@pytest.mark.req("R103", "R104", "R105")
@pytest.mark.parametrize(
    "number", [160, pytest.param(10_000, marks=pytest.mark.slow)], ids=str
)
def test_however_many_guess_at_once_a_few_passwords_are_looked_at_in_five_minutes(
    house: Gateway, checks: Checks, number: int
) -> None:
    """R103, R104, R105: never more than the limit and one, of all users and ways
    together; locked, the right password is refused; logins of before go on."""
    chance, now, tried, locks = random.Random(number), NOW, 0, 0
    most = max(40, number // 10)
    with ThreadPoolExecutor(THREADS) as pool:
        crowd = Crowd(house, pool)
        checks.seen.clear()
        while tried < number:
            now += timedelta(seconds=chance.randrange(1, 150))
            with time_machine.travel(now, tick=False):
                is_locked = lock_left() is not None
                share = min(number - tried, chance.randrange(1, most))
                before = len(checks.seen)
                tries = attempts(share, tried, some_are_right=is_locked)
                outcomes = crowd.try_all(tries)
                tried += len(outcomes)
                locks += not is_locked and lock_left() is not None
                _check(outcomes, is_locked=is_locked)
                assert not is_locked or len(checks.seen) == before
    assert locks > 1
    assert 0 < checks.most_in(SPAN) <= MOST


def _check(outcomes: list[tuple[Attempt, int]], *, is_locked: bool) -> None:
    """Nobody comes in; in the lock everybody is told so, whatever he knows."""
    for attempt, status in outcomes:
        allowed = {REFUSED[attempt.way]} if is_locked else {401, 429}
        assert status in allowed, (attempt.user, attempt.way, is_locked)
    if is_locked and len(outcomes) > 200:
        known = {a.way for a, _s in outcomes if a.password == PASSWORDS.get(a.user)}
        assert known == set(WAYS)
