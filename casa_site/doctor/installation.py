"""The installation in a state folder, looked at with the program's own packages."""

import argparse
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Max

from casa_site import env, state_lock, up
from casa_site.doctor import (
    broker,
    clock,
    curves,
    database,
    host,
    listeners,
    running,
    state_folder,
    validity,
    wires,
)
from casa_site.doctor.finding import Finding
from casa_site.doctor.listeners import Place
from hardware.clock import KeptClock
from hardware.gateway import HUID_FILE
from hardware.time_file import TIME_FILE, TimeFile
from logbooks import storage
from meters.models import OriginalRecord


def findings(state: Path, arguments: list[str]) -> Iterator[Finding]:
    """Everything behind folder and keys; Django is there, and only reads."""
    options = up.parser().parse_args(arguments)
    yield curves.brainpool()
    if not state_folder.exists(state):
        yield from listeners.while_stopped(_places(options))
        return
    supervisor = _supervisor(state)
    shown = running.services(state) if supervisor else []
    yield from running.findings(supervisor, shown)
    if supervisor:
        pids = {row["name"]: row["pid"] for row in shown if row["pid"]}
        yield from listeners.while_running(pids)
    else:
        yield from listeners.while_stopped(_places(options))
    yield from database.findings(is_running=supervisor is not None)
    yield broker.finding()
    yield from _host(state)
    yield host.unit(is_running=supervisor is not None)
    yield from validity.of_listeners(state / "tls", host_now=datetime.now(UTC))
    if database.is_usable():
        yield from _stored(state)
    if supervisor:
        huid = (state / HUID_FILE).read_text().strip()
        yield from host.house(huid, listeners.hosts_of(pids.get("han", 0)))


def _supervisor(state: Path) -> int | None:
    try:
        return state_lock.supervisor_of(state)
    except OSError:
        return None  # its folder cannot be written to, which was said already


def _places(options: argparse.Namespace) -> Iterator[Place]:
    gwa_host = env.text("CASA_GWA_HOST", "127.0.0.1")
    yield Place("--han-port", options.host, options.han_port)
    yield Place("--service-port", options.host, options.service_port)
    yield Place("--gwa-port", gwa_host, options.gwa_port)
    yield Place("--cls-port", options.host, options.cls_port)
    yield Place("--cls-sni-port", options.host, options.cls_sni_port)
    yield Place("--wakeup-port", gwa_host, options.wakeup_port, socket.SOCK_DGRAM)


def _host(state: Path) -> Iterator[Finding]:
    for name, path in (("CASA_RTC", settings.RTC), ("supply", settings.SUPPLY_INPUT)):
        if path is not None:
            yield wires.device(path, name)
    yield host.forwarding()


def _stored(state: Path) -> Iterator[Finding]:
    """What only a database with its tables can tell."""
    newest = OriginalRecord.objects.aggregate(newest=Max("target_time"))["newest"]
    moved = settings.CLOCK_OFFSET
    yield from clock.findings(state, moved, host_now=datetime.now(UTC), newest=newest)
    now = KeptClock(TimeFile(state / TIME_FILE), moved).now()
    yield host.disk(storage.measure(state, settings.STORAGE_QUOTA))
    yield from running.device()
    yield from validity.of_store(validity.in_force(), now=now)
    yield from wires.findings(wires.configured_ports(), state)
