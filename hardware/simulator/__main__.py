"""`python -m hardware.simulator PORT METER[:PROFILE] ...`: meters on a new port.

For trying a gateway without meters: PORT becomes a symbolic link to a
pseudo-terminal, on which the meters answer as on an RS485 bus, in plain SML or, with
--master-key, paired and over TLS. With --push and --d0-push the one meter sends its
list unasked, with --d0-pull on demand. A scenario file gives them faults
(`hardware.simulator.scenario`).
"""

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast, get_args

from hardware.clock import GatewayClock
from hardware.device_id import server_id_of
from hardware.simulator.curves import Profile
from hardware.simulator.faulty import FaultyMeter
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.process import (
    serve,
    serve_d0_pull,
    serve_d0_push,
    serve_push,
    stop_on_signals,
)
from hardware.simulator.scenario import Scenario, ScenarioInvalid
from hardware.sym_pairing import KEY_BYTES


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    options = _parser().parse_args(arguments)
    clock = GatewayClock(timedelta(seconds=options.clock_offset))
    scenario = _scenario(options.scenario, clock.now())
    meters = [_meter(text, options.seed, scenario) for text in options.meters]
    stop = stop_on_signals()
    if options.push is not None:
        every_s = options.push
        first = meters[0]
        serve_push(
            first, options.port, clock.now, stop, every_s=every_s, scenario=scenario
        )
    elif options.d0_push is not None:
        every_s = options.d0_push
        first = meters[0]
        serve_d0_push(
            first, options.port, clock.now, stop, every_s=every_s, scenario=scenario
        )
    elif options.d0_pull:
        serve_d0_pull(meters[0], options.port, clock.now, stop)
    else:
        key = options.master_key
        serve(meters, options.port, clock.now, stop, scenario=scenario, master_key=key)


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
    parser.add_argument("--master-key", type=_master_key, metavar="HEX", default=None)
    parser.add_argument("--push", type=float, metavar="SECONDS", default=None)
    parser.add_argument("--d0-push", type=float, metavar="SECONDS", default=None)
    parser.add_argument("--d0-pull", action="store_true")
    parser.add_argument("--scenario", type=Path, metavar="FILE", default=None)
    parser.add_argument("--clock-offset", type=float, metavar="SECONDS", default=0.0)
    return parser


def _master_key(text: str) -> bytes:
    key = bytes.fromhex(text)
    if len(key) != KEY_BYTES:
        raise ValueError(f"a master key has {KEY_BYTES} bytes")
    return key


def _scenario(path: Path | None, begin: datetime) -> Scenario:
    try:
        return Scenario() if path is None else Scenario.load(path, begin)
    except ScenarioInvalid as error:
        raise SystemExit(str(error)) from None


def _meter(text: str, seed: int, scenario: Scenario) -> SimulatedMeter:
    device_id, _, profile = text.partition(":")
    if profile not in ("", *get_args(Profile)):
        raise SystemExit(f"no such profile: {profile}")
    chosen = cast(Profile, profile or "household_pv")
    return FaultyMeter(server_id_of(device_id), scenario, chosen, seed)


if __name__ == "__main__":
    main()
