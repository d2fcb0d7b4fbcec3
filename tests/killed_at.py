"""Runs a program and kills it when it is about to change a file for the n-th time.

`python killed_at.py N PROGRAM ARGUMENTS...`; with N = 0 it is not killed, and the
number of changes goes to the file descriptor 2 as its last line.
"""

import os
import runpy
import signal
import sys

CHANGES = {
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.utime",
    "subprocess.Popen",
}


def main() -> None:
    """Count, kill."""
    kill_at = int(sys.argv[1])
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(arguments[2], int)
        writes = writes and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if writes or event in CHANGES:
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.argv = sys.argv[2:]
    sys.path[0] = os.environ.get("CASA_TEST_PATH", sys.path[0])
    sys.dont_write_bytecode = True
    sys.addaudithook(watch)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        print(seen, file=sys.stderr)


if __name__ == "__main__":
    main()
