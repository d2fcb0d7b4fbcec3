"""The figures of a fleet's run, for people and as JSON."""

import json
import statistics
from collections.abc import Mapping

from casa_site.fleet.figures import Work
from casa_site.fleet.watch import Span

Number = int | float


def report(count: int, speed: float, span: Span, work: Work) -> dict[str, Number]:
    """All figures by name; times in seconds, delays in seconds of the fleet's time."""
    hours = (span.end - span.begin).total_seconds() / 3600
    busy = span.cpu_s / span.seconds
    return {
        "gateways": count,
        "speed": speed,
        "seconds": round(span.seconds, 1),
        "fleet_hours": round(hours, 2),
        "values_expected": work.expected,
        "values_read": work.read,
        "placeholders": work.placeholders,
        "values_missing": work.missing,
        "deliveries_owed": work.owed,
        "deliveries_acknowledged": work.acknowledged,
        "deliveries_received": span.received,
        "capture_delay_median_s": _round(statistics.median, work.late_s),
        "capture_delay_longest_s": _round(max, work.late_s),
        "cpu_s": round(span.cpu_s, 1),
        "cores_used": round(busy, 3),
        "cpu_ms_per_gateway_hour": round(1000 * span.cpu_s / (count * hours), 1),
        "gateways_per_core": int(count * speed / busy) if busy else 0,
        "memory_mib": round(span.memory_mib, 1),
        "memory_mib_per_gateway": round(span.memory_mib / count, 3),
        "partners_cpu_s": round(span.others_cpu_s, 1),
        "partners_memory_mib": round(span.others_memory_mib, 1),
    }


def as_text(figures: Mapping[str, Number]) -> str:
    """A line for each figure."""
    width = max(map(len, figures))
    return "\n".join(f"{name:{width}}  {value:,}" for name, value in figures.items())


def as_json(figures: Mapping[str, Number]) -> str:
    """One object."""
    return json.dumps(figures, indent=1)


def _round(choose: object, values: list[float]) -> float:
    return round(choose(values), 2) if values and callable(choose) else 0.0
