"""The page on which a consumer orders, changes and ends the sending of his values."""

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_http_methods

from portal import formats, house_push
from portal.auth import consumer_required
from portal.frame import show
from portal.house_push import PushSpec
from portal.models import HousePush
from portal.request import PortalRequest

END = "beenden"


class HousePushForm(forms.Form):
    """Broker and login; an empty password keeps the one that is stored."""

    host = forms.CharField(label=_l("Broker"), max_length=253)
    port = forms.IntegerField(label=_l("Port"), min_value=1, max_value=65535)
    tls = forms.BooleanField(label=_l("Verbindung verschlüsseln (TLS)"), required=False)
    ca = forms.CharField(
        label=_l("Zertifikat des Brokers oder seiner Zertifizierungsstelle (PEM)"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    username = forms.CharField(
        label=_l("Benutzername beim Broker"), required=False, max_length=128
    )
    password = forms.CharField(
        label=_l("Passwort beim Broker"),
        required=False,
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    consent = forms.BooleanField(
        label=_l("Ja, ich möchte, dass das Gateway meine Messwerte dorthin sendet."),
        error_messages={"required": _l("Ohne Ihre Zustimmung wird nichts gesendet.")},
    )

    def spec(self) -> PushSpec:
        """What was chosen; only of a form that is valid."""
        chosen = self.cleaned_data
        return PushSpec(
            host=chosen["host"].strip(),
            port=chosen["port"],
            tls=chosen["tls"],
            ca=chosen["ca"],
            username=chosen["username"],
            password=chosen["password"] or None,
        )


@require_http_methods(["GET", "HEAD", "POST"])
@consumer_required
def house_push_page(request: PortalRequest) -> HttpResponse:
    """Show the order, take a new one, or end it."""
    push = house_push.push_of(request.consumer)
    if request.method != "POST":
        return _page(request, push, HousePushForm(initial=_initial(push)))
    if END in request.POST:
        house_push.revoke(request.gateway, request.consumer, now=request.received_at)
        return redirect("house_push")
    form = HousePushForm(request.POST)
    if form.is_valid() and _ordered(request, form):
        return redirect("house_push")
    return _page(request, push, form, status=400)


def _ordered(request: PortalRequest, form: HousePushForm) -> bool:
    now = request.received_at
    try:
        house_push.order(request.gateway, request.consumer, form.spec(), now=now)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True


def _initial(push: HousePush | None) -> dict[str, object]:
    if push is None:
        return {"port": 8883, "tls": True}
    names = ("host", "port", "tls", "ca", "username")
    return {name: getattr(push, name) for name in names}


def _page(
    request: PortalRequest,
    push: HousePush | None,
    form: HousePushForm,
    *,
    status: int = 200,
) -> HttpResponse:
    connected = push.connected_at if push else None
    return show(
        request,
        "house_push",
        "help",
        status=status,
        form=form,
        push=push,
        has_password=bool(push and push.password),
        since=formats.record_time(push.since) if push else "",
        connected_at=formats.record_time(connected) if connected else "",
    )
