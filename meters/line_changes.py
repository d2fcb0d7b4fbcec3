"""Moving a line: another port or another radio module for all meters that are on it."""

from django.db import transaction

from meters.configuration import check_port
from meters.configuration_errors import MeterInvalid
from meters.models import Meter
from meters.wireless_configuration import BAUDRATES


@transaction.atomic
def move_line(port: str, *, to_port: str, stick: str) -> int:
    """Give every active meter of a port the new one; how many there are.

    `stick` is the kind of radio module, "" for wires; another one comes with its own
    speed. Each changed meter becomes a
    new version of itself. Raises MeterInvalid; nothing is changed then.
    """
    there = Meter.objects.select_for_update().filter(port=port, is_active=True)
    meters = list(there)
    if not meters:
        raise MeterInvalid("port", "no meter is there")
    if meters[0].is_wireless != bool(stick) or stick not in ("", *Meter.Stick.values):
        raise MeterInvalid("stick", f"one of {', '.join(Meter.Stick.values)}")
    changed = [one for one in meters if (one.port, one.stick) != (to_port, stick)]
    for meter in changed:
        if meter.stick != stick:
            meter.baudrate = BAUDRATES[Meter.Stick(stick)]
        meter.port, meter.stick = to_port, stick
        meter.version += 1
        meter.save(update_fields=["port", "stick", "baudrate", "version"])
    for meter in changed:
        check_port(meter)
    return len(changed)
