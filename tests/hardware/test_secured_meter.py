"""The simulated meter with a master key: what it accepts, and what it drops."""

from pathlib import Path
from typing import Any

import pytest

from hardware.errors import FrameUnexpected
from hardware.lmn_addresses import SAP_PLAIN, SAP_SYM, SAP_TLS
from hardware.lmn_certificates import P256, LmnIdentity, new_identity
from hardware.simulator.meter_security import MeterSecurity, kept_in
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.written_certificates import WrittenCertificates
from hardware.sym_pairing import (
    Body,
    Capabilities,
    Certificates,
    CertificatesAck,
    CryptoReset,
    CryptoResetAck,
    Init,
    KeyChange,
    KeyChangeAck,
    SymMessage,
    decode,
    encode,
)
from tests.hardware.secured import HUID, MASTER_KEY, NOW, Bench, a_station, paired

METER = "1emh0000000001"
NEW_KEY = bytes(range(16, 32))


class Pairing:
    """A gateway's side that says what a test wants."""

    def __init__(self, station: SecuredStation) -> None:
        self._link = Bench(station).data_link(SAP_SYM)
        self._server_id = station.server_id

    def ask(self, counter: int, body: Body, key: bytes = MASTER_KEY) -> Body | None:
        message = SymMessage(self._server_id, counter, body)
        data = self._link.send(encode(message, key))
        if not data:
            return None
        answer = decode(data, key, server_id=self._server_id, is_from_meter=True)
        assert answer.counter == counter
        return answer.body


def certificates() -> tuple[LmnIdentity, LmnIdentity, Certificates]:
    own, gateway = (new_identity(name, P256, now=NOW) for name in (METER, HUID))
    body = Certificates(gateway.certificate, own.certificate, own.private_key)
    return own, gateway, body


def test_a_meter_says_what_it_can_and_takes_certificates() -> None:
    station = a_station(groups=(26, 23))
    pairing = Pairing(station)
    can = pairing.ask(1, Init())
    assert isinstance(can, Capabilities)
    assert can.groups == (26, 23)
    assert not station.security.is_paired
    own, gateway, body = certificates()
    assert isinstance(pairing.ask(2, body), CertificatesAck)
    assert station.security.own == own
    assert station.security.gateway_certificate == gateway.certificate


def test_a_counter_works_once_and_never_backwards() -> None:
    pairing = Pairing(a_station())
    assert pairing.ask(5, Init())
    assert pairing.ask(5, Init()) is None
    assert pairing.ask(4, Init()) is None
    assert pairing.ask(6, Init())


def test_a_message_under_another_key_uses_up_no_counter() -> None:
    pairing = Pairing(a_station())
    assert pairing.ask(9, Init(), NEW_KEY) is None
    assert pairing.ask(1, Init())


def test_a_private_key_that_belongs_to_no_certificate_is_dropped() -> None:
    station = a_station()
    _own, gateway, body = certificates()
    wrong = Certificates(body.gateway, body.meter, gateway.private_key)
    assert Pairing(station).ask(1, wrong) is None
    assert not station.security.is_paired


def test_the_key_changes_and_a_reset_goes_by_the_first_one() -> None:
    station = a_station()
    pairing = Pairing(station)
    assert isinstance(pairing.ask(1, KeyChange(NEW_KEY)), KeyChangeAck)
    assert pairing.ask(2, Init()) is None
    assert pairing.ask(2, Init(), NEW_KEY)
    pairing.ask(3, certificates()[2], NEW_KEY)
    assert pairing.ask(4, CryptoReset(), NEW_KEY) is None
    assert station.security.is_paired
    assert isinstance(pairing.ask(4, CryptoReset()), CryptoResetAck)
    assert not station.security.is_paired
    assert pairing.ask(5, Init())


def test_an_unpaired_meter_talks_plain_and_a_paired_one_tls_only() -> None:
    station = a_station()
    bench = Bench(station)
    bench.data_link(SAP_PLAIN)
    with pytest.raises(FrameUnexpected, match="DM"):
        bench.data_link(SAP_TLS)
    paired(station)
    with pytest.raises(FrameUnexpected, match="DM"):
        bench.data_link(SAP_PLAIN)
    bench.data_link(SAP_TLS)


def test_a_plain_link_ends_when_the_meter_is_paired() -> None:
    station = a_station()
    link = Bench(station).data_link(SAP_PLAIN)
    assert link.poll() == b""
    paired(station)
    with pytest.raises(FrameUnexpected):
        link.poll()


def written(station: SecuredStation, name: str, value: bytes) -> bool:
    return WrittenCertificates(station.security)(bytes.fromhex(name), value)


def test_certificates_are_written_one_by_one() -> None:
    station = a_station()
    paired(station)
    own, gateway, _ = certificates()
    assert written(station, "01005e310004", own.certificate + own.private_key)
    assert station.security.own == own
    assert written(station, "01005e310008", gateway.certificate)
    assert station.security.gateway_certificate == gateway.certificate


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("01005e310004", "gateway"),  # no private key behind it
        ("01005e310004", "mixed"),
        ("01005e310004", "nothing"),
        ("01005e310008", "cut"),
        ("01005e310008", "nothing"),
        ("0100010800ff", "gateway"),
    ],
)
def test_what_is_no_certificate_is_not_taken(name: str, part: str) -> None:
    station = a_station()
    paired(station)
    before = (station.security.own, station.security.gateway_certificate)
    own, gateway, _ = certificates()
    values = {
        "gateway": gateway.certificate,
        "mixed": own.certificate + gateway.private_key,
        "cut": gateway.certificate[:-1],
        "nothing": b"",
    }
    assert not written(station, name, values[part])
    assert (station.security.own, station.security.gateway_certificate) == before


@pytest.mark.parametrize("damage", [None, "{}", "no json", '{"last_counter": 1}'])
def test_a_meter_remembers_its_pairing(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "meter.json"
    security = kept_in(path, MASTER_KEY)
    own, gateway, _ = certificates()
    assert security.accept_counter(7)
    security.take(own, gateway.certificate)
    security.take_key(NEW_KEY)
    assert path.stat().st_mode & 0o777 == 0o600
    if damage is not None:
        path.write_text(damage)
    again = kept_in(path, MASTER_KEY)
    again.keep = security.keep
    assert (again == security) is (damage is None)
    assert again.is_paired is (damage is None)


def test_secrets_do_not_show_in_texts() -> None:
    security = MeterSecurity(b"SECRET-OF-16-BYT", changed_key=b"SECRET-OF-16-BYT")
    assert "SECRET" not in repr(security)
