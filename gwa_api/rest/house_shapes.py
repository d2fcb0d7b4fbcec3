"""Meters and consumers."""

from gwa_api.rest.shapes import (
    AT,
    FLAG,
    ID,
    METER_ID,
    OBIS,
    PEM,
    Schema,
    many,
    one_of,
    or_null,
    page_of,
    patch_of,
    text,
    thing,
    whole,
)
from meters.configuration import BAUDRATES, LARGEST_REGISTER, MEDIA
from meters.models import Meter

_METER: dict[str, Schema] = {
    "consumer": ID,
    "name": text(),
    "medium": {"type": "integer", "enum": sorted(MEDIA)},
    "source": one_of(Meter.Source),
    "port": text(200),
    "baudrate": {"type": "integer", "enum": sorted(BAUDRATES)},
    "server_id": text(40),
    "registers": many(OBIS, 64),
    "allow_unsecured_billing": FLAG,
    "security": one_of(Meter.Security),
    "master_key": text(32, 32, pattern="^[0-9a-fA-F]{32}$", writeOnly=True),
    "stick": one_of(Meter.Stick),
    "obis_rules": many(thing("*", dib=text(32), vib=text(32), obis=OBIS), 64),
    "max_register_value": whole(1, LARGEST_REGISTER),
    "is_active": FLAG,
}
_CONSUMER: dict[str, Schema] = {
    "name": text(),
    "auth": many(one_of(("password", "certificate")), 2, 1),
    "log_retention_months": whole(1, 1200),
}

HOUSE: dict[str, Schema] = {
    "MeterBody": thing("consumer source port", **_METER),
    "MeterPatch": patch_of(_METER),
    "Meter": thing(
        "*",
        id=METER_ID,
        server_id=text(40),
        consumer=ID,
        name=text(),
        medium=whole(0, 15),
        source=text(12),
        port=text(200),
        baudrate=whole(),
        security=text(8),
        registers=many(OBIS),
        allow_unsecured_billing=FLAG,
        max_register_value=or_null(whole(1, LARGEST_REGISTER)),
        valid_from=or_null(AT),
        is_active=FLAG,
        version=whole(1),
    ),
    "MeterLine": thing(
        "*", id=METER_ID, source=text(12), is_active=FLAG, version=whole(1)
    ),
    "MeterPage": page_of("MeterLine"),
    "ConsumerBody": thing("auth", **_CONSUMER),
    "ConsumerPatch": patch_of(_CONSUMER),
    "Consumer": thing("*", id=ID, **_CONSUMER),
    "ConsumerPage": page_of("Consumer"),
    "Credentials": {
        "oneOf": [
            thing("password", password=text(128, 8, writeOnly=True)),
            thing("certificate", certificate=PEM),
        ]
    },
}
