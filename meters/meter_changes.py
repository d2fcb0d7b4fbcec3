"""What may change of a meter, and when it may go."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from hardware.gateway import Gateway
from hardware.wmbus_address import MeterAddress
from meters.configuration import check_max_register_value, check_name, check_port
from meters.configuration_errors import MeterInvalid
from meters.credential_store import is_master_key, keep_master_key
from meters.models import Meter, OriginalRecord
from meters.wireless_state import forget_stored_counters


class MeterInUse(Exception):
    """The meter has values or profiles: it can be switched off, not deleted."""


@dataclass(frozen=True, slots=True)
class MeterChange:
    """What the meter shall be from now on; all else about it never changes."""

    name: str
    port: str
    baudrate: int
    allow_unsecured_billing: bool
    is_active: bool
    max_register_value: int | None = None
    master_key: bytes | None = None


@transaction.atomic
def change_meter(
    gateway: Gateway, meter_id: str, change: MeterChange, *, now: datetime
) -> Meter:
    """Change a meter as a new version; raises MeterInvalid, Meter.DoesNotExist.

    Nothing happens when nothing differs. `master_key` None keeps the one it has.
    """
    meter = Meter.objects.select_for_update().get(pk=meter_id)
    before = [getattr(meter, name) for name in _PLAIN]
    check_name(change.name)
    check_max_register_value(change.max_register_value)
    for name in _PLAIN:
        setattr(meter, name, getattr(change, name))
    check_port(meter)
    if before != [getattr(meter, name) for name in _PLAIN] or change.master_key:
        meter.version += 1
        meter.save(update_fields=[*_PLAIN, "version"])
    if change.master_key is not None:
        if meter.security == Meter.Security.PLAIN:
            raise MeterInvalid("master_key", "a meter read in plain has none")
        _change_key(gateway, meter, change.master_key, now)
    return meter


def _change_key(gateway: Gateway, meter: Meter, key: bytes, now: datetime) -> None:
    """Keep another key; the counter of a wireless meter begins anew with it."""
    if is_master_key(gateway, meter, key.hex()):
        return
    keep_master_key(gateway, meter, key, now=now)
    if meter.source == Meter.Source.WMBUS:
        forget_stored_counters(MeterAddress(bytes.fromhex(meter.server_id)[1:]))


@transaction.atomic
def delete_meter(meter_id: str) -> None:
    """Delete a meter that never had a value; raises MeterInUse, Meter.DoesNotExist."""
    meter = Meter.objects.select_for_update().get(pk=meter_id)
    if OriginalRecord.objects.filter(meter=meter).exists():
        raise MeterInUse("the meter has values: switch it off instead")
    meter.delete()


_PLAIN = (
    "name",
    "port",
    "baudrate",
    "allow_unsecured_billing",
    "is_active",
    "max_register_value",
)
