"""A profile's stored document in the form of the API (rest-gwa.md 4.1)."""

from gwa_api.rest.declaration import Json

_SAME = (
    "taf",
    "name",
    "consumer",
    "metering_point",
    "supplier_id",
    "valid_from",
    "valid_to",
    "inputs",
)


def body_of(document: Json) -> Json:
    """What a PUT would say to make the profile as it is (`tariffs.versions`)."""
    body = {name: document[name] for name in _SAME}
    body["registration_period"] = _duration(document["registration_period_s"])
    body["billing_period"] = {
        name: document[f"billing_{name}"] for name in ("unit", "count", "day")
    }
    body["delivery"] = {
        "schedule": document.get("schedule") or None,
        "recipients": [{"participant": one} for one in document["recipients"]],
    }
    if document.get("tariff"):
        body["tariff"] = document["tariff"]
    if document.get("instant_values") is not None:
        body |= _instant_values(document)
    return body


def _instant_values(document: Json) -> Json:
    given = document["instant_values"]
    shown: Json = {
        "aggregates": [
            {
                "obis": one["obis"],
                "function": one["function"],
                "window": _duration(one["window_s"]),
            }
            for one in given["aggregates"]
        ],
        "thresholds": [_threshold(one) for one in given["thresholds"]],
        "triggers": given["triggers"],
        "pseudonymise": document.get("pseudonymise", True),
    }
    for name in ("pseudonym", "purpose"):
        if document.get(name):
            shown[name] = document[name]
    return shown


def _threshold(one: Json) -> Json:
    rest = {name: value for name, value in one.items() if name != "min_interval_s"}
    return {**rest, "min_interval": _duration(one["min_interval_s"])}


def _duration(seconds: int) -> str:
    whole, rest = divmod(seconds, 60)
    return f"PT{seconds}S" if rest or not whole else f"PT{whole}M"
