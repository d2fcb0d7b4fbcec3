"""Small files on a disk that is full."""

import subprocess
import sys
from pathlib import Path

import hardware.private_files

PROGRAM = """
import resource, signal, sys
from pathlib import Path
from hardware import private_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
for write in (private_files.replace, private_files.make_once):
    try:
        write(Path(sys.argv[1]) / write.__name__, b"new" * 100)
    except OSError:
        print("refused")
"""


def test_a_write_that_does_not_fit_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "replace").write_text("old")
    root = Path(hardware.private_files.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == ["refused", "refused"]
    assert [path.name for path in tmp_path.iterdir()] == ["replace"]
    assert (tmp_path / "replace").read_text() == "old"
