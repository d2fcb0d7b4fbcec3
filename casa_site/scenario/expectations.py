"""What the words under `expect` look at: a function for each."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from casa_site.scenario.finding import Finding
from casa_site.scenario.installation import Installation
from casa_site.scenario.lists_expected import derived_list, original_list
from casa_site.scenario.logs_expected import (
    calibration_log,
    consumer_log,
    system_log,
)
from casa_site.scenario.partners import GWA
from gwa_api.peers.alarm_book import FOLDER as ALARMS
from gwa_api.peers.received import DOCUMENTS
from logbooks import device_state
from logbooks.alarms import open_alarms
from tariffs.models import EvaluationProfile, OutboxRow

Given = dict[str, Any]
_MISSING = "is not there"


def answer(site: Installation, given: Given) -> Iterator[Finding]:
    """The last answer to somebody's request."""
    found = site.answer
    if found is None:
        yield Finding("answer", "an answer", "nobody asked", False)
        return
    if "status" in given:
        yield Finding.of("status", given["status"], found.status)
    for text in given.get("contains", ()):
        is_there = text in found.text
        came = f"'{text}'" if is_there else f"{_MISSING}: {_beginning(found.text)}"
        yield Finding("page", f"'{text}'", came, is_there)
    for text in given.get("lacks", ()):
        is_there = text in found.text
        came = "it is there" if is_there else _MISSING
        yield Finding("page", f"no '{text}'", came, not is_there)
    if "json" in given:
        yield from _document(given["json"], found.text)


def alarms(site: Installation, given: Sequence[Given]) -> Iterator[Finding]:
    """Exactly these stand."""
    standing = [
        {"kind": one.kind, "subject": one.subject, "code": one.code}
        for one in open_alarms()
    ]
    return _set_of("alarms", given, standing)


def reported(site: Installation, given: Sequence[Given]) -> Iterator[Finding]:
    """Exactly these the GWA has been told of so far."""
    folder = site.partners.received(GWA) / ALARMS
    told = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return _set_of("told to the GWA", given, told)


def leds(site: Installation, given: Given) -> Iterator[Finding]:
    """What the four lights do."""
    shown = site.lights()
    for name, wanted in given.items():
        yield Finding.of(f"light {name}", wanted, str(getattr(shown, name)))


def device(site: Installation, given: Given) -> Iterator[Finding]:
    """Mode, causes, time."""
    row, clock = device_state.current(), site.gateway.clock
    off_ms = abs(clock.now() - site.time.true()) // timedelta(milliseconds=1)
    found = {
        "mode": str(row.mode),
        "codes": tuple(row.codes),
        "time_valid": clock.is_valid,
        "time_source": clock.source,
        "for_billing": not device_state.setting_of(site.gateway).marks_values,
    }
    for name, wanted in given.items():
        if name == "off_by_ms":
            came = f"{off_ms} ms"
            yield Finding("clock", f"at most {wanted} ms", came, off_ms <= wanted)
        else:
            yield Finding.of(f"device, {name}", wanted, found[name])


def received(site: Installation, given: Mapping[str, Given]) -> Iterator[Finding]:
    """What participants have got, decrypted and every signature checked."""
    for name, wanted in given.items():
        folder = site.partners.received(name) / DOCUMENTS
        documents = [json.loads(one.read_bytes()) for one in folder.glob("*.json")]
        found = {
            "documents": len(documents),
            "records": sum(len(one["records"]) for one in documents),
        }
        for key, count in wanted.items():
            yield Finding.of(f"{name} got {key}", count, found[key])


def outbox(site: Installation, given: Mapping[str, int]) -> Iterator[Finding]:
    """How many rows are in these states."""
    for state, count in given.items():
        found = OutboxRow.objects.filter(state=state).count()
        yield Finding.of(f"outbox, {state}", count, found)


def profiles(site: Installation, given: Mapping[str, str]) -> Iterator[Finding]:
    """The states of evaluation profiles."""
    for name, state in given.items():
        found = EvaluationProfile.objects.filter(pk=name).first()
        came = str(found.state) if found else _MISSING
        yield Finding.of(f"profile {name}", state, came)


LOOK: dict[str, Callable[[Installation, Any], Iterable[Finding]]] = {
    "answer": answer,
    "system_log": system_log,
    "calibration_log": calibration_log,
    "consumer_log": consumer_log,
    "alarms": alarms,
    "reported": reported,
    "leds": leds,
    "device": device,
    "original_list": original_list,
    "derived_list": derived_list,
    "received": received,
    "outbox": outbox,
    "profiles": profiles,
}
"""Word -> what it looks at."""


def _set_of(
    what: str, wanted: Sequence[Given], found: Sequence[Given]
) -> Iterator[Finding]:
    left = list(found)
    for want in wanted:
        match = next((one for one in left if want.items() <= one.items()), None)
        if match is not None:
            left.remove(match)
        came = _alarm_words(match) if match is not None else _MISSING
        yield Finding(what, _alarm_words(want), came, match is not None)
    if left or not wanted:
        came = "; ".join(map(_alarm_words, left)) or "nothing more"
        yield Finding(what, "nothing more", came, not left)


def _alarm_words(alarm: Given) -> str:
    words = (alarm.get(name) for name in ("kind", "subject", "code"))
    return " ".join(str(word) for word in words if word)


def _document(wanted: Any, text: str) -> Iterator[Finding]:
    try:
        document = json.loads(text)
    except ValueError:
        yield Finding("json", "a JSON document", _beginning(text), False)
        return
    for path, value in _leaves("", wanted):
        yield Finding.of(f"json {path or '/'}", value, _at(document, path))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every plain value that is asked for and the way to it."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(f"{path}/{name}", one)
    elif isinstance(value, list) and value:
        for number, one in enumerate(value):
            yield from _leaves(f"{path}/{number}", one)
    else:
        yield path, value


def _at(document: Any, path: str) -> Any:
    for word in path.split("/")[1:]:
        if isinstance(document, dict) and word in document:
            document = document[word]
        elif isinstance(document, list) and word.isdecimal():
            number = int(word)
            document = document[number] if number < len(document) else _MISSING
        else:
            return _MISSING
    return document


def _beginning(text: str) -> str:
    return " ".join(text.split())[:120]
