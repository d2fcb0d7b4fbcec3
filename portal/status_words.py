"""The words that stand for a value's status, worst first (portal design 9)."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from hardware import status_word


@dataclass(frozen=True, slots=True)
class StatusWord:
    """A status as a page shows it; `tone` is '' when nothing stands out."""

    key: str
    word: str | Promise
    tone: str
    icon: str


OK = StatusWord("ok", _l("Ok"), "", "")
WARNING = StatusWord("warnung", _l("Warnung"), "warn", "warn")
NO_VALUE = StatusWord("kein-wert", _l("Kein Wert"), "none", "gap")
TEMPORARY = StatusWord("ersatzwert", _l("Fehler, Ersatzwert möglich"), "warn", "warn")
ERROR = StatusWord("fehler", _l("Fehler"), "bad", "bad")
TIME_INVALID = StatusWord("zeit-ungueltig", _l("Zeit ungültig"), "bad", "clock")
NOT_FOR_BILLING = StatusWord(
    "nicht-abrechnung", _l("Nicht für die Abrechnung"), "warn", "warn"
)
PROVISIONAL = StatusWord("vorlaeufig", _l("vorläufig"), "info", "clock")

_BY_VERDICT = {1: WARNING, 2: TEMPORARY, 3: ERROR, 4: ERROR}


def word_of(status: int) -> StatusWord:
    """The word of a 64-bit status word; the worst of what is set wins."""
    verdict = status_word.ptb_status(status)
    gateway = status_word.gateway_word(status)
    if verdict == 4:
        return ERROR
    if status_word.is_placeholder(status):
        return NO_VALUE
    if gateway & status_word.TIME_INVALID:
        return TIME_INVALID
    if verdict:
        return _BY_VERDICT[verdict]
    return NOT_FOR_BILLING if gateway & status_word.NOT_FOR_BILLING else OK
