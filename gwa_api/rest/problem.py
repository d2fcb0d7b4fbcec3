"""What goes wrong, as problem documents (RFC 9457) with the manual's fault codes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from tariffs.profile_spec import Problem

MEDIA_TYPE = "application/problem+json"

TITLES: Mapping[str, tuple[int, str]] = {
    "malformed": (400, gettext_noop("Die Anfrage ist nicht lesbar")),
    "key-missing": (400, gettext_noop("Idempotency-Key fehlt oder ist ungültig")),
    "not-authenticated": (403, gettext_noop("Das Zertifikat ist nicht in Kraft")),
    "not-found": (404, gettext_noop("Nicht gefunden")),
    "day-not-available": (404, gettext_noop("Für diesen Tag gibt es keinen Wert")),
    "method-not-allowed": (405, gettext_noop("Diese Methode gibt es hier nicht")),
    "not-acceptable": (406, gettext_noop("Es gibt nur JSON")),
    "state-conflict": (409, gettext_noop("Der Zustand lässt das nicht zu")),
    "recipient-not-in-profile": (
        409,
        gettext_noop("Der Marktteilnehmer steht nicht im Profil"),
    ),
    "retention-floor": (409, gettext_noop("Die Aufbewahrung wäre zu kurz")),
    "idempotency-in-progress": (409, gettext_noop("Die erste Anfrage läuft noch")),
    "precondition-failed": (412, gettext_noop("Der Stand ist inzwischen ein anderer")),
    "too-large": (413, gettext_noop("Die Anfrage ist zu groß")),
    "media-type": (415, gettext_noop("Diese Art von Inhalt wird nicht angenommen")),
    "validation": (422, gettext_noop("Der Inhalt ist ungültig")),
    "unknown-reference": (422, gettext_noop("Etwas Genanntes gibt es nicht")),
    "idempotency-mismatch": (
        422,
        gettext_noop("Derselbe Schlüssel mit anderem Inhalt"),
    ),
    "precondition-required": (428, gettext_noop("If-Match oder If-None-Match fehlt")),
    "rate-limited": (429, gettext_noop("Zu viele Anfragen")),
    "internal": (500, gettext_noop("Interner Fehler")),
    "lockdown": (503, gettext_noop("Das Gerät ist gesperrt")),
    "clock-invalid": (503, gettext_noop("Zeit ist ungültig")),
    "storage-low": (507, gettext_noop("Der Speicher reicht nicht")),
}
"""Status and German title by slug."""


@dataclass(slots=True)
class ApiProblem(Exception):
    """A request that is refused; `more` are further members of the document."""

    slug: str
    detail: str = ""
    fault_code: int | None = None
    problems: tuple[Problem, ...] = ()
    more: Mapping[str, Any] | None = None
    retry_after_s: int | None = None
    is_logged: bool = True
    """Whether the fault code stands in the system log already."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TITLES[self.slug][0]

    def document(self, correlation: str) -> dict[str, Any]:
        """The body of the answer, in the language of the request."""
        document: dict[str, Any] = {
            "type": f"urn:casa:problem:{self.slug}",
            "title": _(TITLES[self.slug][1]),
            "status": self.status,
            "instance": f"urn:uuid:{correlation}",
        }
        if self.detail:
            document["detail"] = self.detail
        if self.fault_code is not None:
            document["fault_code"] = self.fault_code
        if self.problems:
            document["errors"] = [
                {"pointer": one.pointer, "code": "invalid", "message": one.message}
                for one in self.problems
            ]
        return {**document, **(self.more or {})}


def invalid(problems: Iterable[Problem], code: int | None = None) -> ApiProblem:
    """422 with everything that is wrong, by JSON pointers."""
    return ApiProblem("validation", fault_code=code, problems=tuple(problems))


def not_found(what: str = "") -> ApiProblem:
    """404."""
    return ApiProblem("not-found", what)


def conflict(detail: str, code: int | None = None) -> ApiProblem:
    """409: what is there does not allow it."""
    return ApiProblem("state-conflict", detail, code)
