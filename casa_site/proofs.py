"""Which test proves which requirement: read from the marks in the tests' source."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

MARK = "pytest.mark.req"

Proofs = dict[str, list[str]]
"""The tests of each requirement, as pytest names them without parameters."""


def find(tests: Path) -> Proofs:
    """The proofs in the folder `tests`; names begin with the folder's own name.

    Counts the mark at a function, at its class, in `pytestmark` of its module and at
    a single set of parameters.
    """
    found: Proofs = {}
    for path in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inherited = set(_marks(_pytestmark(tree)))
        for name, names in _tests(tree.body, inherited):
            for requirement in names:
                node = f"{path.relative_to(tests.parent)}::{name}"
                found.setdefault(requirement, []).append(node)
    return found


def _tests(
    body: Iterable[ast.stmt], inherited: set[str]
) -> Iterator[tuple[str, set[str]]]:
    """Name and requirements of each test function, those in classes too."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            of_class = inherited | set(_marks(node.decorator_list))
            for name, names in _tests(node.body, of_class):
                yield f"{node.name}::{name}", names
        elif isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef
        ) and node.name.startswith("test_"):
            yield node.name, inherited | set(_marks(node.decorator_list))


def _pytestmark(tree: ast.Module) -> list[ast.expr]:
    return [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]


def _marks(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == MARK:
                yield from (str(ast.literal_eval(each)) for each in call.args)
