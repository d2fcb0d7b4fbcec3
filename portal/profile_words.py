"""A profile in words: its use case, its meters, its periods."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from tariffs.models import EvaluationProfile
from tariffs.tariff_spec import tariff_of

_TAF_NAMES = {
    1: _l("Datensparsamer Tarif"),
    2: _l("Zeitvariabler Tarif"),
    6: _l("Abruf von Messwerten im Bedarfsfall"),
    7: _l("Zählerstandsgang"),
    9: _l("Ist-Einspeisung"),
    10: _l("Netzzustandsdaten"),
    14: _l("Hochfrequente Messwerte"),
}
BILLED_ONCE = 1
"""TAF1 has a value at the end of each billing period only."""
BY_DAY = 6
"""TAF6 has the values of the beginnings of days, however often the meter is read."""

STAGES = 2
"""TAF2 has values at each switch of the tariff stage, and at these ends."""


def taf_title(profile: EvaluationProfile) -> str:
    """'TAF 7, Zählerstandsgang'."""
    name = str(_TAF_NAMES.get(profile.taf, ""))
    return f"TAF {profile.taf}, {name}" if name else f"TAF {profile.taf}"


def meter_ids(profile: EvaluationProfile) -> Sequence[str]:
    """The hex ids of the profile's meters, each once, in the order of its inputs."""
    return list(dict.fromkeys(i.meter.server_id for i in profile.inputs.all()))


def registration_words(profile: EvaluationProfile) -> str:
    """How often a value is registered: '15 Minuten', TAF1 '1 Monat', TAF6 '1 Tag'."""
    if profile.taf == BILLED_ONCE:
        return billing_words(profile)
    if profile.taf == BY_DAY:
        return _counted(1, "day")
    seconds = profile.registration_period_s
    if seconds % 3600 == 0:
        return _counted(seconds // 3600, "hour")
    if seconds % 60 == 0:
        return _counted(seconds // 60, "minute")
    return _counted(seconds, "second")


def billing_words(profile: EvaluationProfile) -> str:
    """How long a billing period is: '1 Monat', '2 Wochen'."""
    return _counted(profile.billing_count, profile.billing_unit)


def _counted(count: int, unit: str) -> str:
    words = {
        "second": ngettext("%(count)s Sekunde", "%(count)s Sekunden", count),
        "minute": ngettext("%(count)s Minute", "%(count)s Minuten", count),
        "hour": ngettext("%(count)s Stunde", "%(count)s Stunden", count),
        "day": ngettext("%(count)s Tag", "%(count)s Tage", count),
        "week": ngettext("%(count)s Woche", "%(count)s Wochen", count),
        "month": ngettext("%(count)s Monat", "%(count)s Monate", count),
    }
    return words[unit] % {"count": count}


def stage_names(profile: EvaluationProfile) -> Mapping[int, str]:
    """The names of the tariff stages that have one, by their numbers."""
    return tariff_of(profile.tariff).stage_names if profile.tariff else {}


def time_note(profile: EvaluationProfile) -> str:
    """What the time stamp of a value of this profile means."""
    if profile.taf == BILLED_ONCE:
        return _("ist das Ende des Abrechnungszeitraumes, für den der Wert gilt.")
    if profile.taf == STAGES:
        return _(
            "ist eine Umschaltung der Tarifstufe oder das Ende des "
            "Abrechnungszeitraumes. Die Werte zählen seit Beginn des Vertrages."
        )
    if profile.taf == BY_DAY:
        return _("ist der Beginn des Tages, für den der Wert gilt.")
    if profile.registration_period_s == 900:
        return _("ist das Ende der Viertelstunde, für die der Wert gilt.")
    return _("ist das Ende der Registrierperiode, für die der Wert gilt.")
