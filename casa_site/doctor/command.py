"""The command: every check in its order, each line with what to do about it.

The first checks need the standard library only; the others follow where the packages
are installed and the state folder is ours.
"""

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from casa_site import env
from casa_site.doctor import program, state_folder
from casa_site.doctor.finding import Finding, Level, warning, wrong

BASE = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Print the report; 0 when nothing is wrong, 1 when something is."""
    options, rest = _parser().parse_known_args(arguments)
    os.environ["CASA_STATE"] = str(options.state)
    found = list(examine(options.state, [*rest, "--state", str(options.state)]))
    if options.json:
        print(json.dumps([each.as_json() for each in found], indent=1))
    else:
        print("\n".join(each.as_text() for each in found))
        print(_summary(found))
    return 1 if any(each.level is Level.WRONG for each in found) else 0


def examine(state: Path, arguments: list[str]) -> Iterator[Finding]:
    """Every finding, as it is made; `arguments` are those of `./casa up`."""
    yield program.python(BASE)
    packages = program.packages(BASE / "requirements.txt")
    yield packages
    yield from program.openssl(BASE)
    yield from state_folder.findings(state)
    if packages.level is Level.WRONG:
        yield warning("the rest", "is not looked at without the packages", "see above")
        return
    if state_folder.exists(state) and state_folder.is_foreign(state):
        return
    try:
        yield from _behind_packages(state, arguments)
    except (env.SettingInvalid, OSError) as reason:
        yield wrong("settings", str(reason), "correct it: docs/operator.md")
    except Exception as error:  # a doctor who faints has to say what of
        text = f"the doctor himself failed: {type(error).__name__}: {error}"
        yield wrong("doctor", text, "please report it with this line")


def _behind_packages(state: Path, arguments: list[str]) -> Iterator[Finding]:
    env.load_file(state / env.ENV_FILE)
    from casa_site.doctor import database, keys

    if state_folder.exists(state):
        yield from keys.findings(state)
    database.prepare()
    from casa_site.doctor import installation

    yield from installation.findings(state, arguments)


def _summary(found: Iterable[Finding]) -> str:
    levels = [each.level for each in found]
    wrongs, warnings = levels.count(Level.WRONG), levels.count(Level.WARNING)
    return f"{wrongs} wrong, {warnings} warnings, {len(levels)} looked at"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="casa doctor",
        allow_abbrev=False,
        usage="casa doctor [-h] [--state DIR] [--json] [options of casa up]",
        description="Says what is wrong with an installation; it changes nothing. "
        "Give it the options that the gateway is started with.",
    )
    parser.add_argument(
        "--state",
        type=lambda text: Path(text).expanduser().absolute(),
        default=env.path("CASA_STATE", BASE / "var"),
        metavar="DIR",
        help="state folder (./var beside the launcher, or CASA_STATE)",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser
