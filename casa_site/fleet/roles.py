"""The processes of a fleet: each serves many gateways, or all of them."""

import signal
import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from celery import beat, signals
from django.conf import settings

from casa_site import celery, readiness
from casa_site.celery import DELIVERY, MAINTENANCE, TARIFF
from casa_site.db.postgresql.schema import enter_schema
from casa_site.demo import wan_peers
from casa_site.demo.plan import EMTS
from casa_site.fleet.clock import FleetClock
from casa_site.fleet.gateways import open_members
from casa_site.fleet.lines import FleetLines, Line
from casa_site.fleet.plan import Member, schema_of
from casa_site.service import Role
from hardware.simulator.process import stop_on_signals
from meters.acquisition import send_hint

RESTS_AT_LEAST = timedelta(minutes=1)
"""No gateway is asked more often whether something is due: hints come at once."""


def roles(
    fleet: Path, members: Sequence[Member], clock: FleetClock, *, nodes: int
) -> list[Role]:
    """`nodes` processes read meters, and as many compute and send."""
    found = []
    for place in range(nodes):
        part = members[place::nodes]
        lines = partial(serve_lines, fleet, f"fleet-lmn-{place + 1}", part, clock)
        found.append(Role(f"fleet-lmn-{place + 1}", lines))
        node = partial(serve_node, fleet, f"fleet-worker-{place + 1}", members, clock)
        found.append(Role(f"fleet-worker-{place + 1}", node))
    found.append(Role("fleet-beat", partial(serve_beat, fleet, members, clock)))
    found.append(Role("fleet-han", partial(serve_han, fleet, members, clock)))
    for name in EMTS:
        serve = partial(wan_peers.serve_emt, fleet, name, clock)
        found.append(Role(f"demo-{name}", serve))
    found.append(Role("demo-gwa", partial(wan_peers.serve_gwa, fleet, clock)))
    return found


def serve_lines(
    fleet: Path, role: str, members: Sequence[Member], clock: FleetClock
) -> None:
    """Read the meters of some gateways until SIGTERM."""
    gateways = open_members(members, clock)
    hint = partial(send_hint, celery.app.send_task)
    lines = [Line(one, gateways[one.huid], clock, hint) for one in members]
    stop = stop_on_signals()
    readiness.announce(fleet, role)
    FleetLines(lines).run(stop)


def serve_node(
    fleet: Path, role: str, members: Sequence[Member], clock: FleetClock
) -> int:
    """Compute and send for all gateways: a Celery node that shares their queues."""
    app = celery.app
    app.gateways = open_members(members, clock)
    app.han_addresses = (members[0].host,)
    signals.task_prerun.connect(_enter, weak=False)
    signals.task_success.connect(_send_on, weak=False)
    signals.worker_ready.connect(
        lambda **_: readiness.announce(fleet, role), weak=False
    )
    # Celery warns root because of pickled messages; ours are JSON only.
    warnings.filterwarnings("ignore", message=".*superuser privileges")
    worker = app.Worker(
        hostname=f"{role}@fleet",
        queues=[TARIFF, DELIVERY, MAINTENANCE],
        pool="solo",
        concurrency=1,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def serve_beat(fleet: Path, members: Sequence[Member], clock: FleetClock) -> None:
    """The rhythm of all gateways, at the fleet's speed."""
    app = celery.app
    app.conf.beat_schedule = schedule([one.huid for one in members], clock.speed)
    signal.signal(signal.SIGTERM, _leave)
    readiness.announce(fleet, "fleet-beat")
    beat.Service(app, scheduler_cls=beat.Scheduler).start()


def serve_han(fleet: Path, members: Sequence[Member], clock: FleetClock) -> None:
    """The portals and JSON interfaces of all gateways."""
    # Imported here: memory that no other role needs.
    from casa_site.fleet.han_server import FleetHanServer

    gateways = open_members(members, clock)
    FleetHanServer(fleet, members, gateways, tls=settings.TLS_MAX).run()


def schedule(huids: Sequence[str], speed: float) -> Mapping[str, dict[str, Any]]:
    """The ticks of a single gateway for each, faster by the speed."""
    found = celery.beat_schedule(list(huids))
    for entry in found.values():
        every = max(entry["schedule"] / speed, RESTS_AT_LEAST)
        entry["schedule"] = every
        entry["options"] = {"expires": every.total_seconds()}
    return found


def _enter(args: Sequence[Any] = (), **_: Any) -> None:
    """Before each task: its first argument says whose tables it means."""
    enter_schema(schema_of(str(args[0])))


def _send_on(sender: Any, **_: Any) -> None:
    """What was computed is sent at once, not with the next tick."""
    if sender.name == "tariffs.tasks.evaluate_due":
        sender.app.send_task("gwa_api.tasks.send_due", args=list(sender.request.args))


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
