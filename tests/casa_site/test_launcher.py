"""The launcher ./casa: its help, and the set-up it does before a command."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SHOW = """
import os, sys
names = ("OPENSSL_CONF", "MALLOC_ARENA_MAX")
print(sys.argv[1:], os.getcwd(), *(os.environ[name] for name in names))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the launcher, no packages to install, and a command that shows."""
    folder = tmp_path / "tree"
    (folder / "casa_site").mkdir(parents=True)
    (folder / "casa_site" / "__init__.py").touch()
    (folder / "casa_site" / "__main__.py").write_text(SHOW)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).write_text("# nothing\n")
    shutil.copy(PROJECT / "casa", folder / "casa")
    return folder


def start(tree: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(tree / "casa"), *words],
        cwd=tree.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_without_a_command_it_says_what_there_is(tree: Path) -> None:
    for words, status in (((), 0), (("--help",), 0), (("nonsense",), 2)):
        process = start(tree, *words)
        output, _ = process.communicate(timeout=20)
        assert process.returncode == status
        assert "usage: casa COMMAND" in output
        assert "bring the gateway up" in output
    assert not (tree / ".venv").exists()


def test_the_launcher_is_executable() -> None:
    assert (PROJECT / "casa").stat().st_mode & 0o111 == 0o111
    assert (PROJECT / ".ci" / "run").stat().st_mode & 0o111 == 0o111


@pytest.mark.slow
def test_two_first_starts_at_once_set_up_one_environment(tree: Path) -> None:
    both = [start(tree, "status", "--json"), start(tree, "status", "--json")]
    printed = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    expected = f"['status', '--json'] {tree.parent} {tree}/deploy/openssl.cnf 1\n"
    assert [output for output, _ in printed] == [expected, expected]
    progress = "".join(errors for _, errors in printed)
    assert progress.count("making the virtual environment") == 1
    assert progress.count("installing packages") == 1
    assert errors_of(tree, status=0) == ""

    (tree / "requirements.txt").write_text("./no-such-folder\n")
    for _ in range(2):  # a failure is said, and tried again
        errors = errors_of(tree, status=1)
        assert "no-such-folder" in errors
        assert errors.endswith("casa: the set-up failed; see above.\n")

    (tree / "requirements.txt").write_text("# nothing else\n")
    assert errors_of(tree, status=0).startswith("casa: installing packages")


def errors_of(tree: Path, *, status: int) -> str:
    process = start(tree, "up")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    return errors
