"""README and docs: every command parses and names what exists; links lead somewhere.

That the commands work is in tests/flows/test_document_commands.py.
"""

import argparse
import contextlib
import importlib
import io
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from casa_site.__main__ import COMMANDS
from tests.document_commands import (
    PAGES,
    ROOT,
    Block,
    blocks,
    casa_commands,
    languages,
)

OF_PYTEST = {"-n", "-m", "-k", "--req"}
PARSERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
    "python": lambda text: compile(text, "page", "exec"),
}
_PLACEHOLDER = re.compile(r"…|<\w+>|\.\.\.")


@pytest.mark.parametrize("block", list(blocks()), ids=lambda block: block.place)
def test_a_shell_block_is_shell(block: Block) -> None:
    text = re.sub(r"<(\w+)>", r"\1", block.text)  # <id> is to be filled in
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("place", "call"), sorted(set(casa_commands())), ids=str)
def test_a_command_of_casa_exists_with_its_options(place: str, call: str) -> None:
    words = shlex.split(call.replace("[", " ").replace("]", " "))[1:]
    command, *rest = words
    assert command in COMMANDS, place
    options = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    if command != "manage":
        assert options <= options_of(command), (place, options - options_of(command))
        return
    names = [word for word in rest if word not in {"--state", "DIR", "…"}]
    if not names:
        return
    assert names[0] in {*get_commands(), "restore"}, place
    known = options_of_manage(names[0]) | {"--state"}
    assert options <= known, (place, options - known)


@cache
def options_of(command: str) -> frozenset[str]:
    """The options that a command of ./casa says it has."""
    if command == "test":
        return frozenset(OF_PYTEST)
    module = importlib.import_module(COMMANDS[command])
    text = help_of(module.main, [["--help"], *([each, "--help"] for each in KINDS)])
    own = {"--state"} if command in {"scenario", "fleet"} else set()
    if command == "doctor":
        own |= options_of("up")
    return frozenset(re.findall(r"--?[a-z][\w-]*", text)) | own


KINDS = ("sml", "hdlc", "wmbus", "run")


def help_of(main: Callable[[list[str]], int], tries: Iterable[list[str]]) -> str:
    printed = io.StringIO()
    for words in tries:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.suppress(SystemExit),
        ):
            if words == ["--help"] or main.__module__ in {
                "casa_site.decode",
                "casa_site.scenario.command",
            }:
                main(words)
    return printed.getvalue()


@cache
def options_of_manage(name: str) -> frozenset[str]:
    if name == "restore":
        from casa_site import restore

        text = help_of(lambda words: restore.main(words, Path("/none")), [["--help"]])
        return frozenset(re.findall(r"--?[a-z][\w-]*", text))
    parser = load_command_class(get_commands()[name], name).create_parser("x", name)
    return frozenset(options_in(parser))


def options_in(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Those of a parser and of the parsers below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options_in(below)


@pytest.mark.parametrize(("page", "language", "text"), list(languages()), ids=str)
def test_a_block_is_in_its_language(page: str, language: str, text: str) -> None:
    assert language in {*PARSERS, "sh"}, page
    if language != "sh" and not _PLACEHOLDER.search(text):
        PARSERS[language](text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.is_relative_to(ROOT) and file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
            assert anchor in {anchor_of(head) for head in heads}, target


def anchor_of(head: str) -> str:
    """How the usual viewers name a heading."""
    return re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_source_that_a_page_names_are_there(page: Path) -> None:
    apps = "casa_site|deploy|gwa_api|hardware|logbooks|meters|portal|tariffs|tests"
    for name in re.findall(rf"`((?:{apps})/[\w./-]+\.\w+)`", page.read_text()):
        assert (ROOT / name).exists(), name
