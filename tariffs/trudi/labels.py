"""What a register counts, in words, as TRuDI shows it (German, translated)."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hardware.obis import Obis
from tariffs.stages import ERROR_STAGE

_ELECTRICITY, _GAS = 1, 7
_INSTANTANEOUS, _ANGLE = 7, 81
_IMPORT, _EXPORT = 1, 2

_INSTANTANEOUS_LABELS = {
    14: gettext_lazy("Frequenz"),
    16: gettext_lazy("Wirkleistung Verbrauch"),
    31: gettext_lazy("Strom L1"),
    32: gettext_lazy("Spannung L1"),
    36: gettext_lazy("Wirkleistung L1"),
    51: gettext_lazy("Strom L2"),
    52: gettext_lazy("Spannung L2"),
    56: gettext_lazy("Wirkleistung L2"),
    71: gettext_lazy("Strom L3"),
    72: gettext_lazy("Spannung L3"),
    76: gettext_lazy("Wirkleistung L3"),
}
"""By value group C, with D = 7 and E = 0."""

_ANGLE_LABELS = {
    1: gettext_lazy("Phasenwinkel U (L2) / U (L1)"),
    2: gettext_lazy("Phasenwinkel U (L3) / U (L1)"),
    4: gettext_lazy("Phasenwinkel I (L1) / U (L1)"),
    15: gettext_lazy("Phasenwinkel I (L2) / U (L2)"),
    26: gettext_lazy("Phasenwinkel I (L3) / U (L3)"),
}
"""By value group E, with C = 81 and D = 7."""


def obis_label(obis: Obis) -> str:
    """The meaning of an OBIS code in the active language."""
    medium = obis.groups[0]
    label = None
    if medium == _ELECTRICITY:
        label = _instantaneous(obis) or _energy(obis)
    elif medium == _GAS:
        label = _volume(obis)
    return label or _(
        "Für die Kennziffer %(obis)s ist keine Beschreibung hinterlegt."
    ) % {"obis": obis}


def stage_label(stage: int) -> str:
    """A tariff register by its number: total, stage, error register."""
    if stage == 0:
        return _("Gesamt")
    if stage == ERROR_STAGE:
        return _("Fehlerregister")
    return _("Tarifregister %(number)d") % {"number": stage}


def _instantaneous(obis: Obis) -> str | None:
    _a, _b, c, d, e, _f = obis.groups
    if d != _INSTANTANEOUS:
        return None
    if c == _ANGLE:
        label = _ANGLE_LABELS.get(e)
    else:
        label = _INSTANTANEOUS_LABELS.get(c) if e == 0 else None
    return str(label) if label else None


def _energy(obis: Obis) -> str | None:
    _a, _b, c, _d, e, _f = obis.groups
    if c not in (_IMPORT, _EXPORT):
        return None
    if c == _IMPORT:
        return _("Elektrische Wirkarbeit Bezug %(register)s") % {
            "register": stage_label(e)
        }
    return _("Elektrische Wirkarbeit Lieferung %(register)s") % {
        "register": stage_label(e)
    }


def _volume(obis: Obis) -> str | None:
    _a, _b, c, d, e, _f = obis.groups
    return _("Volumen") if (c, e) == (3, 0) and d in (0, 1) else None
