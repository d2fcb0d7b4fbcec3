"""The documents that are handed out: all there, with versions and SHA-256 values."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from casa_site import manuals

DOCS = manuals.FOLDER
ROOT = DOCS.parent


@pytest.mark.req("R166")
def test_every_document_has_the_published_sum(tmp_path: Path) -> None:
    """R166: `sha256sum -c` agrees, and finds a changed byte."""
    copy = Path(shutil.copytree(DOCS, tmp_path / "docs"))
    manuals.write(copy)
    words = ["sha256sum", "--strict", "-c", manuals.SUMS]
    assert subprocess.run(words, cwd=copy, capture_output=True).returncode == 0
    assert manuals.problems(copy) == []
    with (copy / "leaflet.md").open("a") as leaflet:
        leaflet.write("x")
    done = subprocess.run(words, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 1 and "leaflet.md: FAILED" in done.stdout
    assert manuals.problems(copy) == [
        "docs/SHA256SUMS is old: .venv/bin/python -m casa_site.manuals"
    ]


@pytest.mark.req("R168")
def test_the_documents_that_the_manual_asks_for_are_there() -> None:
    """R168: leaflet, installation and configuration, consumer, API, notes for legally
    compliant use; each with its version and its history of revisions."""
    listed = manuals.manuals()
    kinds = {each.kind for each in listed}
    assert kinds >= {
        "leaflet",
        "installation and configuration",
        "consumer's manual",
        "API description",
        "notes for legally compliant use",
    }
    page = manuals.page()
    for each in listed:
        text = (DOCS / each.file).read_text()
        assert len(text) > 1000, each.file
        assert text.startswith("# ")
        for revision in each.revisions:
            cells = (each.title(DOCS), revision.version, revision.on.isoformat())
            assert f"| {' | '.join(cells)} |" in page


@pytest.mark.req("R170")
def test_the_standards_are_named_with_their_versions() -> None:
    """R170: the six documents of ch. 9.5; every place in the page exists."""
    text = (DOCS / "standards.md").read_text()
    for document, version in (
        ("BSI-CC-PP-0073,", "1.3"),
        ("BSI-CC-PP-0077-V2,", "1.03"),
        ("BSI TR-03109", "1.1"),
        ("BSI TR-03109-1", "1.1"),
        ("BSI TR-03109-1, detail specification", "2021-09-17"),
        ("FNN, log messages", "1.0 (2016)"),
    ):
        pattern = rf"^\| {re.escape(document)}[^|]*\| {re.escape(version)} \|"
        assert re.search(pattern, text, re.M), document
    for place in re.findall(r"`([a-z_]+/[\w*./]+)`", text):
        assert list(ROOT.glob(place)), place


def test_a_document_that_is_gone_is_said(tmp_path: Path) -> None:
    (found,) = manuals.problems(tmp_path)
    assert "leaflet.md" in found


def test_revisions_stand_newest_first() -> None:
    old, new = ({"version": v, "on": v, "changes": "-"} for v in ("1", "2"))
    fields = {"file": "x.md", "kind": "x", "language": "en"}
    with pytest.raises(ValueError, match="newest first"):
        manuals._manual(revisions=[old, new], **fields)
    with pytest.raises(ValueError, match="one at least"):
        manuals._manual(revisions=[], **fields)
