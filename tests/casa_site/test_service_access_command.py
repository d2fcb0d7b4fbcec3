"""`manage service_access`: certificates of the service roles, and which is active."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from hardware.gateway import Gateway
from meters.models import Account
from meters.service_roles import active_service_roles

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def configured(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command works on the gateway of the test."""
    from casa_site.management.commands import service_access

    monkeypatch.setattr(service_access, "open_configured_gateway", lambda: gateway)
    yield


def run(*words: str) -> str:
    out = StringIO()
    call_command("service_access", *words, stdout=out)
    return out.getvalue()


@pytest.mark.req("R109")
def test_a_certificate_is_issued_and_the_role_changed(tmp_path: Path) -> None:
    """R109: the second role is closed until it is activated."""
    said = run("issue", "configurator", "first", str(tmp_path / "a"))
    assert "active service role: configurator" in said
    assert (tmp_path / "a" / "client.key").stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="nothing was changed"):
        run("activate", "technician")
    run("issue", "technician", "second", str(tmp_path / "b"))
    assert active_service_roles() == [Account.Role.CONFIGURATOR]
    run("activate", "technician")
    assert active_service_roles() == [Account.Role.TECHNICIAN]
