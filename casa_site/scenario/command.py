"""`./casa scenario run FILE | list | check FILE`: see docs/scenarios.md.

    ./casa scenario list                  the library, and what each file covers
    ./casa scenario run silent-meter      a file of the library, or a path
    ./casa scenario run my.yaml --json
    ./casa scenario check my.yaml         read it and set it up, let nothing happen

Exit status 0 when everything came as expected, 1 when something came otherwise, 2 when
a file cannot be used. Everything happens in a temporary folder; no gateway that runs on
this machine is touched.
"""

import argparse
import json
import sys
from collections.abc import Callable

from casa_site.bench.state import temporary_gateway
from casa_site.scenario.document import FileInvalid
from casa_site.scenario.library import files, found
from casa_site.scenario.schema import Scenario, load

AS_EXPECTED, DIFFERENT, UNUSABLE = 0, 1, 2


def main(arguments: list[str]) -> int:
    """Do what is asked for; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except FileInvalid as error:
        print(f"casa scenario: {error}", file=sys.stderr)
        return UNUSABLE


def _run(options: argparse.Namespace) -> int:
    """Every file on a gateway of its own; the last word is the worst."""
    scenario = load(found(options.file))
    with temporary_gateway() as gateway:
        # These need the settings.
        from casa_site.scenario import report
        from casa_site.scenario.runner import Report, happening

        whole = Report(scenario)
        if not options.json:
            print(report.heading(scenario), flush=True)
        for result in happening(scenario, gateway):
            whole.results.append(result)
            if not options.json:
                print("\n".join(report.lines_of(result)), flush=True)
        if options.json:
            print(json.dumps(report.as_json(whole), indent=1, ensure_ascii=False))
        else:
            print(report.summary(whole))
        return AS_EXPECTED if whole.is_met else DIFFERENT


def _check(options: argparse.Namespace) -> int:
    """Read it and set its installation up."""
    scenario = load(found(options.file))
    with temporary_gateway() as gateway:
        from casa_site.scenario.installation import Installation

        with Installation(scenario, gateway).set_up():
            print(f"{scenario.path}: {len(scenario.steps)} steps, well formed")
    return AS_EXPECTED


def _list(options: argparse.Namespace) -> int:
    """The library; files that cannot be read are told of."""
    scenarios = [load(path) for path in files()]
    if options.json:
        print(json.dumps([_row(one) for one in scenarios], indent=1))
        return AS_EXPECTED
    for one in scenarios:
        slow = "  (long)" if one.is_slow else ""
        print(f"{one.path.stem:34} {', '.join(one.covers):28} {one.name}{slow}")
    return AS_EXPECTED


def _row(scenario: Scenario) -> dict[str, object]:
    return {
        "file": str(scenario.path),
        "name": scenario.name,
        "covers": list(scenario.covers),
        "slow": scenario.is_slow,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="casa scenario",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(required=True, metavar="run|list|check")
    for name, run, text in (
        ("run", _run, "let a scenario happen"),
        ("check", _check, "read a file and set it up"),
        ("list", _list, "what there is"),
    ):
        one = kinds.add_parser(name, help=text)
        one.set_defaults(run=run)
        if name != "list":
            one.add_argument("file", metavar="FILE", help="a path, or a library name")
        if name != "check":
            one.add_argument("--json", action="store_true", help="as JSON")
    return parser
