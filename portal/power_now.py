"""Power now: what the start page says first, and what it asks for every few seconds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from hardware.gateway import Gateway
from hardware.obis import ACTIVE_POWER
from hardware.units import WATT
from meters.models import Meter
from meters.selectors import LatestReading
from portal import formats
from portal.start_page import stale_before

NOTHING_FLOWS_W = 5
"""Below this nothing worth naming flows (portal design 3.2)."""


@dataclass(frozen=True, slots=True)
class PowerNow:
    """`flow` is import, export, none or missing; `number` is in kW, without a sign."""

    flow: str
    head: str
    text: str
    number: str
    time: str
    is_stale: bool

    def document(self) -> dict[str, object]:
        """What the script gets."""
        return asdict(self)


def power_now(
    gateway: Gateway, reading: LatestReading | None, *, now: datetime
) -> PowerNow:
    """In words and one number, from the meter's latest reading."""
    watts = _milliwatts(reading)
    if reading is None or watts is None:
        text = _("Ihr Zähler liefert keinen Momentanwert.")
        return PowerNow("missing", "", text, "", "", is_stale=False)
    flow = _flow(watts)
    head, text = _words(flow)
    return PowerNow(
        flow=flow,
        head=head,
        text=text,
        number=formats.decimal_text(abs(watts), -6, 2, formats.page_style()),
        time=formats.clock_time(reading.captured_at),
        is_stale=reading.captured_at < stale_before(gateway, now),
    )


def meter_with_power(
    readings: Sequence[LatestReading], meters: Sequence[Meter]
) -> Meter | None:
    """The meter to show first: one that tells its power, else the first of all."""
    telling = [one.meter for one in readings if _milliwatts(one) is not None]
    return next(iter([*telling, *meters]), None)


def _milliwatts(reading: LatestReading | None) -> int | None:
    for one in reading.registers if reading else ():
        if one.obis == ACTIVE_POWER and one.unit == WATT:
            scaled = int(abs(one.amount).scaleb(3))
            return -scaled if one.value < 0 else scaled
    return None


def _flow(milliwatts: int) -> str:
    if abs(milliwatts) < NOTHING_FLOWS_W * 1000:
        return "none"
    return "import" if milliwatts > 0 else "export"


def _words(flow: str) -> tuple[str, str]:
    return {
        "import": (_("Bezug"), _("Sie beziehen gerade Strom aus dem Netz.")),
        "export": (_("Einspeisung"), _("Sie geben gerade Strom an das Netz ab.")),
        "none": (
            _("Ausgeglichen"),
            _("Kein nennenswerter Austausch mit dem Netz."),
        ),
    }[flow]
