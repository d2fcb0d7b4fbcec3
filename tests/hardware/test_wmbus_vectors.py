"""Every wireless vector: those carried along, and all of the reference folder."""

from pathlib import Path
from typing import Any

import pytest

from hardware.wmbus import Telegram
from hardware.wmbus_errors import TelegramRefused
from hardware.wmbus_frame import normalised_a, normalised_b
from tests.hardware.vectors import read_json
from tests.hardware.wmbus_vectors import (
    ENCRYPTED_BY_MAKER,
    FORMS,
    UNDECODABLE,
    WMBUS,
    address_of,
    decoded,
    differences,
    fields_of,
    key_of,
    telegrams_of,
    wmbus_vectors,
)

NEGATIVE_ERRORS = {
    "frame_a_crc_error": "crc",
    "frame_b_crc_error": "crc",
    "short_telegram": "length",
    "mode5_wrong_key": "key",
    "mode5_no_key": "key_missing",
    "plain_but_flagged_encrypted": "plain",
    "mode7_tampered_payload": "mac",
    "mode7_tampered_counter": "mac",
    "mode7_replay": "replay",
    "mode7_wrong_key": "mac",
    "ell_ctr_wrong_key": "key",
    "compact_without_format": "format_unknown",
    "record_truncated": "truncated",
}


@pytest.fixture(params=["carried", "all"])
def folder(request: pytest.FixtureRequest) -> Path:
    if request.param == "carried":
        return WMBUS
    shared: Path = request.getfixturevalue("shared")
    return shared / "testdata" / "wmbus"


def wrong_with(vector: dict[str, Any], telegram: Telegram) -> list[Any]:
    """What is not as the vector says."""
    assert telegram.link is not None
    assert telegram.meter is not None
    wrong: list[Any] = []
    if telegram.link.address.meter_id != address_of(vector["link"]).meter_id:
        wrong.append("link")
    if telegram.meter.meter_id != address_of(vector["meter"]).meter_id:
        wrong.append("meter")
    if [f"{ci:02X}" for ci in telegram.cis] != vector["ci"]:
        wrong.append(("ci", telegram.cis))
    if vector["records"] is None:
        return wrong
    if telegram.records is None:
        return [*wrong, telegram.error]
    found = [fields_of(record) for record in telegram.records.records]
    data = telegram.records.manufacturer_data
    if (None if data is None else data.hex().upper()) != vector["mfct_data"]:
        wrong.append(("mfct_data", data))
    if vector["truncated"] != (telegram.error == "truncated"):
        wrong.append(("truncated", telegram.error))
    return wrong + differences(found, vector)


@pytest.mark.req("R5")
@pytest.mark.parametrize("form", FORMS)
def test_every_vector_gives_the_records_it_demands(folder: Path, form: str) -> None:
    """R5: telegrams of LMN-A are read as modes T and C (formats A and B) bring them."""
    wrong = {}
    for vector in wmbus_vectors(folder):
        telegrams = telegrams_of(vector, form)
        if not telegrams:
            continue
        key = key_of(vector, form)
        telegram = decoded(telegrams, key, vector.get("format_bytes"))
        if vector["id"] in UNDECODABLE or vector["class"] == ENCRYPTED_BY_MAKER:
            refused_with = UNDECODABLE.get(vector["id"], "unsupported")
            assert (telegram.error, telegram.records) == (refused_with, None)
        elif found := wrong_with(vector, telegram):
            wrong[vector["id"]] = found
    assert wrong == {}


def test_manufacturer_protocols_are_told_of_as_unsupported(folder: Path) -> None:
    for vector in wmbus_vectors(folder):
        if vector["class"] == "manufacturer_ci":
            telegram = decoded(telegrams_of(vector, "telegrams"), None)
            assert (telegram.error, telegram.records) == ("unsupported", None)


def test_transport_header_and_security_are_those_of_the_vectors(folder: Path) -> None:
    for vector in wmbus_vectors(folder):
        form = "encrypted_telegrams" if vector["encrypted_telegrams"] else "telegrams"
        key = key_of(vector, form)
        telegram = decoded(telegrams_of(vector, form), key, vector.get("format_bytes"))
        header, tpl = telegram.transport, vector["tpl"]
        if tpl:
            assert header is not None
            assert header.access_number == tpl["acc"]
            assert header.status == int(tpl["status"], 16)
            assert header.configuration == int(tpl["cfg"], 16)
        security = vector["security"]
        assert (telegram.authentication is not None) == security["afl"]
        assert bool(telegram.extended and telegram.extended.is_encrypted) == (
            security["ell"] == "aes_ctr"
        )
        if "kenc" in security:
            keys = [bytes.fromhex(security[name]) for name in ("kenc", "kmac")]
            assert telegram.keys == tuple(keys)


def test_the_signature_of_a_format_is_that_of_the_vector(folder: Path) -> None:
    for vector in wmbus_vectors(folder):
        expected = vector.get("format_signature")
        if not expected or vector["class"] == ENCRYPTED_BY_MAKER:
            continue
        if vector["id"] in UNDECODABLE:
            continue
        form = "telegrams"
        telegrams = telegrams_of(vector, form)
        telegram = decoded(telegrams, key_of(vector, form), vector.get("format_bytes"))
        assert telegram.signature == int(expected, 16), vector["id"]


# --- telegrams that must be refused -------------------------------------------------


def refused_as(case: dict[str, Any]) -> tuple[str | None, Telegram | None]:
    """The error of a negative case, and the telegram where it came that far."""
    key = bytes.fromhex(case["key"]) if case["key"] else None
    try:
        if "frame_a" in case:
            data = [normalised_a(bytes.fromhex(case["frame_a"]))]
        elif "frame_b" in case:
            data = [normalised_b(bytes.fromhex(case["frame_b"]))]
        else:
            data = [bytes.fromhex(text) for text in case["telegrams"]]
    except TelegramRefused as refusal:
        return refusal.name, None
    telegram = decoded(data * case.get("deliver", 1), key)
    return telegram.error, telegram


def test_every_negative_case_is_refused_as_it_says(folder: Path) -> None:
    for case in read_json(folder / "negative.json"):
        error, telegram = refused_as(case)
        assert error == NEGATIVE_ERRORS[case["kind"]], case["id"]
        if telegram is not None and error != "truncated":
            assert telegram.records is None, case["id"]


def test_a_repeated_counter_is_good_the_first_time(folder: Path) -> None:
    for case in read_json(folder / "negative.json"):
        if case["kind"] == "mode7_replay":
            assert refused_as(case | {"deliver": 1})[0] is None


def test_a_truncated_telegram_keeps_the_records_before(folder: Path) -> None:
    vectors = {vector["id"]: vector for vector in wmbus_vectors(folder)}
    for case in read_json(folder / "negative.json"):
        if case["kind"] != "record_truncated":
            continue
        base = vectors[case["base"]]
        shorter = base | {"records": base["records"][:-1]}
        _, telegram = refused_as(case)
        assert telegram is not None
        assert telegram.records is not None
        found = [fields_of(record) for record in telegram.records.records]
        assert differences(found, shorter) == []
