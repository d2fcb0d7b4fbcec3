"""`./casa status`: what runs, what waits, how full the storage is."""

import argparse
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kombu.exceptions import OperationalError

from casa_site import (
    env,
    fsbroker,
    readiness,
    state_lock,
    status_device,
    status_meters,
)
from hardware.clock import GatewayClock, KeptClock
from hardware.release import PROGRAM, release_of
from hardware.time_file import TIME_FILE, TimeFile

Report = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Print the report; 0 while the gateway runs and is ready, else 1."""
    options = _parser().parse_args(arguments)
    os.environ["CASA_STATE"] = str(options.state)
    env.load_file(options.state / env.ENV_FILE)
    report = collect(options.state)
    print(json.dumps(report, indent=1) if options.json else as_text(report))
    return 0 if report["ready"] else 1


def collect(state: Path) -> Report:
    """Everything that is shown, as plain data; times are UTC, sizes bytes."""
    supervisor = state_lock.supervisor_of(state) if state.is_dir() else None
    report: Report = {
        "state": str(state),
        "supervisor": supervisor,
        "ready": supervisor is not None
        and readiness.is_ready(state, "casa", os.getpgid(supervisor)),
        "services": services(state) if supervisor else [],
    }
    if (state / "huid").exists():
        import django

        django.setup()
        report |= _of_settings(state) | _of_database()
    if "readings" in report:
        is_running = supervisor is not None
        report |= status_device.of_device(state)
        report |= status_meters.of_meters(state, is_running=is_running)
    return report


def as_text(report: Report) -> str:
    """The report for people."""
    lines = [f"{'ready' if report['ready'] else 'NOT READY'}  {report['state']}"]
    lines += [_service_line(service) for service in report["services"]]
    shown = (
        "database",
        "queues",
        "oldest_due",
        "deliveries",
        "release",
        "time",
        "device",
        "leds",
        "storage",
        "storage_days",
        "encrypted",
        "alarms",
        "readings",
        *status_meters.WORDS,
    )
    for name in shown:
        if name in report:
            lines.append(f"{name:12} {_WORDS.get(name, str)(report[name])}")
    return "\n".join(lines)


def _service_line(service: Report) -> str:
    since = service["uptime_s"]
    uptime = "-" if since is None else f"{since} s"
    pid = service["pid"] or "-"
    return (
        f"  {service['name']:14} {service['state']:9} pid {pid:<8} up {uptime:10} "
        f"starts {service['starts']}"
    )


def services(state: Path) -> list[Report]:
    """The processes as the supervisor shows them; [] while none runs."""
    path = readiness.run_folder(state) / "services.json"
    try:
        found: list[Report] = json.loads(path.read_text())
    except FileNotFoundError:
        return []
    for service in found:
        started = service.pop("started_at")
        service["uptime_s"] = round(time.time() - started) if started else None
    return found


def _of_settings(state: Path) -> Report:
    from django.conf import settings

    return {
        "queues": queue_depths(),
        "release": _release(),
        "storage": {"used": _used_bytes(state), "quota": settings.STORAGE_QUOTA},
        "encrypted": is_encrypted(),
    }


def is_encrypted() -> bool | None:
    """Whether the database file is encrypted; None when that is not our business."""
    from django.conf import settings

    engine = settings.DATABASES["default"]["ENGINE"]
    if engine.endswith("postgresql"):
        return None
    return bool(engine == "casa_site.db.sqlcipher")


def queue_depths() -> dict[str, int | None]:
    """Messages that wait, by queue; None when the broker does not answer."""
    from django.conf import settings

    from casa_site.broker import FILE_BROKER_URL
    from casa_site.celery import QUEUES, app

    if settings.CELERY_BROKER_URL == FILE_BROKER_URL:
        folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["folder"])
        return {queue: len(fsbroker.waiting(folder, queue)) for queue in QUEUES}
    depths: dict[str, int | None] = dict.fromkeys(QUEUES)
    url = settings.CELERY_BROKER_URL
    with app.connection_for_read(url, connect_timeout=2) as connection:
        errors: tuple[type[BaseException], ...]
        errors = (OperationalError, *connection.connection_errors)
        try:
            connection.ensure_connection(max_retries=1, interval_start=0)
            channel: Any = connection.default_channel
            for queue in QUEUES:
                depths[queue] = channel.queue_declare(queue, durable=True)[1]
        except errors:
            return depths
    return depths


def _of_database() -> Report:
    """Oldest due work, alarms, and the times of readings without their values."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError

    from casa_site.due_work import oldest_due
    from tariffs.outbox import waiting_count

    clock = KeptClock(TimeFile(settings.STATE / TIME_FILE), settings.CLOCK_OFFSET)
    try:
        return {
            "oldest_due": _moment(oldest_due(now=clock.now())),
            "deliveries": {"waiting": waiting_count()},
            "time": _time(clock),
            "alarms": _alarms(),
            "readings": _reading_times(),
        }
    except (DatabaseError, ImproperlyConfigured) as error:
        return {"database": str(error)}


def _time(clock: GatewayClock) -> Report:
    """What the clock shows and how its synchronisation goes."""
    from logbooks.models import TimeState

    report: Report = {
        "now": _moment(clock.now()),
        "source": clock.source,
        "valid": clock.is_valid,
        "offset_s": round(clock.offset.total_seconds(), 3),
    }
    if state := TimeState.objects.first():
        difference = state.last_offset_us
        report |= {
            "server": f"{state.host}:{state.port}",
            "last_success": _moment(state.last_success_at),
            "last_difference_s": None if difference is None else difference / 1e6,
            "failures": state.failures,
            "last_fault": state.last_fault,
        }
    return report


def _alarms() -> list[Report]:
    from logbooks.alarms import open_alarms

    return [
        {
            "kind": alarm.kind,
            "subject": alarm.subject,
            "code": alarm.code,
            "explained": _explained(alarm.code),
            "since": _moment(alarm.since),
            "last": _moment(alarm.last_at),
            "count": alarm.count,
            "acknowledged": _moment(alarm.acknowledged_at),
        }
        for alarm in open_alarms()
    ]


def _explained(code: int) -> dict[str, str]:
    """Cause, effect, who has to act and how; {} for an event that is no fault."""
    from logbooks.explanations import explanation

    try:
        found = explanation(code, "en")
    except KeyError:
        return {}
    return {
        "cause": found.cause,
        "effect": found.effect,
        "who": found.who,
        "remedy": found.remedy,
    }


def _reading_times() -> Report:
    """When each meter was read last: live, and for its original list."""
    from meters.models import LiveReading, Meter, OriginalRecord

    live = dict(LiveReading.objects.values_list("meter_id", "captured_at"))
    times: Report = {}
    for meter in Meter.objects.filter(is_active=True).values_list("id", flat=True):
        records = OriginalRecord.objects.filter(meter_id=meter).order_by("-target_time")
        last = records.values_list("target_time", flat=True).first()
        times[meter] = {"live": _moment(live.get(meter)), "record": _moment(last)}
    return times


def _moment(value: datetime | None) -> str | None:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None


def _used_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue  # gone while we looked
    return total


def _release() -> Report:
    """Which release runs, from which folder, its fingerprint (R153)."""
    running = release_of()
    return {
        "version": running.version,
        "number": running.number,
        "fingerprint": running.fingerprint or None,
        "folder": str(PROGRAM),
    }


def _release_words(release: Report) -> str:
    print_ = release["fingerprint"] or "development build"
    return f"{release['version']} ({release['number']}) {print_}\n  {release['folder']}"


def _time_words(shown: Report) -> str:
    valid = "valid" if shown["valid"] else "NOT VALID"
    line = f"{shown['now']} {valid}, source {shown['source']}"
    line += f", {shown['offset_s']} s from the host"
    if "server" not in shown:
        return line
    line += f"\n  server {shown['server']}, last success {shown['last_success'] or '-'}"
    if shown["last_difference_s"] is not None:
        line += f", difference {shown['last_difference_s']:.3f} s"
    if shown["failures"]:
        line += f", {shown['failures']} failures, fault {shown['last_fault']}"
    return line


def _storage_words(storage: Report) -> str:
    percent = 100 * storage["used"] / storage["quota"]
    return f"{storage['used'] / 1024**2:.1f} MiB, {percent:.1f} % of the quota"


def _encryption_words(encrypted: bool | None) -> str:
    return {
        True: "yes, the database file",
        False: "NO",
        None: "by the database server's disk",
    }[encrypted]


def _explanation_words(explained: dict[str, str]) -> str:
    if not explained:
        return ""
    return (
        f"\n    {explained['cause']} {explained['effect']}"
        f"\n    {explained['who']}: {explained['remedy']}"
    )


def _alarm_words(alarms: list[Report]) -> str:
    lines = [
        f"\n  {alarm['since']} {alarm['kind']} {alarm['code']} {alarm['subject']}"
        f" ({alarm['count']} times, last {alarm['last']})"
        f"{_explanation_words(alarm['explained'])}"
        for alarm in alarms
    ]
    return "".join(lines) or "none"


def _reading_words(readings: Report) -> str:
    lines = [
        f"\n  {meter:20} live {times['live'] or '-':22} record {times['record'] or '-'}"
        for meter, times in readings.items()
    ]
    return "".join(lines) or "no meters"


_WORDS: dict[str, Callable[[Any], str]] = {
    "deliveries": lambda shown: f"{shown['waiting']} waiting",
    **status_device.WORDS,
    "queues": lambda queues: ", ".join(f"{k} {v}" for k, v in queues.items()),
    "oldest_due": lambda value: value or "-",
    "release": _release_words,
    "time": _time_words,
    "storage": _storage_words,
    "encrypted": _encryption_words,
    "alarms": _alarm_words,
    "readings": _reading_words,
    **status_meters.WORDS,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="casa status", description=__doc__)
    parser.add_argument(
        "--state",
        type=lambda text: Path(text).expanduser().absolute(),
        default=env.path("CASA_STATE", Path(__file__).parent.parent / "var"),
        metavar="DIR",
    )
    parser.add_argument("--json", action="store_true")
    return parser
