"""The shapes of what the interfaces of the HAN answer, as JSON Schema 2020-12."""

from collections.abc import Mapping
from typing import Any

from django.views import View

from portal import api, con_api

Json = dict[str, Any]

_TIME: Json = {"type": "string", "format": "date-time"}
_TEXT: Json = {"type": "string", "minLength": 1}
_INTEGER: Json = {"type": "integer"}
_STATUS: Json = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
_HEX: Json = {"type": "string", "pattern": "^(-|([0-9a-f]{2})+)$"}
_AMOUNT: Json = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? \S+$"}
_REGISTER = "^[0-9a-f]{10}ff$"


def _object(needed: Mapping[str, Json], **more: Any) -> Json:
    return {
        "type": "object",
        "properties": dict(needed),
        "required": list(needed),
        **more,
    }


def _list_of(schema: str) -> Json:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}


_VALUE = {
    "logical_name": {"type": "string", "pattern": r"^[0-9a-f]{12}\..+\.sm$"},
    "scaler": _INTEGER,
    "signature": _HEX,
    "unit": _INTEGER,
    "value": {"type": "string", "pattern": "^-?[0-9]+$"},
}
_LATEST = {
    "capture_time": {"type": ["string", "null"], "format": "date-time"},
    "status": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
    "timestamp": {"type": ["string", "null"], "format": "date-time"},
    "values": _list_of("Value"),
}
_LOG_ENTRY = {
    "recordnumber": {"type": "integer", "minimum": 0},
    "timestamp": _TIME,
    "level": {"enum": ["INFO", "WARNING", "ERROR", "FATAL", "EXTENSION"]},
    "repetition": _INTEGER,
    "vendor": {"type": "string"},
    "text": _TEXT,
    "outcome": {"enum": ["Erfolgreich", "Fehlgeschlagen"]},
    "recipient": {"type": "string"},
    "profile": {"type": "string"},
}
_DEVICE = {"firmwareversion": _TEXT, "huid": _TEXT, "systemtime": _TIME}

SCHEMAS: dict[str, Json] = {
    "Names": {"type": "array", "items": {"type": "string"}},
    "Device": _object(_DEVICE),
    "Reading": _object(
        {"timestamp_nom": _TIME, "timestamp_act": _TIME, "status": _STATUS},
        patternProperties={_REGISTER: _AMOUNT},
        additionalProperties=False,
    ),
    "Readings": _list_of("Reading"),
    "LatestReading": {
        "oneOf": [
            {"$ref": "#/components/schemas/Reading"},
            {"type": "array", "maxItems": 0},
        ]
    },
    "Value": _object(_VALUE),
    "Latest": _object(_LATEST),
    "LatestOfMeter": _object({"id": _TEXT, "medium": _INTEGER} | _LATEST),
    "Realtime": _object(
        {
            "meter": {
                "type": "object",
                "additionalProperties": {"$ref": "#/components/schemas/Latest"},
            }
        }
    ),
    "Record": _object(
        {
            "timestamp": _TIME,
            "capture_time": _TIME,
            "status": _STATUS,
            "values": _list_of("Value"),
            "signed_text": _TEXT,
            "signature": _HEX,
            "signer_ski": {"type": "string"},
        }
    ),
    "Records": _list_of("Record"),
    "Contract": _object(
        {
            "logical_name": _TEXT,
            "taf_type": {"type": "string", "pattern": "^TAF-[0-9]+$"},
            "taf_name": _TEXT,
            "taf_identifier": _TEXT,
            "active_tariff": _INTEGER,
            "capture_period": _INTEGER,
            "emt_channel_name": _TEXT,
            "metering_point_id": _TEXT,
            "sensor_domains": {"type": "array", "items": _TEXT, "minItems": 1},
            "user_domain": _TEXT,
            "validity_start": _INTEGER,
            "validity_end": {"type": "integer", "maximum": 2**31 - 1},
        }
    ),
    "Periods": {"type": "array", "items": _object({"start": _TIME, "end": _TIME})},
    "Log": {"type": "array", "items": _object(_LOG_ENTRY)},
    "NumberedLog": {
        "type": "array",
        "items": _object(_LOG_ENTRY | {"event_id": _INTEGER, "event_sub_id": _INTEGER}),
    },
    "Export": {
        "oneOf": [
            {"$ref": "#/components/schemas/PlainExport"},
            {"$ref": "#/components/schemas/SignedExport"},
        ]
    },
    "PlainExport": _object(
        {
            "format": {"const": "casa-export-v1"},
            **_DEVICE,
            "type": {"enum": ["readings", "contracts", "log"]},
            "id": _TEXT,
            "fromtime": {"type": ["string", "null"], "format": "date-time"},
            "totime": {"type": ["string", "null"], "format": "date-time"},
            "data": {"type": "array"},
        }
    ),
    "SignedExport": _object(
        {
            "format": {"const": "casa-signed-export-v1"},
            "algorithm": {"const": "CMS_ECDSA_SHA256_Detached"},
            "content": {"type": "string", "contentEncoding": "base64"},
            "signature": {"type": "string", "contentEncoding": "base64"},
            "certificate": _TEXT,
        }
    ),
    "State": _object({"state": {"const": "running"}}),
    "Problem": _object({"status": _INTEGER, "title": _TEXT, "detail": _TEXT}),
}

SCHEMAS_OF: Mapping[type[View], str] = {
    api.SystemInformations: "Device",
    api.Meters: "Names",
    api.LatestShort: "LatestReading",
    api.LatestExtended: "Latest",
    api.RealtimeData: "Realtime",
    api.OriginalMonth: "Readings",
    api.OriginalRecord: "Record",
    api.Contracts: "Names",
    api.Contract: "Contract",
    api.BillingPeriods: "Periods",
    api.BillingPeriod: "Readings",
    api.Daily: "Readings",
    api.ConsumerLog: "Log",
    api.SignatureCertificate: "Names",
    con_api.Devices: "Names",
    con_api.Device: "Device",
    con_api.Meters: "Names",
    con_api.LatestOfMeter: "LatestOfMeter",
    con_api.Readings: "Records",
    con_api.Contracts: "Names",
    con_api.Contract: "Contract",
    con_api.Log: "NumberedLog",
    con_api.ReadingsExport: "Export",
    con_api.ContractExport: "Export",
    con_api.LogExport: "Export",
}
"""Which shape each resource answers with 200."""
