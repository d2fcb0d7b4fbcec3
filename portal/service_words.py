"""Roles, lights, lines and meters in words, for the technician's pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from hardware.device_state_file import Mode
from hardware.leds import Channel, LedFacts, Leds, Light, Phase, leds
from meters.models import Account, Meter

ROLE_NAMES: Mapping[Account.Role, Promise] = {
    Account.Role.CONFIGURATOR: _l("Erstkonfigurator"),
    Account.Role.TECHNICIAN: _l("Servicetechniker"),
}

MEDIA: Mapping[int, Promise] = {
    1: _l("Strom"),
    5: _l("Wärmekosten"),
    6: _l("Wärme"),
    7: _l("Gas"),
    8: _l("Kaltwasser"),
    9: _l("Warmwasser"),
}
SOURCES: Mapping[str, str] = {
    Meter.Source.HDLC: "HDLC",
    Meter.Source.SML_PUSH: "SML",
    Meter.Source.D0_PUSH: "D0",
    Meter.Source.D0_PULL: "D0",
    Meter.Source.WMBUS: "Wireless M-Bus",
}
STICKS: Mapping[str, str] = {
    Meter.Stick.IM871A: "iM871A",
    Meter.Stick.AMB8465: "AMB8465",
    Meter.Stick.CUL: "CUL",
}
TIME_SOURCES: Mapping[str, Promise] = {
    "host": _l("Uhr des Rechners"),
    "rtc": _l("Echtzeituhr"),
    "ntp_tls": _l("NTP über TLS"),
}
PROCESS_STATES: Mapping[str, Promise] = {
    "ready": _l("bereit"),
    "done": _l("fertig"),
    "starting": _l("startet"),
    "waiting": _l("wartet auf Neustart"),
    "failed": _l("ausgefallen"),
}
SECURITIES: Mapping[str, str] = {"tls": "TLS", "mode7": "7", "mode5": "5"}


@dataclass(frozen=True, slots=True)
class LedWords:
    """A light: its name, colour, what it does, and what that means.

    `lamp` is how it is drawn: on-green, on-blue, half (blinks) or off.
    """

    name: str
    long_name: str
    light: str
    meaning: str
    lamp: str


def led_words(facts: LedFacts) -> list[LedWords]:
    """The four lights as they are now, explained (manual ch. 2.3.2)."""
    shown = leds(facts)
    meanings = _meanings(facts, shown)
    return [
        LedWords(name, str(long_name), str(_LIGHTS[light]), meaning, _lamp(name, light))
        for (name, long_name), light, meaning in zip(
            _NAMES, (shown.pwr, shown.tls, shown.lmc, shown.wmt), meanings, strict=True
        )
    ]


_NAMES = (
    ("PWR", _l("Power, grün")),
    ("TLS", _l("Transport Layer Security, grün")),
    ("LMC", _l("Local Meter Controller, grün")),
    ("wMT", _l("Wireless M-Bus Traffic, blau")),
)
_LIGHTS: Mapping[Light, Promise] = {
    Light.OFF: _l("aus"),
    Light.ON: _l("leuchtet"),
    Light.BLINK: _l("blinkt"),
    Light.HEARTBEAT: _l("Herzschlag"),
    Light.FLASH: _l("blitzt"),
}


def _lamp(name: str, light: Light) -> str:
    if light is Light.OFF:
        return "off"
    if light in (Light.BLINK, Light.HEARTBEAT):
        return "half"
    return "on-blue" if name == "wMT" else "on-green"


def _meanings(facts: LedFacts, shown: Leds) -> tuple[str, str, str, str]:
    if facts.mode is Mode.HARD:
        text = _("Außer Betrieb (Hard Lock-Down): Das Gerät muss ausgetauscht werden.")
        return (text,) * 4
    return (
        _power(facts),
        str(_CHANNELS[facts.channel]),
        _addresses(facts, shown.lmc),
        _("Blitzt kurz, wenn ein Funktelegramm eines unserer Zähler empfangen wird."),
    )


def _power(facts: LedFacts) -> str:
    if facts.mode is Mode.SOFT:
        return _("Sperrzustand (Soft Lock-Down): Der Administrator muss freigeben.")
    return str(_PHASES[facts.phase])


_PHASES: Mapping[Phase, Promise] = {
    Phase.INITIALISING: _l("Die Firmware initialisiert sich."),
    Phase.STARTING: _l("Die Dienste werden gestartet, oder einer ist ausgefallen."),
    Phase.READY: _l("Alle Dienste sind gestartet und betriebsbereit."),
}
_CHANNELS: Mapping[Channel, Promise] = {
    Channel.DOWN: _l("Keine Verbindung zum Gateway-Administrator."),
    Channel.CONNECTING: _l("Die Verbindung zum Gateway-Administrator wird aufgebaut."),
    Channel.QUALITY_SEAL: _l(
        "Verbunden mit dem Gateway-Administrator, noch mit Gütesiegelzertifikat."
    ),
    Channel.OPERATIONAL: _l(
        "Verbunden mit dem Gateway-Administrator, Wirkzertifikat (Normalbetrieb)."
    ),
}


def _addresses(facts: LedFacts, light: Light) -> str:
    if light is Light.HEARTBEAT:
        return _("Die Speisung des LMN-Busses ist überlastet (mehr als 290 mA).")
    if not facts.has_addresses:
        return _("Keinem Zähler ist eine HDLC-Adresse zugewiesen.")
    if light is Light.BLINK:
        return _("Zählern sind Adressen zugewiesen, aber die Systemzeit ist ungültig.")
    return _("Mindestens ein Zähler hat eine HDLC-Adresse.")


def line_name(source: str) -> str:
    """LMN-1 for wires, LMN-A for radio, else a port of its own (R5)."""
    if source == Meter.Source.WMBUS:
        return "LMN-A"
    return "LMN-1" if source == Meter.Source.HDLC else _("optisch oder seriell")


def source_words(source: str, security: str) -> str:
    """How a meter is read: 'HDLC, TLS', 'Wireless M-Bus, Modus 7'."""
    name = SOURCES.get(source, source)
    if source == Meter.Source.WMBUS and security in ("mode7", "mode5"):
        return _("%(name)s, Modus %(mode)s") % {
            "name": name,
            "mode": SECURITIES[security],
        }
    return f"{name}, {SECURITIES.get(security, security or '-')}"
