"""The process of the simulated wired meters: they answer on a pseudo-terminal."""

from pathlib import Path

from casa_site import readiness
from casa_site.demo.meter_keys import security_of
from casa_site.demo.plan import all_meters, bus_port
from casa_site.gateways import open_configured_gateway
from hardware.simulator.bus import WiredBusSimulator
from hardware.simulator.process import ANSWER_DELAY_S, stop_on_signals
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.terminal import PseudoTerminal

ROLE = "demo-meters"


def serve_meters(state: Path) -> None:
    """Answer on the demo's bus until SIGTERM; the clock is the gateway's (D39)."""
    clock = open_configured_gateway().clock
    stations = [
        SecuredStation(
            meter.simulated(),
            security_of(state, meter),
            groups=[meter.tls.group],
            answer_delay_s=ANSWER_DELAY_S,
        )
        for meter in all_meters()
    ]
    bus = WiredBusSimulator(stations, clock.now)
    stop = stop_on_signals()
    with PseudoTerminal(bus_port(state)) as terminal:
        readiness.announce(state, ROLE)
        bus.serve(terminal, stop)
