"""`python -m hardware.simulator PORT METER[:PROFILE] ...`: meters on a new port.

For trying a gateway without meters: PORT becomes a symbolic link to a
pseudo-terminal, on which the meters answer as on an RS485 bus, or, with --push, the
one meter sends its list unasked.
"""

import argparse
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast, get_args

from hardware.clock import GatewayClock
from hardware.device_id import server_id_of
from hardware.simulator.curves import Profile
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.process import serve, serve_push, stop_on_signals


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    options = _parser().parse_args(arguments)
    meters = [_meter(text, options.seed) for text in options.meters]
    clock = GatewayClock(timedelta(seconds=options.clock_offset))
    stop = stop_on_signals()
    if options.push is None:
        serve(meters, options.port, clock.now, stop)
    else:
        serve_push(meters[0], options.port, clock.now, stop, every_s=options.push)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hardware.simulator")
    parser.add_argument("port", type=Path, help="name that the port is to get")
    parser.add_argument(
        "meters",
        nargs="+",
        metavar="METER[:PROFILE]",
        help=f"device id such as 1emh0000000001, and one of {get_args(Profile)}",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--push", type=float, metavar="SECONDS", default=None)
    parser.add_argument("--clock-offset", type=float, metavar="SECONDS", default=0.0)
    return parser


def _meter(text: str, seed: int) -> SimulatedMeter:
    device_id, _, profile = text.partition(":")
    if profile not in ("", *get_args(Profile)):
        raise SystemExit(f"no such profile: {profile}")
    chosen = cast(Profile, profile or "household_pv")
    return SimulatedMeter(server_id_of(device_id), chosen, seed)


if __name__ == "__main__":
    main()
