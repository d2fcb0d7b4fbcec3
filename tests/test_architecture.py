"""The shape of the source: imports, sizes of things, which task goes to which queue."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from casa_site import celery

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT: dict[str, set[str]] = {
    "hardware": set(),
    "logbooks": {"hardware"},
    "meters": {"hardware", "logbooks"},
    "tariffs": {"hardware", "logbooks", "meters"},
    "portal": {"hardware", "logbooks", "meters", "tariffs"},
    "gwa_api": {"hardware", "logbooks", "meters", "tariffs"},
}
LONGEST_FUNCTION = 50
LONGEST_FILE = 400
TOO_VAGUE = {"utils", "common", "helpers", "base", "mixins", "misc"}
WITHOUT_COMPUTING: set[str] = set()
"""Tasks that may go to queue lmn, because they only wait for a meter."""


def source_files(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT), ast.parse(path.read_text())


def imported_packages(tree: ast.Module) -> set[str]:
    """The first name of every import."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_apps_import_only_downwards(app: str) -> None:
    upwards = {*MAY_IMPORT, "casa_site", "tests"} - MAY_IMPORT[app] - {app}
    found = {
        str(path): imported_packages(tree) & upwards
        for path, tree in source_files(app)
        if imported_packages(tree) & upwards
    }
    assert found == {}


def test_hardware_knows_no_django() -> None:
    django = {"django", "celery", "rest_framework"}
    found = [
        str(path)
        for path, tree in source_files("hardware")
        if imported_packages(tree) & django
    ]
    assert found == []


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def size(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_functions_are_short() -> None:
    nodes = [
        (str(path), node.name, size(node))
        for path, tree in source_files(*MAY_IMPORT, "casa_site")
        for node in functions(tree)
    ]
    assert [each for each in nodes if each[2] > LONGEST_FUNCTION] == []
    sizes = sorted(each[2] for each in nodes)
    assert sizes[len(sizes) // 2] <= 10
    assert sizes[len(sizes) * 9 // 10] <= 30


def test_files_are_about_one_thing() -> None:
    too_long = {
        str(path): len((ROOT / path).read_text().splitlines())
        for path, _ in source_files(*MAY_IMPORT, "casa_site")
        if len((ROOT / path).read_text().splitlines()) > LONGEST_FILE
    }
    assert too_long == {}
    # Django wants a back end's module to be called base.
    vague = [
        str(path)
        for path, _ in source_files(*MAY_IMPORT, "casa_site")
        if path.stem in TOO_VAGUE and "db" not in path.parts
    ]
    assert vague == []


def test_no_test_sleeps() -> None:
    sleeping = [
        f"{path}:{node.lineno}"
        for path, tree in source_files("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"sleep", "time.sleep", "asyncio.sleep"}
    ]
    assert sleeping == []


def test_only_tasks_that_wait_for_a_meter_go_to_the_queue_of_the_wires() -> None:
    """decisions.md D2: a computing task beside the acquisition delays its deadlines."""
    routed = {name for name, to in celery.ROUTES.items() if to["queue"] == celery.LMN}
    assert routed == WITHOUT_COMPUTING
    assert celery.NODES["lmn"] == (celery.LMN,)


def test_every_queue_is_consumed_by_exactly_one_node() -> None:
    consumed = [queue for queues in celery.NODES.values() for queue in queues]
    assert sorted(consumed) == sorted(celery.QUEUES)


def test_every_tick_of_the_rhythm_expires_before_the_next() -> None:
    for entry in celery.beat_schedule(["eemh0009264154"]).values():
        assert entry["options"]["expires"] <= entry["schedule"].total_seconds()
        assert entry["args"] == ["eemh0009264154"]
