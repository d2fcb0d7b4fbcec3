"""Values as Home Assistant finds them by itself: MQTT discovery.

Pure: readings in, topics and payloads out. One sensor per register of a meter; the
values of a meter come as one JSON document on its state topic.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from hardware.readings import RegisterValue
from hardware.units import CUBIC_METRE, UNIT_NAMES
from meters.selectors import LatestReading
from portal.register_names import medium_name, register_name

DISCOVERY = "homeassistant"
ONLINE, OFFLINE = "online", "offline"
_GAS = 7
_KILO = {"Wh": "kWh", "VAh": "kVAh", "varh": "kvarh"}
_CLASSES = {
    "kWh": "energy",
    "W": "power",
    "VA": "apparent_power",
    "var": "reactive_power",
    "V": "voltage",
    "A": "current",
    "Hz": "frequency",
    "°C": "temperature",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message for the broker; an empty payload removes a retained one."""

    topic: str
    payload: str
    retain: bool = False


def availability_topic(huid: str, consumer: str) -> str:
    """Where it stands whether the gateway is there."""
    return f"casa/{huid}/{consumer}/status"


def state_topic(huid: str, meter: str) -> str:
    """Where the values of a meter stand."""
    return f"casa/{huid}/{meter}/state"


def discovery(huid: str, consumer: str, latest: LatestReading) -> Iterator[Message]:
    """What tells Home Assistant of the registers of a meter; kept by the broker."""
    for register in latest.registers:
        config = _sensor(huid, consumer, latest, register)
        topic = _config_topic(huid, latest, register)
        yield Message(topic, json.dumps(config, ensure_ascii=False), retain=True)


def removal(huid: str, readings: Iterable[LatestReading]) -> Iterator[Message]:
    """What makes the broker forget all that `discovery` told it."""
    for latest in readings:
        for register in latest.registers:
            yield Message(_config_topic(huid, latest, register), "", retain=True)


def state(huid: str, latest: LatestReading) -> Message:
    """The newest values of a meter, exact decimals as numbers, and their time."""
    values = {
        register.obis.logical_name: _amount(register) for register in latest.registers
    }
    members = [f'"time": "{latest.captured_at.isoformat()}"']
    members += [f'"{name}": {amount:f}' for name, amount in values.items()]
    return Message(state_topic(huid, latest.meter.id), "{" + ", ".join(members) + "}")


def _sensor(
    huid: str, consumer: str, latest: LatestReading, register: RegisterValue
) -> dict[str, object]:
    key, unit = register.obis.logical_name, _unit(register)
    code = str(register.obis)
    sensor: dict[str, object] = {
        "name": f"{register_name(register.obis)} {code}".strip(),
        "unique_id": _unique_id(huid, latest, register),
        "state_topic": state_topic(huid, latest.meter.id),
        "value_template": f"{{{{ value_json['{key}'] }}}}",
        "availability_topic": availability_topic(huid, consumer),
        "state_class": "total_increasing" if register.is_counter else "measurement",
        "device": _device(huid, latest),
    }
    if unit:
        sensor["unit_of_measurement"] = unit
    if device_class := _device_class(register, unit):
        sensor["device_class"] = device_class
    return sensor


def _device(huid: str, latest: LatestReading) -> dict[str, object]:
    meter = latest.meter
    medium = medium_name(meter.medium)
    return {
        "identifiers": [f"{huid}_{meter.id}"],
        "name": f"{medium} {meter.id}".strip(),
        "manufacturer": "CASA",
        "model": "Smart Meter Gateway",
        "serial_number": meter.id,
    }


def _device_class(register: RegisterValue, unit: str) -> str:
    if register.unit in (CUBIC_METRE, CUBIC_METRE + 1):
        return "gas" if register.obis.groups[0] == _GAS else "water"
    return _CLASSES.get(unit, "")


def _unit(register: RegisterValue) -> str:
    symbol = UNIT_NAMES.get(register.unit, "")
    return _KILO.get(symbol, symbol)


def _amount(register: RegisterValue) -> Decimal:
    kilo = UNIT_NAMES.get(register.unit, "") in _KILO
    return register.amount.scaleb(-3) if kilo else register.amount


def _unique_id(huid: str, latest: LatestReading, register: RegisterValue) -> str:
    return f"{huid}_{latest.meter.id}_{register.obis.logical_name}"


def _config_topic(huid: str, latest: LatestReading, register: RegisterValue) -> str:
    unique = _unique_id(huid, latest, register)
    return f"{DISCOVERY}/sensor/{unique}/config"
