"""Files that must not be read: entities, depth, size, other things than XML."""

from contextlib import suppress
from pathlib import Path

import pytest

from tariffs.trudi.reader import read_usage_point
from tariffs.trudi.xml_file import FileUnreadable, load
from tests.tariffs.trudi.published import CARRIED

TAF7 = (CARRIED / "taf7_readings.xml").read_bytes()
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@pytest.mark.parametrize(
    "doctype",
    [
        b'<!DOCTYPE UsagePoints [<!ENTITY a "aaaa">]>',
        b'<!DOCTYPE UsagePoints [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE UsagePoints SYSTEM "http://127.0.0.1/x.dtd">',
        b"<!DOCTYPE UsagePoints>",
    ],
)
def test_a_document_type_is_refused(doctype: bytes) -> None:
    with pytest.raises(FileUnreadable):
        load(TAF7.replace(DECLARATION, DECLARATION + doctype))


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    doctype = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]>'.encode()
    text = TAF7.replace(DECLARATION, DECLARATION + doctype).replace(
        b"<customerId>consumer", b"<customerId>&a;consumer"
    )
    with pytest.raises(FileUnreadable):
        load(text)


def test_a_billion_laughs_do_no_harm() -> None:
    lines = [b'<!ENTITY l0 "ha">']
    lines += [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">'.encode() for n in range(1, 10)]
    text = b"<!DOCTYPE x [" + b"".join(lines) + b"]><x>&l9;</x>"
    with pytest.raises(FileUnreadable):
        load(text)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01",
        b"<UsagePoints>",
        TAF7[:5000],
        b"<a>" * 1000 + b"</a>" * 1000,
        b"<a>" * 40 + b"</a>" * 40,
    ],
)
def test_what_is_not_such_a_file_is_refused(content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        load(content)


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(FileUnreadable):
        load(TAF7, largest=len(TAF7) - 1)
    assert load(TAF7, largest=len(TAF7)) is not None


def test_a_mark_of_the_byte_order_and_comments_do_not_matter() -> None:
    text = TAF7.replace(b"<UsagePoint>", b"<UsagePoint><!-- x --><?x y?>")
    point, findings = read_usage_point(load(b"\xef\xbb\xbf" + text))
    assert findings == []
    assert point is not None
    assert len(list(point.lists[0].readings)) == 97


def test_xml_of_another_kind_holds_no_usage_point() -> None:
    point, findings = read_usage_point(load(b"<html><body/></html>"))
    assert point is None
    assert {finding.rule for finding in findings} == {"P1"}


def test_no_changed_byte_makes_the_reader_fall() -> None:
    """Refused, or read with findings or without; never another error."""
    for position in range(0, len(TAF7), 211):
        changed = bytes([TAF7[position] ^ 0x15])
        broken = TAF7[:position] + changed + TAF7[position + 1 :]
        with suppress(FileUnreadable):
            read_usage_point(load(broken))
