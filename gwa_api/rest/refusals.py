"""What the services refuse, as problems of the API."""

from collections.abc import Callable
from typing import Any

from django.db.models import ProtectedError

from gwa_api.administrator import ChangeRefused
from gwa_api.json_object import DocumentInvalid
from gwa_api.rest.problem import ApiProblem, conflict, invalid
from hardware.certificate_path import CertificateRefused
from hardware.security_faults import SecurityModuleFault
from logbooks.firmware import FirmwareStepRefused
from logbooks.lockdown import ReleaseRefused
from logbooks.log_codes import NOT_OLD_ENOUGH
from logbooks.retention import RetentionTooShort
from logbooks.self_test import SelfTestRefused
from meters.accounts import AccountInvalid
from meters.configuration_errors import ConfigurationInvalid
from tariffs.lifecycle import ProfileFixed
from tariffs.on_demand import NoSuchDay, OnDemandRefused, RecipientUnknown
from tariffs.problem import Problem
from tariffs.profile_spec import ProfileInvalid

PROFILE_INVALID = ProfileInvalid.code
"""Of any configuration that is refused (fault 600104)."""


def problem_of(error: Exception) -> ApiProblem | None:
    """The problem that a service's exception is; None for one that is a bug."""
    for kind, made in _MADE.items():
        if isinstance(error, kind):
            return made(error)
    return None


def _itself(error: Any) -> ApiProblem:
    found: ApiProblem = error
    return found


def _invalid(error: Any) -> ApiProblem:
    """A problem with the whole is one of its state, others are of its members."""
    whole = [one for one in error.problems if not one.pointer]
    if whole:
        return conflict("; ".join(one.message for one in whole))
    found = invalid(error.problems, PROFILE_INVALID)
    found.is_logged = False
    return found


def _fixed(error: Any) -> ApiProblem:
    return ApiProblem("state-conflict", problems=error.problems)


def _field(error: Any) -> ApiProblem:
    found = invalid([Problem(f"/{error.field}", error.reason)], PROFILE_INVALID)
    found.is_logged = False
    return found


def certificate_problem(
    error: CertificateRefused, member: str = "certificate"
) -> ApiProblem:
    """422 for a certificate that stands in this member of the body."""
    found = invalid([Problem(f"/{member}", str(error))], error.code)
    found.is_logged = False
    return found


def _module(error: Any) -> ApiProblem:
    found = conflict(str(error), error.code)
    found.is_logged = False
    return found


def _on_demand(error: Any) -> ApiProblem:
    if isinstance(error, RecipientUnknown):
        return ApiProblem("recipient-not-in-profile", str(error))
    if isinstance(error, NoSuchDay):
        return ApiProblem("day-not-available", str(error), error.code)
    return conflict(str(error), error.code)


_MADE: dict[type[Exception], Callable[[Any], ApiProblem]] = {
    ApiProblem: _itself,
    DocumentInvalid: _invalid,
    ProfileFixed: _fixed,
    ProfileInvalid: _invalid,
    ConfigurationInvalid: _field,
    AccountInvalid: _field,
    CertificateRefused: certificate_problem,
    SecurityModuleFault: _module,
    OnDemandRefused: _on_demand,
    RetentionTooShort: lambda error: ApiProblem(
        "retention-floor", str(error), NOT_OLD_ENOUGH
    ),
    SelfTestRefused: lambda error: conflict(str(error), getattr(error, "code", None)),
    ReleaseRefused: lambda error: ApiProblem(
        "state-conflict", str(error), more={"standing_codes": list(error.codes)}
    ),
    FirmwareStepRefused: lambda error: conflict(str(error)),
    ChangeRefused: lambda error: conflict(str(error)),
    ProtectedError: lambda _error: conflict("something else still refers to it"),
}
