"""Plain names of registers, shown beside the OBIS code and never instead of it."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from hardware.obis import Obis
from tariffs.quantities import MAXIMUM, MEAN, MINIMUM

ERROR_STAGE = 63
"""Group E of the error register of TAF2 (tariffication.md)."""

_TOTALS = {
    1: _l("Bezug gesamt"),
    2: _l("Einspeisung gesamt"),
    3: _l("Blindenergie Bezug"),
    4: _l("Blindenergie Einspeisung"),
    5: _l("Blindenergie Quadrant 1"),
    6: _l("Blindenergie Quadrant 2"),
    7: _l("Blindenergie Quadrant 3"),
    8: _l("Blindenergie Quadrant 4"),
    16: _l("Summe Bezug und Einspeisung"),
    21: _l("Bezug L1"),
    22: _l("Einspeisung L1"),
    41: _l("Bezug L2"),
    42: _l("Einspeisung L2"),
    61: _l("Bezug L3"),
    62: _l("Einspeisung L3"),
}
_STAGES = {1: _l("Bezug Stufe %(stage)s"), 2: _l("Einspeisung Stufe %(stage)s")}
_MOMENTARY = {
    1: _l("Bezugsleistung jetzt"),
    2: _l("Einspeiseleistung jetzt"),
    3: _l("Blindleistung jetzt"),
    9: _l("Scheinleistung jetzt"),
    13: _l("Leistungsfaktor"),
    14: _l("Frequenz"),
    15: _l("Betrag der Leistung jetzt"),
    16: _l("Leistung jetzt"),
    31: _l("Strom L1"),
    32: _l("Spannung L1"),
    36: _l("Leistung L1"),
    51: _l("Strom L2"),
    52: _l("Spannung L2"),
    56: _l("Leistung L2"),
    71: _l("Strom L3"),
    72: _l("Spannung L3"),
    76: _l("Leistung L3"),
    21: _l("Bezugsleistung L1"),
    41: _l("Bezugsleistung L2"),
    61: _l("Bezugsleistung L3"),
    22: _l("Einspeiseleistung L1"),
    42: _l("Einspeiseleistung L2"),
    62: _l("Einspeiseleistung L3"),
    81: _l("Phasenwinkel"),
}
_OVER_A_TIME = _MOMENTARY | {
    1: _l("Bezugsleistung"),
    2: _l("Einspeiseleistung"),
    3: _l("Blindleistung"),
    9: _l("Scheinleistung"),
    15: _l("Betrag der Leistung"),
    16: _l("Leistung"),
}
"""The same quantities where a value is not that of a moment."""

_AGGREGATES = {
    MINIMUM: _l("%(quantity)s, kleinster Wert"),
    MEAN: _l("%(quantity)s, Mittelwert"),
    MAXIMUM: _l("%(quantity)s, größter Wert"),
}
_OTHER_MEDIA = {
    6: _l("Wärmemenge"),
    7: _l("Gasvolumen"),
    8: _l("Kaltwasser"),
    9: _l("Warmwasser"),
}
ELECTRICITY, COUNTED, NOW = 1, 8, 7


def register_name(obis: Obis, stage_names: Mapping[int, str] | None = None) -> str:
    """What the register counts, in the active language; '' where no name is known.

    A tariff stage has its number and, when the tariff names it, its name.
    """
    medium, _channel, quantity, kind, stage, _history = obis.groups
    if medium != ELECTRICITY:
        return str(_OTHER_MEDIA.get(medium, ""))
    if kind == NOW:
        return str(_MOMENTARY.get(quantity, ""))
    if kind in _AGGREGATES and quantity in _OVER_A_TIME:
        return str(_AGGREGATES[kind]) % {"quantity": _OVER_A_TIME[quantity]}
    if kind != COUNTED:
        return ""
    if stage == 0:
        return str(_TOTALS.get(quantity, ""))
    name = (stage_names or {}).get(stage, "")
    return _stage_name(quantity, f"{stage} ({name})" if name else str(stage), stage)


def _stage_name(quantity: int, words: str, stage: int) -> str:
    if stage == ERROR_STAGE:
        return _("Fehlerregister")
    text = _STAGES.get(quantity)
    return str(text) % {"stage": words} if text else ""


_MEDIA = {
    0x1: _l("Strom"),
    0x4: _l("Heizkostenverteiler"),
    0x5: _l("Kälte"),
    0x6: _l("Wärme"),
    0x7: _l("Gas"),
    0x8: _l("Kaltwasser"),
    0x9: _l("Warmwasser"),
}


def medium_name(medium: int) -> str:
    """The name of a meter's medium (first digit of its id); '' for an unknown one."""
    return str(_MEDIA.get(medium, ""))
