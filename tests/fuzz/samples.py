"""The inputs that a target is known by: seeds, and what long runs found beside them.

`corpus/TARGET/seed-*` are the seeds, one file each; `corpus/TARGET/found.hex` has one
input a line that reached code which no other one did.

    python -m tests.fuzz.samples FOLDER

takes over from FOLDER, what `python -m tests.fuzz --keep FOLDER` left, all short ones.
"""

import sys
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
FOUND = "found.hex"
_LONGEST_FOUND = 100
"""Bytes; longer ones are found again from these."""


def samples(name: str) -> list[bytes]:
    """All inputs of a target, each once."""
    seeds = [path.read_bytes() for path in sorted((CORPUS / name).glob("seed-*"))]
    found = CORPUS / name / FOUND
    lines = found.read_text().split() if found.exists() else []
    return list(dict.fromkeys([*seeds, *map(bytes.fromhex, lines)]))


def write_to(name: str, folder: Path) -> None:
    """One file for each, as the fuzzer wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(samples(name)):
        (folder / f"known-{number:05}").write_bytes(sample)


def take_over(name: str, folder: Path) -> int:
    """Add the short inputs of a folder; how many are kept now beside the seeds."""
    known = set(samples(name))
    new = {path.read_bytes() for path in folder.iterdir()}
    short = {sample for sample in new - known if 0 < len(sample) <= _LONGEST_FOUND}
    path = CORPUS / name / FOUND
    before = path.read_text().split() if path.exists() else []
    lines = sorted({*before, *(sample.hex() for sample in short)})
    path.write_text("".join(f"{line}\n" for line in lines))
    return len(lines)


if __name__ == "__main__":
    for target in sorted(path.name for path in CORPUS.iterdir()):
        source = Path(sys.argv[1]) / target
        if source.is_dir():
            print(target, take_over(target, source))
