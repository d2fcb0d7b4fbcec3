"""The two service roles: first configurator and service technician, never both (R109).

The role whose accounts are active is the active one. Changing it closes the accounts
of the other in the same transaction.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import transaction

from hardware.certificate_path import CertificateRefused, Refusal
from hardware.gateway import Gateway
from logbooks.certificate_store import Holder, Kind, active_certificates, check_peer
from logbooks.checks import Fault
from logbooks.services import log_fault
from meters.models import Account

Role = Account.Role

SERVICE_ROLES = (Role.CONFIGURATOR, Role.TECHNICIAN)
GERMAN_ROLES: Mapping[str, str] = {
    Role.CONFIGURATOR: "Erstkonfigurator",
    Role.TECHNICIAN: "Servicetechniker",
}
"""For the log, whose language is that of the manual."""
ROLES_INCONSISTENT = 1200503
NO_SERVICE_ROLE = 1200504


class ServiceRoleInvalid(ValueError):
    """This role cannot become the active one; the text says why."""


class ServiceRolesInconsistent(Exception):
    """Both roles are active: nobody comes in, the device is locked (1200503)."""


def active_service_roles() -> list[Account.Role]:
    """The roles with active accounts: one at most while all is well."""
    found = Account.objects.filter(role__in=SERVICE_ROLES, is_active=True)
    return sorted(Role(role) for role in set(found.values_list("role", flat=True)))


def service_account(gateway: Gateway, der: bytes, *, now: datetime) -> Account:
    """The account of the active role that a connection's certificate belongs to.

    To be asked with each request. Raises CertificateRefused, and
    ServiceRolesInconsistent after 1200503 was reported.
    """
    entry = check_peer(gateway, der, holder=Holder.TECHNICIAN, now=now)
    if len(active_service_roles()) > 1:
        log_fault(gateway, ROLES_INCONSISTENT, now=now)
        raise ServiceRolesInconsistent
    account = Account.objects.filter(
        certificate=entry.fingerprint, role__in=SERVICE_ROLES, is_active=True
    ).first()
    if account is None:
        raise CertificateRefused(Refusal.NOT_PINNED, "no active service role has it")
    return account


def service_pins() -> tuple[bytes, ...]:
    """The certificates (DER) that may connect to the service listener."""
    used = Account.objects.filter(role__in=SERVICE_ROLES, is_active=True)
    found = active_certificates(Holder.TECHNICIAN, Kind.TLS).filter(
        fingerprint__in=used.values("certificate")
    )
    return tuple(bytes(der) for der in found.values_list("der", flat=True))


@transaction.atomic
def activate_service_role(role: Account.Role) -> None:
    """Open the accounts of this role and close those of the other.

    Raises ServiceRoleInvalid when nobody could come in then: there must be an account
    of the role that has a certificate.
    """
    if role not in SERVICE_ROLES:
        raise ServiceRoleInvalid(f"{role} is no service role")
    accounts = Account.objects.filter(role=role).select_for_update()
    if not any(account.certificate for account in accounts):
        raise ServiceRoleInvalid(f"no {role} has a certificate yet")
    others = [other for other in SERVICE_ROLES if other != role]
    Account.objects.filter(role__in=others).update(is_active=False)
    Account.objects.filter(role=role).update(is_active=True)


def is_other_role_active(role: Account.Role) -> bool:
    """Whether the other service role is the active one; False for other roles."""
    return role in SERVICE_ROLES and any(
        active != role for active in active_service_roles()
    )


def service_role_faults(_gateway: Gateway, _now: datetime) -> Iterator[Fault]:
    """What the self-test finds: both roles active, or a certificate without role."""
    if len(active_service_roles()) > 1:
        yield Fault(ROLES_INCONSISTENT, "both service roles are active")
    pinned = active_certificates(Holder.TECHNICIAN, Kind.TLS)
    strangers = Account.objects.filter(
        certificate__in=pinned.values("fingerprint")
    ).exclude(role__in=SERVICE_ROLES)
    if strangers.exists():
        yield Fault(NO_SERVICE_ROLE, "a service certificate of another role")
