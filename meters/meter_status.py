"""From the meter's own word to the combined status word and to events."""

from hardware.gateway import Gateway
from hardware.lmn_wireless import STATUS_SHIFT
from hardware.status_word import (
    LATER_METER_ERROR,
    LATER_TAMPER,
    LATER_WIRELESS,
    METER_BASIC,
    METER_FATAL,
    METER_MAGNETIC_TAMPER,
    METER_MECHANICAL_TAMPER,
    NOT_FOR_BILLING,
    PLACEHOLDER,
    TIME_INVALID,
    WARNING,
    combined,
    meter_word,
)
from hardware.wmbus_status import MeterStatus
from logbooks.alarms import AlarmKind
from logbooks.catalogue import Event
from meters.models import Meter

TAMPERED = METER_MAGNETIC_TAMPER | METER_MECHANICAL_TAMPER


def status_of(gateway: Gateway, meter: Meter, word: int) -> int:
    """The combined word of a value that this meter gave with its own `word`.

    The status byte of a wireless meter does not leave the gateway as such: a permanent
    error is fatal already, all other errors are a warning of the gateway (D12).
    """
    bits = gateway_bits(gateway, meter)
    if not meter.is_wireless:
        return combined(bits, word)
    if _told_by_radio(word).has_passing_error:
        bits |= WARNING
    return combined(bits, word & _WITHOUT_STATUS_BYTE)


def placeholder_status(gateway: Gateway, meter: Meter, before: int) -> int:
    """The combined word of a placeholder after a record with the word `before`.

    Of the meter's half only its type is repeated: what it said about another time is
    no statement about this one, and the verdict of a placeholder is 3 (D18).
    """
    bits = gateway_bits(gateway, meter) | PLACEHOLDER
    return combined(bits, meter_word(before) & METER_BASIC)


def gateway_bits(gateway: Gateway, meter: Meter) -> int:
    """The bits that the gateway adds to all that it takes from this meter."""
    bits = NOT_FOR_BILLING if meter.is_plain_source else 0
    return bits if gateway.clock.is_valid else bits | TIME_INVALID


def later_bits_of(word: int, *, is_wireless: bool = False) -> int:
    """The bits of the later dialect for a meter's own word (gateway-model.md 3.9)."""
    if not is_wireless:
        return LATER_TAMPER if _interpreted(word) & TAMPERED else 0
    told = _told_by_radio(word)
    has_error = told.is_fatal or told.application == "alarm"
    return LATER_WIRELESS | (LATER_METER_ERROR if has_error else 0)


def new_faults(before: int, now: int) -> list[Event]:
    """The events for what a meter reports that it did not report before.

    Both are meter words, or combined words: there the warning of the gateway is a
    temporary error of a wireless meter. Bit 17 is fatal, bits 9 and 10 are temporary
    (lmn-wired.md 7.5); words of older meters, bit 2 = 0, have another layout and are
    not interpreted.
    """
    raised = _interpreted(now) & ~_interpreted(before)
    events = []
    if raised & (TAMPERED | WARNING << 32):
        events.append(Event.METER_STATUS_TEMPORARY)
    if raised & METER_FATAL:
        events.append(Event.METER_STATUS_FATAL)
    return events


_ALARMS = (
    (AlarmKind.METER_TAMPER, TAMPERED, Event.METER_STATUS_TEMPORARY),
    (AlarmKind.METER_FATAL, METER_FATAL, Event.METER_STATUS_FATAL),
)


def raised_alarms(before: int, now: int) -> list[tuple[AlarmKind, int]]:
    """The alarms, with their codes, that begin with a meter's word."""
    raised = _interpreted(now) & ~_interpreted(before)
    return [(kind, event.value[0]) for kind, bits, event in _ALARMS if raised & bits]


def ended_alarms(before: int, now: int) -> list[AlarmKind]:
    """The alarms that are over with a meter's word: none of their bits is left."""
    was, is_now = _interpreted(before), _interpreted(now)
    return [kind for kind, bits, _ in _ALARMS if was & bits and not is_now & bits]


def _interpreted(word: int) -> int:
    return word if word & METER_BASIC else 0


_WITHOUT_STATUS_BYTE = (1 << STATUS_SHIFT) - 1


def _told_by_radio(word: int) -> MeterStatus:
    return MeterStatus(word >> STATUS_SHIFT & 0xFF)
