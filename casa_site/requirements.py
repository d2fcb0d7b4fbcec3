"""`./casa requirements`: each requirement, the tests that prove it, how they went.

The requirements are the R1 to R170 of the manual (`requirements.toml`); a test names
those it proves with `@pytest.mark.req("R42")`.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from casa_site import last_results, proofs
from casa_site.last_results import FAILED, PASSED, Result, Results

BASE = Path(__file__).resolve().parent.parent
TESTS = BASE / "tests"
PAGE = BASE / "docs" / "requirements.md"
DATA = Path(__file__).with_suffix(".toml")
RESULTS = BASE / last_results.FILE_NAME
COUNT = 170

PROVED, OPEN, NOT_RUN, BROKEN = "proved", "open", "not run", "FAILED"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement with the tests that prove it and how each went last.

    `reason` says why there is no test (empty when there are some), `limit` what of
    it no software can prove.
    """

    name: str
    title: str
    tests: tuple[str, ...]
    reason: str = ""
    limit: str = ""
    results: Results = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Proved only when a test has passed and none has failed."""
        outcomes = {result.outcome for result in self.results.values()}
        if not self.tests:
            return OPEN
        if FAILED in outcomes:
            return BROKEN
        return PROVED if PASSED in outcomes else NOT_RUN

    @property
    def needs_work(self) -> bool:
        """Whether software could prove it and no passing test does."""
        return self.state != PROVED and not (self.state == OPEN and self.limit)


def main(arguments: list[str]) -> int:
    """Print the list, or write docs/requirements.md; 1 when something lacks proof."""
    options = _parser().parse_args(arguments)
    try:
        found = collect(last_results.load(options.results))
    except ValueError as reason:
        print(f"casa: {reason}", file=sys.stderr)
        return 2
    if options.markdown:
        PAGE.write_text(page(found), encoding="utf-8")
        return 0
    chosen = [each for each in found if each.name in (options.names or {each.name})]
    for requirement in chosen:
        print("\n".join(lines(requirement)))
    print(summary(chosen))
    return 1 if any(each.needs_work for each in chosen) else 0


def collect(results: Results) -> list[Requirement]:
    """Every requirement, R1 first. Raises ValueError on a mark of an unknown one."""
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    titles, reasons = data["titles"], data["open"]
    found = proofs.find(TESTS)
    if unknown := set(found) - set(titles):
        raise ValueError(f"no such requirement: {', '.join(sorted(unknown))}")
    return [
        Requirement(
            name=name,
            title=title,
            tests=tuple(found.get(name, [])),
            reason="" if name in found else reasons.get(name, "no test yet"),
            limit=data["beyond_software"].get(name, ""),
            results={t: results[t] for t in found.get(name, []) if t in results},
        )
        for name, title in titles.items()
    ]


def lines(requirement: Requirement) -> Iterator[str]:
    """What is printed of one requirement."""
    yield f"{requirement.name:5} {requirement.state:8} {requirement.title}"
    if requirement.reason:
        yield f"{'':15}because: {requirement.reason}"
    if requirement.limit:
        yield f"{'':15}beyond software: {requirement.limit}"
    for test in requirement.tests:
        result = requirement.results.get(test, Result("not run", ""))
        yield f"{'':6}{result.outcome:8} {result.at:20} {test}"


def summary(found: Sequence[Requirement]) -> str:
    """One line: how many are in which state."""
    counts = {word: 0 for word in (PROVED, BROKEN, NOT_RUN, OPEN)}
    for each in found:
        counts[each.state] += 1
    words = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"{len(found)} requirements: {words}"


def page(found: Sequence[Requirement]) -> str:
    """The list as Markdown: the tests, not how they went."""
    with_tests = sum(bool(each.tests) for each in found)
    head = [
        "# Requirements and their tests",
        "",
        f"The manual's {len(found)} requirements in our own words, and the tests that "
        f"name them: {with_tests} have some.",
        "`./casa requirements` shows the same with the last result of each test that "
        "`./casa test` has run. Made by `./casa requirements --markdown`.",
        "",
    ]
    return "\n".join([*head, *(line for each in found for line in _section(each))])


def problems() -> list[str]:
    """What is wrong with the list: an outdated page, a wrong mark or reason."""
    try:
        found = collect({})
    except ValueError as error:
        return [str(error)]
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
    wrong = [
        f"{each.name} has tests and a reason why it has none"
        for each in found
        if each.tests and each.name in data["open"]
    ]
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page(found):
        wrong.append("docs/requirements.md is old: ./casa requirements --markdown")
    return wrong


def _section(requirement: Requirement) -> Iterator[str]:
    yield f"## {requirement.name} {requirement.title}"
    yield ""
    if requirement.reason:
        yield f"Open: {requirement.reason}."
        yield ""
    if requirement.limit:
        yield f"Beyond software: {requirement.limit}."
        yield ""
    for path, tests in groupby(requirement.tests, lambda test: test.split("::")[0]):
        names = ", ".join(f"`{test.partition('::')[2]}`" for test in tests)
        yield f"- `{path}`: {names}"
    if requirement.tests:
        yield ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="casa requirements",
        description="Each requirement of the manual, the tests that prove it, and "
        "how they went when ./casa test ran them last.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="R42", type=_name, help="only these"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="write docs/requirements.md"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=RESULTS,
        metavar="FILE",
        help=f"results of another run ({last_results.FILE_NAME} beside the launcher)",
    )
    return parser


def _name(text: str) -> str:
    digits = text[1:]
    is_number = text[:1] in {"R", "r"} and digits.isascii() and digits.isdecimal()
    if not is_number or not 1 <= int(digits) <= COUNT:
        raise argparse.ArgumentTypeError(f"'{text}' is none of R1 to R{COUNT}")
    return f"R{int(digits)}"
