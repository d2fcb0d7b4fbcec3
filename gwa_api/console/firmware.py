"""Updates: what runs, a package uploaded, and when it is installed."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin import display
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.access import LARGEST_FORM
from gwa_api.console.actions import Action, Ids
from gwa_api.console.calls import carry_out, route_of
from gwa_api.console.fields import MomentField
from gwa_api.console.form import ApiForm
from gwa_api.console.listing import ListAdmin, page
from gwa_api.console.operation import shown_operation
from gwa_api.console.pages import PREFIX, SAYS, moment, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.values import word
from gwa_api.rest.firmware import LARGEST_PIECE
from gwa_api.rest.problem import ApiProblem
from logbooks import firmware, storage
from logbooks.models import FirmwarePackage

_State = FirmwarePackage.State
INSTALLABLE = (_State.VERIFIED, _State.RELEASED, _State.SCHEDULED)


class InstallForm(ApiForm):
    """When; at once when it is left empty."""

    at = MomentField(
        label=_l("Zeitpunkt"), required=False, help_text=_l("Leer: sofort.")
    )


class UploadForm(ApiForm):
    """A package, and its digest to compare with."""

    package = forms.FileField(label=_l("Paket (.casa)"))
    sha256 = forms.RegexField(
        r"\A[0-9a-fA-F]{64}\Z",
        label="SHA-256",
        required=False,
        help_text=_l("Zum Vergleich, wie der Hersteller sie nennt; leer: ohne."),
    )


def installed(request: ConsoleRequest, ids: Ids) -> list[str]:
    """What installing means."""
    row = FirmwarePackage.objects.filter(pk=int(ids["package"])).first()
    now = firmware.running_release(request.gateway).version
    version = row.version if row else "–"
    return [
        _("Version %(old)s wird durch %(new)s ersetzt.") % {"old": now, "new": version},
        _("Das Gateway startet neu; währenddessen wird nicht gemessen."),
        _("Bewährt sich die neue Version nicht, kehrt die alte zurück."),
    ]


INSTALL = Action(
    path="firmware/{package}/install/",
    name="firmware-install",
    route=route_of("POST", "/firmware/packages/{package}/install"),
    title=_l("Installieren"),
    button=_l("Installieren"),
    consequences=installed,
    form=InstallForm,
    back="firmware/",
    answer=shown_operation,
)


class FirmwareAdmin(ListAdmin):
    """Packages, newest first, and what runs."""

    path, title = "firmware/", _l("Firmware")
    hint = _l("Es wurde noch kein Paket hochgeladen.")
    buttons = (("firmware/upload/", _l("Paket hochladen")),)
    list_display = ("version_", "state_", "received", "at", "fault_", "reason_")
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        """The list, the upload, the installation."""
        upload = page(
            "firmware/upload/",
            self.upload_view,
            "firmware-upload",
            posts=True,
            largest=room,
        )
        return [*super().get_urls(), upload, INSTALL.page()]

    def context(self, request: Any) -> dict[str, Any]:
        """The release that runs."""
        release = firmware.running_release(request.gateway)
        return {"before": [(_("Es läuft Version"), release.version)]}

    def row_actions(self, row: FirmwarePackage) -> Sequence[tuple[str, str]]:
        """What was verified can be installed."""
        if row.state not in INSTALLABLE:
            return ()
        return [(PREFIX + INSTALL.path.format(package=row.pk), _("Installieren"))]

    def upload_view(self, request: ConsoleRequest) -> HttpResponse:
        """Takes a package in and verifies it; nothing is installed by that."""
        is_post = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if is_post else UploadForm()
        if is_post and form.is_valid():
            given = form.cleaned_data
            try:
                _take_in(request, given["package"], given["sha256"])
                return HttpResponseRedirect(f"{PREFIX}{self.path}?{SAYS}=imported")
            except ApiProblem as problem:
                form.refuse(problem)
        status = 422 if is_post else 200
        return show(request, "upload", status=status, admin=self, form=form)

    @display(description=_l("Version"))
    def version_(self, row: FirmwarePackage) -> str:
        """Its version, once that is known."""
        return row.version or "–"

    @display(description=_l("Zustand"))
    def state_(self, row: FirmwarePackage) -> str:
        """How far it is."""
        return word(row.state)

    @display(description=_l("Empfangen"))
    def received(self, row: FirmwarePackage) -> str:
        """When it came."""
        return moment(row.received_at)

    @display(description=_l("Installation"))
    def at(self, row: FirmwarePackage) -> str:
        """When it shall be installed."""
        return moment(row.install_at)

    @display(description=_l("Fehlercode"))
    def fault_(self, row: FirmwarePackage) -> str:
        """Why it was refused."""
        return str(row.fault or "–")

    @display(description=_l("Grund"))
    def reason_(self, row: FirmwarePackage) -> str:
        """More of that."""
        return row.reason or "–"


def room(request: ConsoleRequest) -> int:
    """How large an upload may be: what the API would make room for."""
    return storage.measured(request.gateway).free // 2 + LARGEST_FORM


def _take_in(request: ConsoleRequest, file: "UploadedFile[Any]", digest: str) -> None:
    """Announce the package, send it in pieces, as a client of the API does."""
    size = file.size or 0
    begin = route_of("POST", "/firmware/packages")
    upload = (carry_out(request, begin, {}, {"size": size}).body or {})["id"]
    piece = route_of("PUT", "/firmware/packages/{upload}/content")
    known = bytes.fromhex(digest) if digest else _digest_of(file)
    file.seek(0)
    first = 0
    while content := file.read(LARGEST_PIECE):
        last = first + len(content) - 1
        headers = {
            "content-range": f"bytes {first}-{last}/{size}",
            "repr-digest": f"sha-256=:{base64.b64encode(known).decode()}:",
        }
        ids = {"upload": upload}
        carry_out(request, piece, ids, headers=headers, content=content)
        first = last + 1


def _digest_of(file: "UploadedFile[Any]") -> bytes:
    found = hashlib.sha256()
    for chunk in file.chunks():
        found.update(chunk)
    return found.digest()
