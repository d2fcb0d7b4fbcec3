"""`./casa COMMAND --help` says how a command is used, and ends well."""

import importlib

import pytest

from casa_site.__main__ import COMMANDS


@pytest.mark.parametrize(
    "words",
    [
        ("decode", "--help"),
        ("decode", "sml", "--help"),
        ("decode", "wmbus", "file", "-h"),
        ("verify", "--help"),
        ("verify", "-h"),
        ("bench", "--help"),
        ("screenshots", "--help"),
        ("status", "--help"),
        ("up", "--help"),
        ("messages", "--help"),
        ("check", "--help"),
        ("doctor", "--help"),
        ("requirements", "--help"),
    ],
    ids=" ".join,
)
def test_help_is_printed_and_nothing_is_done(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.import_module(COMMANDS[words[0]])
    try:
        code = module.main(list(words[1:]))
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    assert code == 0
    assert printed.out.startswith(f"usage: casa {words[0]}")
    assert printed.err == ""
