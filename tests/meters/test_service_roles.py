"""First configurator and technician: one of them is active, never both."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hardware.certificate_path import CertificateRefused
from hardware.gateway import Gateway
from logbooks import device_state, selectors
from logbooks.device_state import Mode
from logbooks.self_test import run_checks
from meters.account_certificates import issue_technician_certificate
from meters.accounts import create_account
from meters.models import Account
from meters.service_roles import (
    NO_SERVICE_ROLE,
    ROLES_INCONSISTENT,
    ServiceRoleInvalid,
    ServiceRolesInconsistent,
    activate_service_role,
    active_service_roles,
    service_account,
    service_pins,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIGURATOR, TECHNICIAN = Account.Role.CONFIGURATOR, Account.Role.TECHNICIAN

pytestmark = pytest.mark.django_db


@pytest.fixture
def ders(gateway: Gateway) -> dict[str, bytes]:
    """Configurator first, then the technician: each with a certificate."""
    found = {}
    for role in (CONFIGURATOR, TECHNICIAN):
        account = create_account(gateway, username=f"my-{role}", role=role)
        issued = issue_technician_certificate(gateway, account, now=NOW)
        certificate = x509.load_pem_x509_certificate(issued.certificate)
        found[role] = certificate.public_bytes(Encoding.DER)
    return found


@pytest.mark.req("R109")
def test_only_the_active_role_comes_in(
    gateway: Gateway, ders: dict[str, bytes]
) -> None:
    """R109: the second account is made closed; changing the role closes the first."""
    assert active_service_roles() == [CONFIGURATOR]
    for role, other in ((CONFIGURATOR, TECHNICIAN), (TECHNICIAN, CONFIGURATOR)):
        activate_service_role(role)
        assert active_service_roles() == [role]
        assert service_pins() == (ders[role],)
        assert service_account(gateway, ders[role], now=NOW).role == role
        with pytest.raises(CertificateRefused) as refused:
            service_account(gateway, ders[other], now=NOW)
        assert refused.value.code == 2200044


def test_a_role_that_nobody_could_use_is_not_activated(gateway: Gateway) -> None:
    create_account(gateway, username="first", role=CONFIGURATOR)
    for role in (TECHNICIAN, Account.Role.CONSUMER):
        with pytest.raises(ServiceRoleInvalid):
            activate_service_role(role)
    assert active_service_roles() == [CONFIGURATOR]


@pytest.mark.req("R109")
def test_two_active_roles_lock_the_device(
    gateway: Gateway, ders: dict[str, bytes]
) -> None:
    """R109: 1200503 at the next request and in the self-test; nobody comes in."""
    Account.objects.update(is_active=True)
    found = {fault.code for fault in run_checks(gateway, now=NOW)}
    assert ROLES_INCONSISTENT in found
    for der in ders.values():
        with pytest.raises(ServiceRolesInconsistent):
            service_account(gateway, der, now=NOW)
    assert selectors.system_log()[0].event_id == ROLES_INCONSISTENT
    assert device_state.current().mode == Mode.SOFT


@pytest.mark.req("R109")
def test_a_service_certificate_of_another_role_is_found(
    gateway: Gateway, ders: dict[str, bytes]
) -> None:
    """R109: 1200504, a role that is neither of both."""
    changed = Account.objects.filter(role=TECHNICIAN)
    changed.update(role=Account.Role.ADMINISTRATOR)
    found = {fault.code for fault in run_checks(gateway, now=NOW)}
    assert NO_SERVICE_ROLE in found
    with pytest.raises(CertificateRefused):
        service_account(gateway, ders[TECHNICIAN], now=NOW)
