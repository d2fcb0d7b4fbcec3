"""A home with wired meters in one process: real frames, tasks and lists, set time."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.test import Client

from casa_site.celery import app
from gwa_api.apply import apply
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.simulator.bus import MemoryLink, WiredBusSimulator
from hardware.simulator.curves import Profile
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.meter_security import MeterSecurity
from hardware.simulator.secured_station import SecuredStation
from logbooks.certificates import ensure_signature_certificate
from meters import selectors
from meters.acquisition import send_hint
from meters.interface import interface_specs
from meters.record_queue import RecordQueue
from meters.wired_interface import WiredInterface
from tests.meters.builders import SetClock, with_clock

PORT = "/dev/ttyRS485"
MASTER_KEY = bytes(range(16))
IMPORT, EXPORT = "0100010800ff", "0100020800ff"
CURVES: dict[str, Profile] = {
    "1emh0000000001": "household_pv",
    "1emh0000000002": "heat_pump",
    "1emh0000000003": "household",
}
OWNERS = {
    "1emh0000000001": "hks2",
    "1emh0000000002": "hks2",
    "1emh0000000003": "nachbar",
}
PROFILES: dict[str, tuple[int, list[tuple[str, str]]]] = {
    "hks2-taf1": (1, [("1emh0000000001", IMPORT), ("1emh0000000002", IMPORT)]),
    "hks2-taf7-1": (7, [("1emh0000000001", IMPORT), ("1emh0000000001", EXPORT)]),
    "hks2-taf7-2": (7, [("1emh0000000002", IMPORT)]),
    "nachbar-taf1": (1, [("1emh0000000003", IMPORT)]),
}
"""Profile id -> TAF and its registers; `hks2-taf7-2` takes one of two registers."""


class MemoryPort(MemoryLink):
    """The bus in memory, opened and closed like a port."""

    def close(self) -> None:
        """There is nothing to give back."""


class Home:
    """Gateway, meters and contracts of `hks2` and `nachbar`; time goes as told."""

    def __init__(self, gateway: Gateway, *, now: datetime, valid_from: datetime):
        live_period = timedelta(minutes=2)
        self.gateway = with_clock(gateway, now, live_period=live_period)
        self.meters = {name: a_meter(name, now) for name in CURVES}
        stations = [
            SecuredStation(meter, MeterSecurity(MASTER_KEY))
            for meter in self.meters.values()
        ]
        self._bus = WiredBusSimulator(stations, self.clock.now)
        self._ticks, self._passed_s = count(), 0.0
        ensure_signature_certificate(self.gateway, now)
        result = apply(self.gateway, a_document(valid_from), now=now)
        self.passwords = result.passwords
        self._interface = self._open_interface()

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.gateway.clock, SetClock)
        return self.gateway.clock

    def run(self, until: datetime) -> None:
        """Let the interface do all that is due; waiting costs no real time."""
        while self.clock.now() < until:
            pause_s = max(self._interface.step(), 0.001)
            left_s = (until - self.clock.now()).total_seconds()
            self.clock.advance(seconds=min(pause_s, left_s))
            self._passed_s += min(pause_s, left_s)

    def browser(self, user: str) -> Client:
        """A browser in which the consumer has logged in by the form."""
        client = Client(**{"casa.gateway": self.gateway})
        login = {"username": user, "password": self.passwords[user]}
        assert client.post("/anmelden/", login).status_code == 303
        return client

    def truth(self, meter_id: str, at: datetime) -> dict[str, int]:
        """What the simulator's registers hold at an instant, in 0.1 Wh."""
        values = self.meters[meter_id].counters_at(at)
        assert {(value.scaler, value.unit) for value in values} == {(-1, 30)}
        return {value.obis.logical_name: value.value for value in values}

    def _open_interface(self) -> WiredInterface:
        (spec,) = interface_specs(selectors.active_meters())
        assert spec.port == PORT
        queue = RecordQueue(self.gateway, self._send_hint, self._seconds)
        return WiredInterface(
            self.gateway,
            spec,
            queue,
            open_link=lambda _port, _baudrate: MemoryPort(self._bus),
            monotonic=self._seconds,
        )

    def _send_hint(self) -> None:
        """The product's hint; the task is run at once instead of by a worker."""
        app.gateways[self.gateway.huid] = self.gateway
        app.loader.import_default_modules()
        send_hint(run_task, self.gateway)

    def _seconds(self) -> float:
        """Goes on with the clock, and a little each time somebody looks."""
        return self._passed_s + next(self._ticks) / 1000


def run_task(name: str, *, args: list[str], queue: str) -> None:
    """Run a task by its name, from the queue it belongs to."""
    assert queue == app.conf.task_routes[f"{name.rpartition('.')[0]}.*"]["queue"]
    app.tasks[name].apply(args=tuple(args), throw=True)


def a_meter(meter_id: str, now: datetime) -> SimulatedMeter:
    """A simulated meter that began to count the day before: cheap to compute."""
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    installed = midnight - timedelta(days=1)
    return SimulatedMeter(
        server_id_of(meter_id), CURVES[meter_id], installed_at=installed
    )


def a_document(valid_from: datetime) -> dict[str, Any]:
    """What `manage apply` would be given for this home."""
    return {
        "consumers": [{"id": name} for name in dict.fromkeys(OWNERS.values())],
        "meters": [
            {
                "id": meter_id,
                "consumer": owner,
                "source": "hdlc",
                "port": PORT,
                "master_key": MASTER_KEY.hex(),
            }
            for meter_id, owner in OWNERS.items()
        ],
        "profiles": [
            {
                "id": name,
                "taf": taf,
                "consumer": name.partition("-")[0],
                "inputs": [{"meter": m, "obis": obis} for m, obis in inputs],
                "valid_from": valid_from.isoformat(),
            }
            for name, (taf, inputs) in PROFILES.items()
        ],
    }
