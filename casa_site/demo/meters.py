"""The process of the simulated meters: a bus and a radio stick on pseudo-terminals."""

from pathlib import Path

from casa_site import readiness
from casa_site.demo.meter_keys import master_key, security_of
from casa_site.demo.plan import all_meters, bus_port, radio_port, wireless_meters
from casa_site.gateways import open_configured_gateway
from hardware.simulator.bus import WiredBusSimulator
from hardware.simulator.process import ANSWER_DELAY_S, stop_on_signals
from hardware.simulator.radio import RadioThread
from hardware.simulator.radio_stick import Im871aEmulator
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.terminal import PseudoTerminal

ROLE = "demo-meters"


def serve_meters(state: Path) -> None:
    """Answer on the demo's bus and send until SIGTERM; the clock is the gateway's."""
    clock = open_configured_gateway().clock
    stations = [
        SecuredStation(
            meter.simulated(),
            security_of(state, meter.id),
            groups=[meter.tls.group],
            answer_delay_s=ANSWER_DELAY_S,
        )
        for meter in all_meters()
    ]
    bus = WiredBusSimulator(stations, clock.now)
    stop = stop_on_signals()
    senders = [one.simulated(master_key(state, one.id)) for one in wireless_meters()]
    radio = RadioThread(Im871aEmulator(), senders, clock.now, radio_port(state))
    with radio, PseudoTerminal(bus_port(state)) as terminal:
        readiness.announce(state, ROLE)
        bus.serve(terminal, stop)
