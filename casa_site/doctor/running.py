"""The gateway itself: does it run, are its services well, is the device locked."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from casa_site import status
from casa_site.doctor.finding import Finding, ok, warning, wrong
from logbooks import alarms, device_state


def services(state: Path) -> list[dict[str, Any]]:
    """The processes as the supervisor shows them; [] while none runs."""
    return status.services(state) if (state / "run").is_dir() else []


def findings(
    supervisor: int | None, shown: Sequence[dict[str, Any]]
) -> Iterator[Finding]:
    """Whether it runs, and each service that does not."""
    if supervisor is None:
        yield warning("gateway", "does not run", "./casa up, or systemctl start casa")
        return
    yield ok("gateway", f"runs, process {supervisor}")
    for service in shown:
        if service["state"] == "failed":
            remedy = "its last lines stand in the output of ./casa up"
            yield wrong("service", f"{service['name']} has failed", remedy)
        elif service["state"] not in {"ready", "done"}:
            remedy = "wait; if it stays, look at the output of ./casa up"
            text = f"{service['name']} is {service['state']}"
            yield warning("service", text, remedy)


def device() -> Iterator[Finding]:
    """Lock-down and open alarms, as the database has them."""
    row = device_state.current()
    if row.mode == device_state.Mode.NORMAL:
        yield ok("device", "is not locked")
    else:
        causes = ", ".join(str(code) for code in row.codes)
        remedy = "./casa manage lockdown shows and releases it; docs/faults.md"
        yield wrong("device", f"is locked ({row.mode}): {causes}", remedy)
    if open_now := list(alarms.open_alarms()):
        kinds = ", ".join(sorted({alarm.kind for alarm in open_now}))
        remedy = "./casa status explains each"
        yield warning("alarms", f"{len(open_now)} are open: {kinds}", remedy)
