"""What the administrator keeps under an id: list, new, read, change, delete.

Django's admin gives the list. Forms say what the API's bodies say and go through its
routes; a change is tried, shown as old and new values, and carried out when that is
confirmed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, Consequences
from gwa_api.console.calls import NEW, carry_out, matching, route_of
from gwa_api.console.form import (
    ApiForm,
    NewForm,
    as_shown,
    for_change,
    initial_of,
    patch_between,
)
from gwa_api.console.listing import ListAdmin, page
from gwa_api.console.pages import PREFIX, SAYS, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.values import in_words
from gwa_api.rest.declaration import Json
from gwa_api.rest.problem import ApiProblem

_CONFIRMED, _NAMES = "bestaetigt", "felder"


class ResourceAdmin(ListAdmin):
    """A resource of the API under the id `key`; `form` has its members.

    `fixed` are members that are read and never change. `etag_of` gives the state of a
    row without telling anybody that it was read.
    """

    key: ClassVar[str]
    api_form: ClassVar[type[NewForm]]
    fixed: ClassVar[Sequence[str]] = ()
    shown: ClassVar[Sequence[tuple[str, Any]]] = ()
    """Members that only the answer has, with their names."""
    etag_of: ClassVar[Callable[[str], str | None]]
    deleted: ClassVar[Consequences]
    new_title: ClassVar[Any]
    more: ClassVar[Sequence[Action]] = ()
    has_pages = True

    def get_urls(self) -> list[URLPattern]:
        """List, new, page of one, delete, and what more there is."""
        one = f"{self.path}{{{self.key}}}/"
        return [
            *super().get_urls(),
            page(f"new/{self.path}", self.new_view, f"{self.name}-new", posts=True),
            page(one, self.one_view, f"{self.name}-one", posts=True),
            self.delete_action().page(),
            *(action.page() for action in self.more),
        ]

    @property
    def api_path(self) -> str:
        """Where the API has it."""
        return f"/{self.path}{{{self.key}}}"

    def delete_action(self) -> Action:
        """Deleting one: its id has to be typed in."""
        return Action(
            path=f"{self.path}{{{self.key}}}/delete/",
            name=f"{self.name}-delete",
            route=route_of("DELETE", self.api_path),
            title=_l("Löschen"),
            button=_l("Endgültig löschen"),
            consequences=type(self).deleted,
            etag=type(self).etag_of,
            typed=self.key,
            back=self.path,
            says="deleted",
        )

    def new_view(self, request: ConsoleRequest) -> HttpResponse:
        """The empty form; when it is sent, what it says is made."""
        is_post = request.method == "POST"
        form = self.api_form(request.POST if is_post else None)
        if is_post and form.is_valid():
            ids = {self.key: form.cleaned_data["id"]}
            route = route_of("PUT", self.api_path)
            try:
                carry_out(request, route, ids, form.body(), headers=NEW)
                return _led(f"{self.path}{ids[self.key]}/", "saved")
            except ApiProblem as problem:
                form.refuse(problem)
        status = 422 if is_post else 200
        return show(request, "new", status=status, admin=self, form=form)

    def one_view(self, request: ConsoleRequest, **ids: str) -> HttpResponse:
        """What it is, with the form to change it."""
        if request.method == "POST":
            return self._change(request, ids)
        reply = carry_out(request, route_of("GET", self.api_path), ids)
        body = reply.body or {}
        names = self.changeable(body)
        form = for_change(self.api_form, names, body=body)
        return self._page(
            request, ids, form, reply.etag, names=names, facts=self.facts(body)
        )

    def changeable(self, body: Json) -> list[str]:
        """The fields that may change in its state."""
        fixed = {"id", *self.fixed}
        return [name for name in self.api_form.base_fields if name not in fixed]

    def facts(self, body: Json) -> list[tuple[Any, str]]:
        """What is shown above the form: what cannot be changed."""
        changeable = self.changeable(body)
        found = [(label, in_words(name, body.get(name))) for name, label in self.shown]
        for name, value in initial_of(self.api_form, body).items():
            if name == "id" or name in changeable or value in (None, "", []):
                continue
            field = self.api_form.base_fields[name]
            found.append((field.label, _shown(field, name, value)))
        return found

    def _change(self, request: ConsoleRequest, ids: dict[str, str]) -> HttpResponse:
        names = request.POST.get(_NAMES, "").split()
        form = for_change(self.api_form, names, data=request.POST)
        before = as_shown(self.api_form, names, request.POST)
        etag = request.POST.get("etag", "")
        if form.is_valid() and before.is_valid():
            patch = patch_between(before.body(), form.body())
            if not patch:
                return _led(f"{self.path}{ids[self.key]}/", "unchanged")
            is_confirmed = _CONFIRMED in request.POST
            try:
                self._patched(request, ids, patch, etag, only_try=not is_confirmed)
            except ApiProblem as problem:
                form.refuse(problem)
            else:
                if is_confirmed:
                    return _led(f"{self.path}{ids[self.key]}/", "saved")
                return self._preview(request, ids, form, before)
        return self._page(request, ids, form, etag, names=names, status=422)

    def _patched(
        self,
        request: ConsoleRequest,
        ids: dict[str, str],
        patch: Json,
        etag: str,
        *,
        only_try: bool,
    ) -> None:
        route = route_of("PATCH", self.api_path)
        headers = matching(etag)
        carry_out(request, route, ids, patch, headers=headers, only_try=only_try)

    def _preview(
        self,
        request: ConsoleRequest,
        ids: dict[str, str],
        form: ApiForm,
        before: ApiForm,
    ) -> HttpResponse:
        """Old and new value of what changes, and the button that changes it."""
        again = [
            (key, value)
            for key in request.POST
            if key != "csrfmiddlewaretoken"
            for value in request.POST.getlist(key)
        ]
        return show(
            request,
            "preview",
            admin=self,
            subject=ids[self.key],
            changes=list(_changes(form, before)),
            again=again,
            confirmed=_CONFIRMED,
            back=f"{PREFIX}{self.path}{ids[self.key]}/",
        )

    def _page(
        self,
        request: ConsoleRequest,
        ids: dict[str, str],
        form: ApiForm,
        etag: str,
        *,
        names: Sequence[str],
        facts: Any = (),
        status: int = 200,
    ) -> HttpResponse:
        here = f"{PREFIX}{self.path}{ids[self.key]}/"
        return show(
            request,
            "one",
            status=status,
            admin=self,
            subject=ids[self.key],
            form=form,
            etag=etag,
            names=" ".join(names),
            facts=facts,
            here=here,
            links=self.links(here, ids),
        )

    def links(self, here: str, ids: dict[str, str]) -> list[tuple[str, Any]]:
        """What else can be done with one: address and word."""
        own = [(PREFIX + one.path.format(**ids), one.title) for one in self.more]
        return [*own, (f"{here}delete/", _("Löschen"))]


def _changes(form: ApiForm, before: ApiForm) -> Iterator[tuple[Any, str, str]]:
    for name, made in form.fields.items():
        old, new = before.cleaned_data.get(name), form.cleaned_data.get(name)
        if old != new:
            yield made.label, _shown(made, name, old), _shown(made, name, new)


def _shown(field: Any, name: str, value: Any) -> str:
    """A value in the words of the choices that its field has."""
    choices = dict(getattr(field, "choices", ()))
    is_choice = isinstance(value, str | int) and value in choices
    return str(choices[value]) if is_choice else in_words(name, value)


def _led(path: str, word: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{PREFIX}{path}?{SAYS}={word}")
