"""What is done by a button: a page says what will happen and wants a confirmation.

Manual ch. 4.2.1. Where something is lost for good its id has to be typed in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.calls import carry_out, matching
from gwa_api.console.form import ApiForm
from gwa_api.console.listing import page
from gwa_api.console.pages import PREFIX, SAYS, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.rest.declaration import Json, Reply, Route
from gwa_api.rest.problem import ApiProblem, not_found

Ids = Mapping[str, str]
Consequences = Callable[[ConsoleRequest, Ids], Sequence[Any]]


def saying(*sentences: Any) -> Consequences:
    """Consequences that are the same for whatever it is done to."""
    return lambda _request, _ids: sentences


class Confirmation(ApiForm):
    """Nothing to fill in: the button is the confirmation."""


class TypedConfirmation(ApiForm):
    """The id of what goes for good, typed in."""

    confirmed = forms.CharField(
        label=_l("Zur Bestätigung die ID eintippen"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def body(self) -> dict[str, Any]:
        """The API wants none."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that can be done; `path` is its page below the console.

    `consequences` says what will happen, in sentences. `etag` gives the state that it
    goes by, for routes that want one. `typed` names the id that has to be typed in.
    `named` are members of the body that the page's address says.
    `answer` makes the page of an action whose answer is shown, else one is led to
    `back` with the word `says`.
    """

    path: str
    name: str
    route: Route
    title: Any
    button: Any
    consequences: Consequences
    back: str
    says: str = "saved"
    form: type[ApiForm] = Confirmation
    etag: Callable[[str], str | None] | None = None
    typed: str = ""
    named: Callable[[Ids], Json] = field(default=lambda _ids: {})
    answer: Callable[[ConsoleRequest, Reply], HttpResponse] | None = None
    subject: Callable[[Ids], str] = field(default=lambda ids: " ".join(ids.values()))

    def page(self) -> URLPattern:
        """Where it is."""
        return page(self.path, self.view, self.name, posts=True)

    def view(self, request: ConsoleRequest, **ids: str) -> HttpResponse:
        """Say what will happen; when that is confirmed, do it."""
        etag = self._etag(ids)
        is_post = request.method == "POST"
        form = self._form(request.POST if is_post else None)
        if is_post and form.is_valid() and self._is_confirmed(form, ids):
            headers = matching(request.POST.get("etag", "")) if etag else {}
            try:
                body = {**form.body(), **self.named(ids)}
                reply = carry_out(request, self.route, ids, body, headers=headers)
                return self._done(request, reply, ids)
            except ApiProblem as problem:
                form.refuse(problem)
        return show(
            request,
            "action",
            status=422 if is_post else 200,
            action=self,
            subject=self.subject(ids),
            typed=ids.get(self.typed, ""),
            consequences=self.consequences(request, ids),
            form=form,
            etag=etag,
            back=PREFIX + self.back.format(**ids),
        )

    def _form(self, data: Any) -> ApiForm:
        return TypedConfirmation(data) if self.typed else self.form(data)

    def _etag(self, ids: Ids) -> str:
        if self.etag is None:
            return ""
        found = self.etag(next(iter(ids.values())))
        if found is None:
            raise not_found()
        return found

    def _is_confirmed(self, form: ApiForm, ids: Ids) -> bool:
        if not self.typed or form.cleaned_data["confirmed"] == ids[self.typed]:
            return True
        form.add_error("confirmed", _("Das ist nicht diese ID."))
        return False

    def _done(self, request: ConsoleRequest, reply: Reply, ids: Ids) -> HttpResponse:
        if self.answer is not None:
            return self.answer(request, reply)
        return HttpResponseRedirect(
            f"{PREFIX}{self.back.format(**ids)}?{SAYS}={self.says}"
        )
