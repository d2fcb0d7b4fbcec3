"""The check-list of an installation: what the gateway sees, what one confirms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from hardware.gateway import Gateway
from hardware.leds import Channel, Phase
from hardware.nameplate import load_nameplate
from meters.technician_view import WEAK_DBM, MeterView, lines, meter_views
from portal import formats
from portal.models import InstallationReport
from portal.service_facts import ServiceFacts
from portal.service_faults import codes_of, standing_faults

BY_HAND: Mapping[str, Promise] = {
    "mounted": _l(
        "Das Gerät ist fest montiert, Belüftung und Abdeckung sind in Ordnung."
    ),
    "seal": _l("Das Siegel ist unversehrt, seine Nummer stimmt mit dem Typenschild."),
    "cables": _l("WAN, HAN und LMN sind richtig angeschlossen und zugentlastet."),
    "antenna": _l("Die Antennen sitzen fest und stehen frei."),
    "lights": _l("Die LEDs am Gerät zeigen, was die Seite „Gerätezustand“ sagt."),
    "leaflet": _l("Der Letztverbraucher hat seine Unterlagen bekommen."),
}
"""What nobody but the technician can see, by the name of its box in the form."""

_FRESH = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Check:
    """One point; `detail` says what was found, "" where nothing is to be said."""

    text: str
    is_good: bool
    detail: str = ""


def seen_by_itself(
    gateway: Gateway, facts: ServiceFacts, *, now: datetime
) -> list[Check]:
    """What the gateway can check."""
    meters = meter_views(gateway)
    return [
        *_device_checks(gateway, facts),
        *_line_checks(gateway),
        *_meter_checks(meters, now),
        _faults(),
    ]


def _device_checks(gateway: Gateway, facts: ServiceFacts) -> Iterator[Check]:
    lights = facts.led_facts()
    running = facts.processes()
    well = sum(one.is_well for one in running)
    yield Check(
        _("Alle Dienste sind gestartet."),
        lights.phase is Phase.READY,
        f"{well}/{len(running)}",
    )
    yield Check(_("Die Systemzeit ist gültig."), gateway.clock.is_valid)
    yield Check(
        _("Die Verbindung zum Gateway-Administrator steht mit Wirkzertifikat."),
        lights.channel is Channel.OPERATIONAL,
    )
    serial = load_nameplate(gateway.state).seal_number
    yield Check(
        _("Das Typenschild nennt die Nummer des Siegels."), bool(serial), serial
    )


def _line_checks(gateway: Gateway) -> Iterator[Check]:
    found = lines(gateway)
    absent = [line.port for line in found if not line.is_open]
    yield Check(
        _("Alle Schnittstellen zu Zählern sind offen."),
        bool(found) and not absent,
        ", ".join(absent),
    )


def _meter_checks(meters: Sequence[MeterView], now: datetime) -> Iterator[Check]:
    silent = [
        one.id for one in meters if one.last_at is None or now - one.last_at > _FRESH
    ]
    yield Check(
        _("Alle Zähler wurden in den letzten 24 Stunden gelesen."),
        bool(meters) and not silent,
        ", ".join(silent),
    )
    weak = [f"{one.id}: {one.rssi_dbm} dBm" for one in meters if one.is_weak]
    yield Check(
        _("Das Funksignal aller Zähler ist stärker als %(limit)s dBm.")
        % {"limit": formats.whole_number(WEAK_DBM, formats.page_style())},
        not weak,
        ", ".join(weak),
    )


def _faults() -> Check:
    found = standing_faults()
    return Check(_("Es steht keine Störung an."), not found, codes_of(found))


def confirmed_by_hand(ticked: set[str]) -> list[Check]:
    """What somebody ticked, in the order of the list."""
    return [Check(str(text), name in ticked) for name, text in BY_HAND.items()]


def keep_report(
    seen: Sequence[Check], ticked: set[str], *, role: str, now: datetime
) -> InstallationReport:
    """Keep the result; what the gateway saw is kept in the words that were shown."""
    return InstallationReport.objects.create(
        made_at=now,
        role=role,
        seen=[asdict(check) for check in seen],
        confirmed=sorted(ticked & BY_HAND.keys()),
    )


def seen_in(report: InstallationReport) -> list[Check]:
    """What the gateway saw when the report was made."""
    return [Check(**check) for check in report.seen]
