"""What the roof does with a request, a state folder, and the settings."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import checks
from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from casa_site import readiness, state_lock
from casa_site.middleware import PathMiddleware
from casa_site.wsgi import HanApplication, without_zone
from hardware.gateway import Gateway


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("[fe80::1%25eth1]:8443", "[fe80::1]:8443"),
        ("[fe80::1%eth1]", "[fe80::1]"),
        ("[::1]:8443", "[::1]:8443"),
        ("smgw.local", "smgw.local"),
    ],
)
def test_the_zone_of_an_address_is_cut(host: str, expected: str) -> None:
    assert without_zone(host) == expected


def test_the_environ_carries_the_gateway(gateway: Gateway) -> None:
    seen: dict[str, Any] = {}
    application = HanApplication(gateway)

    def answer(environ: dict[str, Any], _start: Any) -> list[bytes]:
        seen.update(environ)
        return []

    application._django = answer  # type: ignore[assignment]
    application({"HTTP_HOST": "[fe80::1%25eth1]"}, lambda *_: None)
    assert seen["casa.gateway"] is gateway
    assert seen["HTTP_HOST"] == "[fe80::1]"


def test_nothing_below_json_is_redirected(rf: RequestFactory) -> None:
    def fail(_request: HttpRequest) -> Any:
        raise AssertionError

    middleware = PathMiddleware(fail)
    request = rf.get("/json/metering/origin")
    assert middleware.should_redirect_with_slash(request) is False


def test_readiness_belongs_to_the_process_that_announced_it(tmp_path: Path) -> None:
    readiness.announce(tmp_path, "han")
    assert readiness.is_ready(tmp_path, "han", os.getpgrp())
    assert not readiness.is_ready(tmp_path, "han", os.getpgrp() + 1)
    readiness.withdraw(tmp_path, "han")
    assert not readiness.is_ready(tmp_path, "han", os.getpgrp())


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    descriptor = state_lock.hold(tmp_path)
    yield descriptor
    os.close(descriptor)


def test_a_state_folder_has_one_holder(lock: int, tmp_path: Path) -> None:
    assert state_lock.supervisor_of(tmp_path) == os.getpid()
    with pytest.raises(state_lock.StateInUse, match=f"process {os.getpid()}"):
        state_lock.hold(tmp_path)


def test_a_free_state_folder_has_no_supervisor(tmp_path: Path) -> None:
    assert state_lock.supervisor_of(tmp_path) is None
    os.close(state_lock.hold(tmp_path))
    assert state_lock.supervisor_of(tmp_path) is None


def test_the_settings_pass_djangos_checks() -> None:
    assert [each for each in checks.run_checks() if each.is_serious()] == []


@pytest.mark.parametrize("huid", ["short", "eemh00092641540", "eemh000926415ä"])
def test_a_malformed_gateway_id_is_an_error(huid: str) -> None:
    with override_settings(HUID=huid):
        assert "casa.E002" in {each.id for each in checks.run_checks()}


def test_cookies_are_bound_to_this_host_and_to_tls() -> None:
    assert settings.SESSION_SAVE_EVERY_REQUEST is False
    for name in ("SESSION", "CSRF", "LANGUAGE"):
        assert getattr(settings, f"{name}_COOKIE_SECURE") is True
        assert getattr(settings, f"{name}_COOKIE_NAME").startswith("__Host-")
