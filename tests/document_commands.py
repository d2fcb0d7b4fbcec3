"""The shell commands of README and docs/, block by block."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
_COMMAND = re.compile(
    r"(\./casa|curl|openssl|G|sudo|deploy/\S+|\.venv/\S+|ls|printf|python3|nft"
    r"|systemd-\w+|\w+=\S*)(\s|$)"
)
_INLINE = re.compile(r"`(\./casa [^`]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of commands: the page it stands in, its first line, its text."""

    page: str
    line: int
    text: str

    @property
    def place(self) -> str:
        """As an editor opens it."""
        return f"{self.page}:{self.line}"


def blocks() -> Iterator[Block]:
    """Every block marked `sh`, and those without a mark that begin with a command."""
    for path in PAGES:
        content = path.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(content):
            language, text = found.groups()
            if language == "sh" or (not language and _COMMAND.match(text)):
                line = content.count("\n", 0, found.start()) + 1
                yield Block(str(path.relative_to(ROOT)), line, text)


def casa_commands() -> Iterator[tuple[str, str]]:
    """Where and how ./casa is called, in blocks and within sentences."""
    for block in blocks():
        text = re.sub(r"\\\n\s*", " ", block.text)
        for line in text.splitlines():
            for call in re.findall(r"\./casa [^|;&\"']*", _without_remark(line)):
                yield block.place, call.strip()
    for path in PAGES:
        for call in _INLINE.findall(path.read_text(encoding="utf-8")):
            yield str(path.relative_to(ROOT)), " ".join(call.split())


def languages() -> Iterator[tuple[str, str, str]]:
    """Page, language and text of each block that has a language."""
    for path in PAGES:
        for language, text in _BLOCK.findall(path.read_text(encoding="utf-8")):
            if language:
                yield str(path.relative_to(ROOT)), language, text


def _without_remark(line: str) -> str:
    return re.sub(r"\s#\s.*", "", line)
