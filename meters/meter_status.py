"""From the meter's own word to the combined status word and to events."""

from hardware.gateway import Gateway
from hardware.status_word import (
    LATER_TAMPER,
    METER_BASIC,
    METER_FATAL,
    METER_MAGNETIC_TAMPER,
    METER_MECHANICAL_TAMPER,
    NOT_FOR_BILLING,
    PLACEHOLDER,
    TIME_INVALID,
    combined,
    meter_word,
)
from logbooks.alarms import AlarmKind
from logbooks.catalogue import Event
from meters.models import Meter

TAMPERED = METER_MAGNETIC_TAMPER | METER_MECHANICAL_TAMPER


def status_of(gateway: Gateway, meter: Meter, word: int) -> int:
    """The combined word of a value that this meter gave with its own `word`."""
    return combined(gateway_bits(gateway, meter), word)


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


def later_bits_of(word: int) -> int:
    """The bits of the later dialect for a wired meter's word (gateway-model.md 3.9)."""
    return LATER_TAMPER if _interpreted(word) & TAMPERED else 0


def new_faults(before: int, now: int) -> list[Event]:
    """The events for what a meter's word reports that it did not report before.

    Bit 17 is fatal, bits 9 and 10 are temporary (lmn-wired.md 7.5); words of older
    meters, bit 2 = 0, have another layout and are not interpreted.
    """
    raised = _interpreted(now) & ~_interpreted(before)
    events = []
    if raised & TAMPERED:
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
