"""Signatures of our own records in a file."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import register_lines, signed_text, zulu
from tariffs.trudi.verification import Verification, verify
from tests.tariffs.trudi.published import CARRIED

HUID = "eemh0012345678"
METER, HEX_METER = "1emh0012345678", "0A01454D480000BC614E"
START = datetime(2024, 5, 31, 22, tzinfo=UTC)
STATUS = 0x0000000500000004
SIGN = ec.ECDSA(SHA256())

Values = dict[str, int]


@cache
def signer() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key as the gateway has one, and its certificate."""
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{HUID}.smgw")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=730))
        .sign(key, SHA256())
    )
    return key, certificate


def signature(subject: str, target: datetime, values: Values, unit: int = 30) -> str:
    """What the gateway stores with such a record, in hex."""
    registers = [
        RegisterValue(Obis.parse(obis), value, -1, unit)
        for obis, value in values.items()
    ]
    text = signed_text(
        *(HUID, subject, target, target + timedelta(seconds=2), STATUS),
        register_lines(registers),
    )
    return signer()[0].sign(text.encode(), SIGN).hex()


def records(subject: str, unit: int = 30) -> list[tuple[datetime, Values, str]]:
    """Four quarter hours of two registers."""
    made = []
    for quarter in range(4):
        target = START + timedelta(minutes=15 * quarter)
        values = {"0100010800ff": 1000 + quarter, "0100020800ff": 70}
        made.append((target, values, signature(subject, target, values, unit)))
    return made


def lists(owner: str, made: list[tuple[datetime, Values, str]], uom: int = 72) -> str:
    """Each register as a list."""
    return "".join(_list(owner, obis, made, uom) for obis in made[0][1])


def _list(
    owner: str, obis: str, made: list[tuple[datetime, Values, str]], uom: int
) -> str:
    readings = "".join(
        f"<IntervalReading><espi:value>{values[obis]}</espi:value><timePeriod>"
        f"<duration>0</duration><start>{zulu(target + timedelta(seconds=2))}</start>"
        f"</timePeriod><targetTime>{zulu(target)}</targetTime>"
        f"<signature>{signed.upper()}</signature>"
        "<statusFNN>0000000500000004</statusFNN></IntervalReading>"
        for target, values, signed in made
    )
    name = obis.upper()
    return (
        f"<MeterReading><Meter><meterId>{HEX_METER}</meterId></Meter>"
        f"<meterReadingId>{owner}.{name}</meterReadingId><ReadingType>"
        "<espi:powerOfTenMultiplier>0</espi:powerOfTenMultiplier>"
        f"<espi:uom>{uom}</espi:uom><scaler>-1</scaler><obisCode>{name}</obisCode>"
        f"<qualifiedLogicalName>{name}.{owner}.sm</qualifiedLogicalName></ReadingType>"
        "<IntervalBlock><interval><duration>3600</duration>"
        f"<start>2024-06-01T00:00:00+02:00</start></interval>{readings}</IntervalBlock>"
        "</MeterReading>"
    )


def file_with(content: str, certificate: x509.Certificate | None = None) -> str:
    """A file of these lists with the signer's certificate in it."""
    head = (CARRIED / "taf7_readings.xml").read_text()
    start, end = head.index("<certContent>") + 13, head.index("</certContent>")
    der = (certificate or signer()[1]).public_bytes(Encoding.DER).hex()
    head = head[:start] + der + head[end:]
    head = head[: head.index("<MeterReading>")]
    return f"{head}{content}</UsagePoint></UsagePoints>"


def checked(text: str) -> Verification:
    return verify(text.encode())


@pytest.mark.req("R58")
def test_records_are_put_together_from_the_lists_and_their_signatures_hold() -> None:
    """R58: with the signature certificate in the file the signatures can be checked."""
    found = checked(file_with(lists(HEX_METER, records(METER))))
    assert found.findings == []
    assert (found.signatures.checked, found.signatures.good) == (4, 4)


def test_a_record_of_a_profile_is_signed_under_its_name() -> None:
    text = file_with(lists("meier-taf7", records("meier-taf7")))
    assert checked(text).signatures.good == 4


def test_cubic_metres_are_either_of_two_units() -> None:
    for unit in (13, 14):
        text = file_with(lists(HEX_METER, records(METER, unit), uom=42))
        assert checked(text).signatures.good == 4


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("<espi:value>1002<", "<espi:value>1003<"),
        lambda text: text.replace("00:30:02Z</start>", "00:30:03Z</start>").replace(
            "22:30:02Z</start>", "22:30:03Z</start>"
        ),
        lambda text: text.replace("<scaler>-1", "<scaler>0", 1),
        lambda text: text.replace(
            "2024-05-31T22:30:00Z</targetTime>", "2024-05-31T22:30:01Z</targetTime>"
        ),
        lambda text: text.replace("<obisCode>0100020800FF", "<obisCode>0100020801FF"),
        lambda text: text.replace(f"{HEX_METER}<", "0A01454D480000BC614F<").replace(
            f"{HEX_METER}.sm", "0A01454D480000BC614F.sm"
        ),
    ],
)
def test_any_change_of_a_signed_value_is_seen(change: Callable[[str], str]) -> None:
    text = file_with(lists(HEX_METER, records(METER)))
    changed = change(text)
    assert changed != text
    found = checked(changed)
    assert found.signatures.bad > 0
    assert "D2" in {finding.rule for finding in found.findings}
    assert not found.is_complete


def test_a_register_that_was_left_out_is_seen() -> None:
    content = lists(HEX_METER, records(METER))
    only_first = content[: content.index("</MeterReading>")] + "</MeterReading>"
    assert checked(file_with(only_first)).signatures.bad == 4


def test_a_boundary_in_two_neighbouring_blocks_is_one_record() -> None:
    content = lists(HEX_METER, records(METER))
    for obis in ("0100010800FF", "0100020800FF"):
        at = content.index(f"{obis}.{HEX_METER}.sm")
        first = content.index("<IntervalReading>", at)
        second = content.index("</IntervalReading>", first) + len("</IntervalReading>")
        reading = content[first:second]
        content = content[:second] + reading + content[second:]
    found = checked(file_with(content))
    assert (found.signatures.good, found.signatures.bad) == (4, 0)


def test_another_certificate_may_be_given() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(other.public_key())
        .serial_number(2)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=1))
        .sign(other, SHA256())
    )
    text = file_with(lists(HEX_METER, records(METER)), certificate)
    assert verify(text.encode()).signatures.bad == 4
    assert verify(text.encode(), certificate=signer()[1]).signatures.good == 4


def test_signatures_of_another_form_are_not_judged() -> None:
    made = [(target, values, "00" * 64) for target, values, _ in records(METER)]
    found = checked(file_with(lists(HEX_METER, made)))
    assert (found.signatures.checked, found.signatures.foreign) == (0, 8)
    assert found.findings == []
