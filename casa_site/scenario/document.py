"""YAML with the place of every key, so that an error can name file, line and key.

A part of YAML 1.2: mappings, lists and plain values; no aliases, no tags, no key twice.
Whole numbers, true, false and null are what they look like; everything else is text,
times like 12:30:00 and words like `no` or `on` too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LARGEST_FILE = 1024 * 1024
DEEPEST = 20


class FileInvalid(ValueError):
    """A file that cannot be used; the text names file, line and key."""


class _Loader(yaml.SafeLoader):
    """With the plain values of YAML 1.2 only."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _tag, _words, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_words})\\Z"), _first
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A value of the file and where it stands; `key` is the way to it."""

    file: str
    key: str
    node: yaml.Node

    @property
    def line(self) -> int:
        """Counted from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def is_plain(self) -> bool:
        """Whether it is one plain value."""
        return isinstance(self.node, yaml.ScalarNode)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def refuse(self, message: str) -> FileInvalid:
        """The error to raise about this value."""
        where = f"{self.key}: " if self.key else ""
        return FileInvalid(f"{self.file}, line {self.line}: {where}{message}")

    def members(self, allowed: Iterable[str] | None = None) -> dict[str, "Part"]:
        """Of a mapping, by their key; raises FileInvalid for one not allowed."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.refuse("a mapping (key: value) is wanted")
        found: dict[str, Part] = {}
        known = None if allowed is None else list(allowed)
        for key_node, value_node in self.node.value:
            key = Part(self.file, self.key, key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise key.refuse("a key has to be a plain word")
            name = str(key_node.value)
            if name in found:
                raise key.refuse(f"'{name}' is there twice")
            if known is not None and name not in known:
                raise key.refuse(f"unknown key '{name}'; known: {', '.join(known)}")
            found[name] = Part(self.file, f"{self.key}.{name}".lstrip("."), value_node)
        return found

    def items(self) -> list["Part"]:
        """Of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.refuse("a list is wanted")
        return [
            Part(self.file, f"{self.key}[{number}]", node)
            for number, node in enumerate(self.node.value)
        ]

    def text(self) -> str:
        """As it is written, whatever it looks like; not empty."""
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value:
            raise self.refuse("a text is wanted")
        return str(self.node.value)

    def integer(self) -> int:
        """A whole number, decimal or 0x..."""
        value = self.plain()
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse("a whole number is wanted")
        return value

    def flag(self) -> bool:
        """true or false."""
        value = self.plain()
        if not isinstance(value, bool):
            raise self.refuse("true or false is wanted")
        return value

    def plain(self) -> Any:
        """The value as JSON has it: dict, list, str, int, bool or None."""
        if isinstance(self.node, yaml.MappingNode):
            return {name: part.plain() for name, part in self.members().items()}
        if isinstance(self.node, yaml.SequenceNode):
            return [part.plain() for part in self.items()]
        tag, text = self.node.tag.rpartition(":")[2], str(self.node.value)
        if tag == "int":
            return int(text, 16 if text.lower().startswith("0x") else 10)
        if tag == "bool":
            return text == "true"
        return None if tag == "null" else text

    def at(self, pointer: str) -> "Part":
        """The value that a JSON pointer leads to, as far as there is one."""
        part = self
        for word in filter(None, pointer.split("/")):
            following = part._child(word)
            if following is None:
                return part
            part = following
        return part

    def _child(self, word: str) -> "Part | None":
        if isinstance(self.node, yaml.MappingNode):
            return self.members().get(word)
        if isinstance(self.node, yaml.SequenceNode) and word.isdecimal():
            items = self.items()
            return items[int(word)] if int(word) < len(items) else None
        return None


def read(path: Path) -> Part:
    """The whole of a file; raises FileInvalid."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise FileInvalid(f"{path}: {error}") from None
    if len(content) > LARGEST_FILE:
        raise FileInvalid(f"{path}: larger than 1 MiB")
    return parsed(text, str(path))


def parsed(text: str, file: str) -> Part:
    """The whole of a text that stands in `file`; raises FileInvalid."""
    try:
        _refuse_unusual(text, file)
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FileInvalid(f"{file}, line {line}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise FileInvalid(f"{file}: {error}") from None
    if node is None:
        raise FileInvalid(f"{file}: the file is empty")
    return Part(file, "", node)


def _refuse_unusual(text: str, file: str) -> None:
    """Aliases can make a small file a huge one; tags and depth nobody needs."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise FileInvalid(f"{file}, line {line}: anchors and aliases are not taken")
        if isinstance(event, yaml.NodeEvent) and _has_tag(event):
            raise FileInvalid(f"{file}, line {line}: tags are not taken")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise FileInvalid(f"{file}, line {line}: deeper than {DEEPEST} levels")


def _has_tag(event: yaml.NodeEvent) -> bool:
    return getattr(event, "tag", None) not in (None, "!")
