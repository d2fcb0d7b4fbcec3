"""Forms whose fields are the members of a body of the API.

A field `billing_period__unit` is the member /billing_period/unit. What the services
refuse comes back by JSON pointers and is said at the field that it points to.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from gwa_api.console.words import place, plain
from gwa_api.rest.declaration import Json
from gwa_api.rest.problem import TITLES, ApiProblem
from logbooks.catalogue import fault

_INITIAL = "initial-"
_NOTHING: tuple[Any, ...] = (None, "", [], {})


class ApiForm(forms.Form):
    """What is sent to one route; `sections` puts the fields in order, by headings."""

    sections: ClassVar[Sequence[tuple[Any, tuple[str, ...]]]] = ()

    def body(self) -> Json:
        """What the form says, without what was left empty."""
        found: Json = {}
        for name, value in self.cleaned_data.items():
            if any(value is one or value == one for one in _NOTHING):
                continue
            *parents, last = name.split("__")
            part = found
            for parent in parents:
                part = part.setdefault(parent, {})
            part[last] = value
        return found

    def refuse(self, problem: ApiProblem) -> None:
        """Say at each field what was refused there, and the rest above the form."""
        if not problem.problems or problem.slug != "validation":
            self.add_error(None, _(TITLES[problem.slug][1]))
        if problem.detail:
            self.add_error(None, plain(problem.detail))
        if problem.fault_code is not None:
            text = f"{problem.fault_code}: {fault(problem.fault_code).description}"
            self.add_error(None, text)
        for one in problem.problems:
            name, rest = self._field_at(one.pointer)
            said = place(rest if name else one.pointer) + plain(one.message)
            self.add_error(name, said)

    def parts(self) -> Iterator[tuple[Any, list[forms.BoundField]]]:
        """The fields under their headings, for the template."""
        seen: set[str] = set()
        for title, names in self.sections:
            here = [name for name in names if name in self.fields]
            seen.update(here)
            if here:
                yield title, [self[name] for name in here]
        rest = [self[name] for name in self.fields if name not in seen]
        if rest:
            yield "", rest

    def _field_at(self, pointer: str) -> tuple[str | None, str]:
        """The field that a pointer leads to, and the way on from there."""
        names = pointer.strip("/").split("/")
        for length in range(len(names), 0, -1):
            name = "__".join(names[:length])
            if name in self.fields:
                return name, "/".join(names[length:])
        inside = [one for one in self.fields if one.startswith(f"{names[0]}__")]
        return (inside[0] if inside else None), ""


class NewForm(ApiForm):
    """For what is new: the id stands in the form too."""

    id: forms.CharField = forms.RegexField(
        r"\A[A-Za-z0-9_-]{1,32}\Z",
        label="ID",
        max_length=32,
        strip=True,
    )

    def body(self) -> Json:
        """Without the id, which stands in the path."""
        found = super().body()
        found.pop("id", None)
        return found


def initial_of(form: type[ApiForm], body: Json) -> dict[str, Any]:
    """What the fields show for a body as it was answered."""
    return {name: _member(body, name.split("__")) for name in form.base_fields}


def for_change(
    form: type[ApiForm],
    names: Sequence[str],
    *,
    data: QueryDict | None = None,
    body: Json | None = None,
) -> ApiForm:
    """The form with these fields only; each one keeps what it showed at first."""
    made = (
        form(data) if data is not None else form(initial=initial_of(form, body or {}))
    )
    made.fields = {n: made.fields[n] for n in names if n in made.fields}
    for field in made.fields.values():
        field.show_hidden_initial = True
    return made


def as_shown(form: type[ApiForm], names: Sequence[str], data: QueryDict) -> ApiForm:
    """The form as it was when the page was shown, from its hidden initial values."""
    before = QueryDict(mutable=True)
    for key in data:
        if key.startswith(_INITIAL):
            before.setlist(key.removeprefix(_INITIAL), data.getlist(key))
    made = form(before)
    made.fields = {n: made.fields[n] for n in names if n in made.fields}
    return made


def patch_between(before: Json, after: Json) -> Json:
    """The merge patch (RFC 7396) that makes the one the other; {} for no difference."""
    patch: Json = {name: None for name in before if name not in after}
    for name, value in after.items():
        there = before.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            if inner := patch_between(there, value):
                patch[name] = inner
        elif name not in before or there != value:
            patch[name] = value
    return patch


def _member(body: Any, names: Sequence[str]) -> Any:
    for name in names:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body
