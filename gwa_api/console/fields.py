"""Form fields that give and take the JSON of the API."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from gwa_api.console.values import obis_text
from gwa_api.json_object import DocumentInvalid, document_of

_LOCAL = "%Y-%m-%dT%H:%M:%S"
_LONGEST_TEXT = 200_000


class MomentField(forms.DateTimeField):
    """A local time of Berlin; gives RFC 3339 in UTC."""

    def __init__(self, **more: Any) -> None:
        widget = forms.DateTimeInput(
            format=_LOCAL, attrs={"type": "datetime-local", "step": 1}
        )
        formats = [_LOCAL, "%Y-%m-%dT%H:%M"]
        super().__init__(widget=widget, input_formats=formats, **more)

    def clean(self, value: Any) -> Any:
        """See the class."""
        found = super().clean(value)
        if not isinstance(found, datetime):
            return None
        return found.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def prepare_value(self, value: Any) -> Any:
        """An instant of the API as the field shows it."""
        if isinstance(value, str) and value.endswith("Z"):
            return localtime(datetime.fromisoformat(value)).strftime(_LOCAL)
        return value


class MinutesField(forms.IntegerField):
    """Whole minutes; gives a duration of ISO 8601."""

    def clean(self, value: Any) -> Any:
        """See the class."""
        found = super().clean(value)
        return None if found is None else f"PT{found}M"

    def prepare_value(self, value: Any) -> Any:
        """PT15M as 15."""
        if isinstance(value, str) and value.startswith("PT"):
            return value.removeprefix("PT").removesuffix("M")
        return value


class LinesField(forms.CharField):
    """A text on each line; gives a list."""

    def __init__(self, *, rows: int = 3, **more: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "spellcheck": "false"})
        super().__init__(widget=widget, max_length=_LONGEST_TEXT, **more)

    def clean(self, value: Any) -> Any:
        """See the class."""
        lines = [line.strip() for line in super().clean(value).splitlines()]
        return [self.line(text) for text in lines if text]

    def line(self, text: str) -> Any:
        """What a line gives."""
        return text

    def prepare_value(self, value: Any) -> Any:
        """A list as lines."""
        if isinstance(value, list):
            return "\n".join(self.written(one) for one in value)
        return value

    def written(self, one: Any) -> str:
        """A line for what it gives."""
        return str(one)


class InputsField(LinesField):
    """Inputs of a profile: meter, OBIS code, and "-" for what is subtracted."""

    def line(self, text: str) -> Any:
        """See the class."""
        meter, *rest = text.split()
        signs = {(): 1, ("+",): 1, ("-",): -1}
        sign = signs.get(tuple(rest[1:]))
        if not rest or sign is None:
            message = _("„%(line)s“: Jede Zeile nennt Zähler und OBIS-Kennzahl.")
            raise ValidationError(message % {"line": text[:80]})
        return {"meter": meter, "obis": rest[0], "sign": sign}

    def written(self, one: Any) -> str:
        """See the class."""
        end = " -" if one.get("sign") == -1 else ""
        return f"{one['meter']} {obis_text(one['obis'])}{end}"


class DocumentField(forms.CharField):
    """JSON as the API takes it, for what has too many forms for fields of its own."""

    def __init__(self, *, rows: int = 8, **more: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "spellcheck": "false"})
        super().__init__(widget=widget, max_length=_LONGEST_TEXT, **more)

    def clean(self, value: Any) -> Any:
        """See the class."""
        text = super().clean(value)
        return _json(text) if text else None

    def prepare_value(self, value: Any) -> Any:
        """The JSON, written out."""
        if isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False, indent=2)
        return value


def _json(text: str) -> Any:
    try:
        found = document_of(f'{{"it": {text}\n}}')
    except DocumentInvalid:
        found = {}
    if set(found) != {"it"}:
        raise ValidationError(_("Das ist kein lesbares JSON."))
    return found["it"]


class OptionalFlag(forms.TypedChoiceField):
    """Yes, no, or what holds when nothing is said."""

    def __init__(self, unsaid: Any, **more: Any) -> None:
        choices = [("", unsaid), ("true", _("ja")), ("false", _("nein"))]
        super().__init__(
            choices=choices,
            coerce=lambda text: text == "true",
            empty_value=None,
            required=False,
            **more,
        )

    def prepare_value(self, value: Any) -> Any:
        """True and false as the choices name them."""
        return {True: "true", False: "false"}.get(value, value)


class RowChoice(forms.ChoiceField):
    """One of the rows that there are, by their ids, looked up for each form."""

    def __init__(self, model: Any, *, unsaid: Any = "", **more: Any) -> None:
        self._model, self._unsaid = model, unsaid
        super().__init__(choices=self._rows, **more)

    def _rows(self) -> Iterable[tuple[str, Any]]:
        return [("", self._unsaid or "–"), *_ids(self._model)]


class RowChoices(forms.MultipleChoiceField):
    """Some of the rows that there are."""

    def __init__(self, model: Any, **more: Any) -> None:
        self._model = model
        widget = forms.CheckboxSelectMultiple()
        super().__init__(choices=self._rows, widget=widget, **more)

    def _rows(self) -> Sequence[tuple[str, str]]:
        return _ids(self._model)


class RecipientsField(RowChoices):
    """Market participants that receive the values of a profile."""

    def clean(self, value: Any) -> Any:
        """As the API names them."""
        return [{"participant": one} for one in super().clean(value)]

    def prepare_value(self, value: Any) -> Any:
        """Their ids."""
        if isinstance(value, list):
            return [
                one["participant"] if isinstance(one, dict) else one for one in value
            ]
        return value


def _ids(model: Any) -> list[tuple[str, str]]:
    ids = model._default_manager.order_by("pk").values_list("pk", flat=True)
    return [(one, one) for one in ids]
