"""`python -m casa_site.manuals`: the list of the manuals, revisions and SHA-256 values.

Makes docs/manuals.md and docs/SHA256SUMS from `manuals.toml` and the documents; users
compare with `sha256sum -c SHA256SUMS` (manual, ch. 1.3).
"""

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "docs"
DATA = Path(__file__).with_suffix(".toml")
PAGE, SUMS = "manuals.md", "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Revision:
    """One edition of a document."""

    version: str
    on: date
    changes: str


@dataclass(frozen=True, slots=True)
class Manual:
    """A document with its revisions, newest first."""

    file: str
    kind: str
    language: str
    revisions: tuple[Revision, ...]

    def title(self, folder: Path) -> str:
        """Its first heading."""
        head = (folder / self.file).read_text(encoding="utf-8").partition("\n")[0]
        return head.removeprefix("# ")


def manuals() -> list[Manual]:
    """All, in the order of the list; raises KeyError and TypeError on a wrong entry."""
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    return [_manual(**fields) for fields in data["document"]]


def sums(folder: Path = FOLDER) -> str:
    """The lines of SHA256SUMS, as the program sha256sum reads them."""
    return "".join(
        f"{_digest(folder / each.file)}  {each.file}\n" for each in manuals()
    )


def page(folder: Path = FOLDER) -> str:
    """docs/manuals.md."""
    lines = [
        "# The documents of this release",
        "",
        "`sha256sum -c SHA256SUMS`, in this folder, says whether a document is the one "
        "that was published. Made by `.venv/bin/python -m casa_site.manuals`.",
        "",
        "| Document | Is | Language | Version | Date |",
        "|---|---|---|---|---|",
        *(_row(each, folder) for each in manuals()),
        "",
        "## Revisions",
        "",
        "| Document | Version | Date | Changes |",
        "|---|---|---|---|",
        *(line for each in manuals() for line in _history(each, folder)),
        "",
    ]
    return "\n".join(lines)


def problems(folder: Path = FOLDER) -> list[str]:
    """What is wrong: a list that is old, a document that is not there."""
    remedy = ".venv/bin/python -m casa_site.manuals"
    try:
        wanted = {PAGE: page(folder), SUMS: sums(folder)}
    except FileNotFoundError as error:
        return [f"{error.filename} is in the list of manuals and not there"]
    return [
        f"docs/{name} is old: {remedy}"
        for name, text in wanted.items()
        if not (folder / name).exists() or (folder / name).read_text() != text
    ]


def write(folder: Path = FOLDER) -> None:
    """Make both files anew."""
    (folder / PAGE).write_text(page(folder), encoding="utf-8")
    (folder / SUMS).write_text(sums(folder), encoding="utf-8")


def _manual(revisions: list[dict[str, Any]], **fields: str) -> Manual:
    editions = tuple(Revision(**each) for each in revisions)
    if not editions or list(editions) != sorted(editions, key=_on, reverse=True):
        raise ValueError(f"{fields['file']}: revisions are newest first, one at least")
    return Manual(revisions=editions, **fields)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _on(revision: Revision) -> date:
    return revision.on


def _row(each: Manual, folder: Path) -> str:
    newest = each.revisions[0]
    cells = (each.kind, each.language, newest.version, newest.on.isoformat())
    return f"| [{each.title(folder)}]({each.file}) | {' | '.join(cells)} |"


def _history(each: Manual, folder: Path) -> Iterator[str]:
    for revision in each.revisions:
        cells = (revision.version, revision.on.isoformat(), revision.changes)
        yield f"| {each.title(folder)} | {' | '.join(cells)} |"


if __name__ == "__main__":
    write()
