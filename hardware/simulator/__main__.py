"""`python -m hardware.simulator PORT METER[:PROFILE] ...`: meters on a new port.

For trying a gateway without meters: PORT becomes a symbolic link to a
pseudo-terminal, on which the meters answer as on an RS485 bus, in plain SML or, with
--master-key, paired and over TLS. With --push and --d0-push the one meter sends its
list unasked, with --d0-pull on demand. With --radio the port is a stick that hears
wireless meters: METER is then an M-Bus id of 16 hex digits, with `:5` or `:7` for the
security mode. A scenario file gives them faults (`hardware.simulator.scenario`).
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
    serve_wireless,
    stop_on_signals,
)
from hardware.simulator.radio_stick import EMULATORS
from hardware.simulator.scenario import Scenario, ScenarioInvalid
from hardware.simulator.wireless_meter import SimulatedWirelessMeter
from hardware.sym_pairing import KEY_BYTES
from hardware.wmbus_address import address_of_meter_id


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    options = _parser().parse_args(arguments)
    clock = GatewayClock(timedelta(seconds=options.clock_offset))
    scenario = _scenario(options.scenario, clock.now())
    stop = stop_on_signals()
    if options.radio:
        senders = [_sender(text, options.master_key) for text in options.meters]
        stick = options.radio
        serve_wireless(
            senders, options.port, clock.now, stop, stick=stick, scenario=scenario
        )
        return
    meters = [_meter(text, options.seed, scenario) for text in options.meters]
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
        help=f"device id such as 1emh0000000001, and one of {get_args(Profile)}; "
        "with --radio an M-Bus id such as 2d4d010000000103, and 5 or 7",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--master-key", type=_master_key, metavar="HEX", default=None)
    parser.add_argument("--push", type=float, metavar="SECONDS", default=None)
    parser.add_argument("--d0-push", type=float, metavar="SECONDS", default=None)
    parser.add_argument("--d0-pull", action="store_true")
    parser.add_argument("--radio", choices=EMULATORS, default=None)
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


def _sender(text: str, key: bytes | None) -> SimulatedWirelessMeter:
    meter_id, _, mode = text.partition(":")
    if key is None:
        raise SystemExit("wireless meters need --master-key")
    if mode not in ("", "5", "7"):
        raise SystemExit(f"no such security mode: {mode}")
    try:
        address = address_of_meter_id(meter_id)
        return SimulatedWirelessMeter(address, key, mode=int(mode or 7))
    except ValueError as error:
        raise SystemExit(f"{meter_id}: {error}") from None


if __name__ == "__main__":
    main()
