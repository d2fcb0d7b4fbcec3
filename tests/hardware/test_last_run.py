"""Why the last run ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from hardware import last_run
from hardware.last_run import Reason, Traces, find_traces, reason_of

ABORTED = "Fatal Python error: Aborted\n\nCurrent thread ..."


@pytest.mark.req("R152")
@pytest.mark.parametrize(
    ("traces", "reason"),
    [
        (Traces("b"), 1900601),
        (Traces("b", "b", ended=True), None),
        (Traces("b", "b"), 1900601),
        (Traces("b", "b", crash="Fatal Python error: Segmentation fault"), 1900601),
        (Traces("b", "b", crash=ABORTED), 1900605),
        (Traces("b", "a"), 1900602),
        (Traces("b", "a", crash=ABORTED), 1900602),
        (Traces("b", "a", ended=True), 1900603),
        (Traces("b", "a", watchdog_status=0x20), 1900604),
        (Traces("b", "a", ended=True, watchdog_status=0x20), 1900604),
        (Traces("b", "a", watchdog_status=0x08), 1900606),
        (Traces("b", "b", ended=True, watchdog_status=0x20), None),
        (Traces("b", ""), 1900602),
    ],
)
def test_each_reason_has_its_traces(traces: Traces, reason: int | None) -> None:
    """R152: the six codes, and none after an orderly end."""
    assert reason_of(traces) == reason
    assert last_run.power_returned(traces) == (reason == Reason.SUPPLY_LOST)


@pytest.mark.req("R152")
def test_a_run_leaves_its_traces(tmp_path: Path) -> None:
    """R152: first start, kill, orderly end, loss of supply."""

    def found(boot_id: str) -> Reason | None:
        return reason_of(find_traces(tmp_path, boot_id=boot_id))

    assert find_traces(tmp_path).is_first
    last_run.note_start(tmp_path, boot_id="a")
    assert found("a") is Reason.UNKNOWN
    assert found("b") is Reason.SUPPLY_LOST
    last_run.note_end(tmp_path, boot_id="a")
    assert found("a") is None
    assert found("b") is Reason.UNEXPECTED_COMMAND
    for content in ("", "{}", '{"boot_id": "a", "ended": 1}', "[]"):
        (tmp_path / last_run.LAST_RUN_FILE).write_text(content)
        assert found("b") is Reason.SUPPLY_LOST, content


def test_the_boot_id_of_this_machine_is_known(tmp_path: Path) -> None:
    last_run.note_start(tmp_path)
    traces = find_traces(tmp_path)
    assert len(traces.boot_now) == 36
    assert not traces.is_other_boot


@pytest.mark.req("R152")
def test_a_program_that_is_aborted_leaves_a_trace(tmp_path: Path) -> None:
    """R152: as a service manager's watchdog ends it."""
    program = (
        "import os, sys; from pathlib import Path; from hardware import last_run;"
        "p = Path(sys.argv[1]); f = last_run.watch_for_crash(p);"
        "last_run.note_start(p, boot_id='a'); os.abort()"
    )
    root = Path(last_run.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=root, check=False
    )
    assert ended.returncode < 0
    traces = find_traces(tmp_path, boot_id="a")
    assert reason_of(traces) is Reason.INTERNAL_WATCHDOG


def test_a_restart_is_asked_for_once(tmp_path: Path) -> None:
    assert not last_run.restart_is_requested(tmp_path)
    last_run.request_restart(tmp_path)
    last_run.request_restart(tmp_path)
    assert last_run.restart_is_requested(tmp_path)
    last_run.forget_restart_request(tmp_path)
    last_run.forget_restart_request(tmp_path)
    assert not last_run.restart_is_requested(tmp_path)
