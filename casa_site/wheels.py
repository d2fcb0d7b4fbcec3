"""`python -m casa_site.wheels`: is there a wheel of every package for another machine?

Asks the package index for what `requirements.txt` needs, dependencies too, on a 64-bit
Raspberry Pi (aarch64, glibc 2.28 or newer, CPython 3.11). Nothing is installed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
_GLIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")


class NoWheel(Exception):
    """The installer's own words on what there is no wheel of."""


def wheels(machine: str, python: str) -> list[tuple[str, str, str]]:
    """Name, version and wheel file of each package, sorted; raises NoWheel."""
    with tempfile.TemporaryDirectory(prefix="casa-wheels-") as folder:
        report = Path(folder) / "report.json"
        words = ["-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
        words += ["--only-binary=:all:", "--implementation=cp"]
        words += ["--disable-pip-version-check", f"--python-version={python}"]
        words += [f"--platform={each}_{machine}" for each in _GLIBC]
        words += [f"--target={folder}/none", f"--report={report}"]
        done = subprocess.run(
            [sys.executable, *words, f"--requirement={REQUIREMENTS}"],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise NoWheel(done.stderr.strip())
        return sorted(_row(each) for each in json.loads(report.read_text())["install"])


def main(arguments: list[str]) -> int:
    """Print the wheels as rows of a table; 1 when one is missing."""
    parser = argparse.ArgumentParser(prog="casa_site.wheels", description=__doc__)
    parser.add_argument("--machine", default="aarch64")
    parser.add_argument("--python", default="3.11")
    options = parser.parse_args(arguments)
    try:
        found = wheels(options.machine, options.python)
    except NoWheel as reason:
        print(f"casa: {reason}", file=sys.stderr)
        return 1
    for row in found:
        print(f"| {' | '.join(row)} |")
    return 0


def _row(installed: dict[str, Any]) -> tuple[str, str, str]:
    of_package = installed["metadata"]
    file = installed["download_info"]["url"].rsplit("/", 1)[-1]
    return of_package["name"], of_package["version"], file


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
