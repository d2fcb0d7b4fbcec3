"""`./casa messages`: the texts to translate, collected without system gettext.

Texts are written in German in the source; `locale/en` holds their English. This
collects them into django.po, keeps what is translated, and compiles django.mo.
"""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import polib
from babel.messages.extract import extract
from django.conf import settings
from django.utils.translation.template import templatize

BASE = Path(__file__).resolve().parent.parent
CATALOGUE = BASE / "locale" / "en" / "LC_MESSAGES" / "django.po"
SAME_WORDS = BASE / "locale" / "same_words.txt"
"""Texts that are the same in both languages, one a line."""

APPS = ("casa_site", "gwa_api", "logbooks", "meters", "portal", "tariffs")
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
_HEADER = {
    "Project-Id-Version": "casa",
    "Language": "en",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n != 1);",
}


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """A text in the source; `context` and `plural` are "" where it has none."""

    msgid: str
    context: str
    plural: str


def main(arguments: list[str]) -> int:
    """Update and compile the catalogue; says how many texts lack their English."""
    argparse.ArgumentParser(prog="casa messages", description=__doc__).parse_args(
        arguments
    )
    catalogue = updated(collect(), _existing())
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(CATALOGUE))
    catalogue.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    missing = len(catalogue.untranslated_entries()) + len(catalogue.fuzzy_entries())
    print(f"{len(catalogue)} texts, {missing} without their English")
    return 0


def collect() -> dict[Text, set[str]]:
    """Every text in Python and templates, with the files it stands in."""
    if not settings.configured:
        settings.configure(USE_I18N=True)
    found: dict[Text, set[str]] = {}
    for app in APPS:
        for path in sorted((BASE / app).rglob("*")):
            if (
                path.suffix in {".py", ".html", ".txt"}
                and "migrations" not in path.parts
            ):
                name = str(path.relative_to(BASE))
                for text in texts_of(path):
                    found.setdefault(text, set()).add(name)
    return found


def texts_of(path: Path) -> Iterator[Text]:
    """The texts that one file marks for translation."""
    source = path.read_text()
    if path.suffix != ".py":
        source = _as_python(source, path)
    for _line, messages, _comments, context in extract(
        "python", BytesIO(source.encode()), KEYWORDS, options={"encoding": "utf-8"}
    ):
        singular, plural = messages if isinstance(messages, tuple) else (messages, "")
        yield Text(singular, context or "", plural)


def updated(texts: dict[Text, set[str]], old: polib.POFile) -> polib.POFile:
    """The catalogue of these texts with the translations of `old`."""
    known = {(entry.msgid, entry.msgctxt or ""): entry for entry in old}
    new = polib.POFile()
    new.metadata = _HEADER
    for text in sorted(texts):
        entry = polib.POEntry(
            msgid=text.msgid,
            msgctxt=text.context or None,
            occurrences=[(name, "") for name in sorted(texts[text])],
        )
        before = known.get((text.msgid, text.context))
        if text.plural:
            entry.msgid_plural = text.plural
            entry.msgstr_plural = {0: "", 1: ""}
        if before is not None:
            entry.msgstr, entry.flags = before.msgstr, before.flags
            entry.msgstr_plural = before.msgstr_plural or entry.msgstr_plural
        new.append(entry)
    return new


def problems() -> list[str]:
    """What is wrong with the English catalogue, one sentence each."""
    texts, catalogue = collect(), _existing()
    same = _same_words()
    known = {(entry.msgid, entry.msgctxt or "") for entry in catalogue}
    wanted = {(text.msgid, text.context) for text in texts}
    found = [f"not in the catalogue: {msgid!r}" for msgid, _ in sorted(wanted - known)]
    found += [f"not in the source: {msgid!r}" for msgid, _ in sorted(known - wanted)]
    for entry in catalogue:
        found += _problems_of(entry, same)
    compiled = CATALOGUE.with_suffix(".mo")
    if not compiled.exists() or compiled.read_bytes() != catalogue.to_binary():
        found.append("django.mo is older than django.po: run ./casa messages")
    return found


def _problems_of(entry: polib.POEntry, same: set[str]) -> Iterator[str]:
    english = list(entry.msgstr_plural.values()) or [entry.msgstr]
    if not all(english):
        yield f"without English: {entry.msgid!r}"
        return
    if entry.fuzzy:
        yield f"fuzzy: {entry.msgid!r}"
    if entry.msgid in english and entry.msgid not in same:
        yield f"English equals German: {entry.msgid!r}"
    for text in english:
        if not _placeholders(text) <= _placeholders(entry.msgid + entry.msgid_plural):
            yield f"other placeholders: {entry.msgid!r}"


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _same_words() -> set[str]:
    return set(SAME_WORDS.read_text().splitlines()) if SAME_WORDS.exists() else set()


def _existing() -> polib.POFile:
    return polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else polib.POFile()


def _as_python(template: str, path: Path) -> str:
    """The template's marked texts as calls; no indentation, which Python minds."""
    lines = templatize(template, origin=str(path)).splitlines()
    return "\n".join(line.strip() for line in lines) + "\n"
