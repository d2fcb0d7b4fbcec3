"""The members of an evaluation profile (rest-gwa.md 4.1)."""

from gwa_api.models import CommunicationProfile
from gwa_api.rest.shapes import (
    AT,
    DURATION,
    FLAG,
    ID,
    METER_ID,
    OBIS,
    Schema,
    many,
    one_of,
    or_null,
    text,
    thing,
    whole,
)
from tariffs.instant_spec import FUNCTIONS
from tariffs.models import EvaluationProfile
from tariffs.profile_spec import BUILT_TAFS
from tariffs.tariff_spec import WEEKDAYS

_STAGE = thing("number", number=whole(0, 1000), name=text())
_RULE = thing(
    "stage",
    stage=whole(0, 1000),
    weekdays=many(one_of(WEEKDAYS), 7),
    season=thing("from to", **{"from": text(5), "to": text(5)}),
    default=FLAG,
    **{"from": text(5), "to": text(5)},
)
_TARIFF = thing(
    "stages",
    stages=many(_STAGE, 64),
    rules=many(_RULE, 500),
    switches=many(thing("*", at=AT, stage=whole(0, 1000)), 5000),
    holidays={"anyOf": [text(), many(text(), 500)]},
    trudi_compat=FLAG,
)
_INPUT = thing(
    "meter obis", meter=METER_ID, obis=OBIS, sign={"type": "integer", "enum": [1, -1]}
)
_BILLING = thing(
    unit=one_of(EvaluationProfile.BillingUnit), count=whole(1, 366), day=whole(1, 28)
)
_RECIPIENT = thing(
    "participant", participant=ID, route=one_of(CommunicationProfile.Route)
)
_DELIVERY = thing(schedule=or_null(text(64, 0)), recipients=many(_RECIPIENT, 64))
PROFILE: dict[str, Schema] = {
    "taf": {"type": "integer", "enum": sorted(BUILT_TAFS)},
    "name": text(),
    "consumer": ID,
    "metering_point": text(33),
    "supplier_id": text(32),
    "valid_from": or_null(AT),
    "valid_to": or_null(AT),
    "inputs": many(_INPUT, 64, 1),
    "registration_period": DURATION,
    "billing_period": _BILLING,
    "tariff": or_null(_TARIFF),
    "aggregates": many(
        thing("obis function", obis=OBIS, function=one_of(FUNCTIONS), window=DURATION),
        64,
    ),
    "thresholds": many(
        thing(
            "obis direction limit",
            obis=OBIS,
            direction=one_of(("over", "under")),
            limit=text(24),
            hysteresis=text(24),
            min_hold=whole(1, 1000),
            min_interval=DURATION,
        ),
        64,
    ),
    "triggers": many(text(16), 4),
    "delivery": _DELIVERY,
    "pseudonym": or_null(text(32)),
    "pseudonymise": FLAG,
    "purpose": or_null(text()),
}
PROFILE_LINE = {
    "id": ID,
    "taf": whole(1, 14),
    "state": one_of(EvaluationProfile.State),
    "version": whole(1),
}
