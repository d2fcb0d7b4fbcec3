"""`./casa fleet N`: many virtual gateways in one installation."""

import argparse
import gc
import os
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from casa_site import env, first_start, processes, readiness, state_lock
from casa_site.fleet.engines import EngineMissing, engines
from casa_site.fleet.plan import FIRST_PORT, MOST, Member, members
from casa_site.output import print_line, say
from casa_site.private_state import keep_private

BASE = Path(__file__).resolve().parents[2]
_FILES_OF_EACH, _FILES = 8, 1024
_FASTEST = 60.0


def main(arguments: list[str]) -> int:
    """Run a fleet; 0 after a stop signal or when its time is over, 1 for an error."""
    options = _parser().parse_args(arguments)
    fleet: Path = options.state
    keep_private(fleet)
    os.environ["CASA_STATE"] = str(fleet)
    os.chdir(BASE)  # Celery imports from the working folder before all others
    try:
        first_start.begin(fleet, with_demo=False)
        state_lock.hold(fleet)
        _allow_files(options.count)
        with engines(fleet) as servers:
            os.environ.update(servers, CASA_SCHEMA_FOR_EACH_GATEWAY="1")
            return _run(options)
    except (state_lock.StateInUse, env.SettingInvalid, EngineMissing, OSError) as why:
        print(f"casa: {why}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    # Only now: these read the settings, which need the state folder and the servers.
    from casa_site import warmup

    warmup.load_everything()
    from casa_site.fleet.clock import note_time, start_clock
    from casa_site.fleet.roles import roles
    from casa_site.fleet.setup import set_up
    from casa_site.fleet.watch import Watch
    from casa_site.supervisor import Supervisor

    fleet: Path = options.state
    clock = start_clock(fleet, speed=1.0, now=datetime.now(UTC))
    found = members(
        fleet,
        options.count,
        host=options.host,
        first_port=options.first_port,
        now=clock.now(),
    )
    say(f"setting up {len(found)} gateways ...")
    begun = time.monotonic()
    if processes.run_in_child(lambda: set_up(fleet, found, clock)) != 0:
        print("casa: the set-up failed; see above.", file=sys.stderr)
        return 1
    say(f"set up after {time.monotonic() - begun:.0f} s, see {fleet}/fleet.json")
    readiness.run_folder(fleet)
    # Only from here on the time runs fast: nobody reads during the set-up.
    note_time(fleet, clock.now())
    clock = start_clock(fleet, speed=options.speed, now=datetime.now(UTC))
    watch = Watch(fleet, clock, options.seconds)

    def is_ready() -> None:
        watch.begin()
        print_line(f"CASA fleet of {len(found)} ready {found[0].han_url} ...")

    gc.collect()
    gc.freeze()
    wanted = roles(fleet, found, clock, nodes=options.nodes)
    Supervisor(fleet, wanted, is_ready, watch.is_over).run()
    if watch.span is not None:
        span = watch.span
        return processes.run_in_child(lambda: _tell(options, found, span))
    return 0


def _tell(options: argparse.Namespace, found: Sequence[Member], span: object) -> int:
    """Print the figures; 1 when a quarter hour of a meter has no row."""
    from casa_site.fleet.figures import work_of
    from casa_site.fleet.report import as_json, as_text, report
    from casa_site.fleet.watch import Span

    assert isinstance(span, Span)
    work = work_of(found, span.begin, span.end)
    figures = report(len(found), options.speed, span, work)
    print_line(as_json(figures) if options.json else as_text(figures))
    return 1 if work.missing else 0


def _allow_files(count: int) -> None:
    """Raise the limit of open files: each gateway listens on a port of its own.

    Raises SettingInvalid when the system does not allow as many.
    """
    wanted = _FILES + _FILES_OF_EACH * count
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    if hard not in (resource.RLIM_INFINITY,) and hard < wanted:
        raise env.SettingInvalid(f"{count} gateways need {wanted} open files (ulimit)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="casa fleet",
        description="Runs N virtual gateways with two simulated meters each, in shared "
        "processes, with market participants that take their deliveries.",
    )
    parser.add_argument("count", type=_count, metavar="N", help="how many gateways")
    parser.add_argument(
        "--state",
        type=lambda text: Path(text).expanduser().absolute(),
        default=BASE / "var-fleet",
        metavar="DIR",
        help="folder of the fleet (./var-fleet beside the launcher)",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="F",
        help="how many times faster than real time",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help="end after so long and print the figures (until Ctrl-C)",
    )
    parser.add_argument(
        "--nodes",
        type=int,
        choices=range(1, 65),
        default=min(os.cpu_count() or 1, 8),
        metavar="K",
        help="processes that read meters, and as many that compute and send",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--first-port", type=int, default=FIRST_PORT, metavar="PORT")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of 1 to {MOST}")
    return int(text)


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= _FASTEST:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of 1 to {_FASTEST:g}")
    return value
