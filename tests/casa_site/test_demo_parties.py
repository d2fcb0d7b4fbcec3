"""The demo's PKI, a laboratory's PKI, and the command that works on the store."""

import json
import stat
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from django.core.management import CommandError, call_command
from django.test import override_settings

from casa_site.demo import parties
from casa_site.demo.plan import CONSUMERS, EMT, GWA
from casa_site.lab_pki import LabFolder, answer_request
from hardware.certificate_path import Purpose
from hardware.gateway import Gateway, open_gateway
from hardware.module_state import LifeCycle
from logbooks.certificate_store import Holder, Kind, check_peer
from logbooks.certificates import ensure_signature_certificate, signature_certificate
from logbooks.models import Certificate, SystemLogEntry
from meters.account_certificates import account_by_certificate
from meters.accounts import create_account
from meters.models import Account
from meters.services import create_consumer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def der(path: Path) -> bytes:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.public_bytes(Encoding.DER)


@pytest.fixture
def demo(gateway: Gateway) -> Gateway:
    ensure_signature_certificate(gateway, NOW)
    for planned in CONSUMERS:
        consumer = create_consumer(gateway, planned.id)
        role = Account.Role.CONSUMER
        create_account(gateway, username=planned.id, role=role, consumer=consumer)
    parties.install(gateway, now=NOW)
    return gateway


@pytest.mark.req("R69", "R154")
def test_the_demo_has_certificates_of_one_pki_for_everybody(demo: Gateway) -> None:
    """R69, R154: gateway, GWA and EMT have a path to the root that was put in."""
    assert demo.security_module.state().life_cycle is LifeCycle.OPERATIONAL
    assert signature_certificate().stage == Certificate.Stage.OPERATIONAL
    lab = parties.lab_folder(demo.state)
    for party, holder in ((GWA, Holder.GWA), (EMT, Holder.EMT)):
        for purpose in Purpose:
            shown = der(lab.certificate(party, purpose))
            kind = Kind(purpose.value)
            check_peer(demo, shown, holder=holder, kind=kind, now=NOW)
            assert stat.S_IMODE(lab.key(party, purpose).stat().st_mode) == 0o600


def test_the_demos_people_can_log_in_by_certificate(demo: Gateway) -> None:
    for name, role in (
        (parties.TECHNICIAN, Account.Role.TECHNICIAN),
        ("hks2", Account.Role.CONSUMER),
    ):
        found = parties.described(demo.state, name)
        shown = der(Path(found["certificate"]))
        account = account_by_certificate(demo, shown, role, now=NOW)
        assert account.username == name
        p12 = Path(found["p12"]).read_bytes()
        assert pkcs12.load_pkcs12(p12, found["p12_pin"].encode()).key is not None


def test_a_demo_whose_first_start_broke_off_is_installed_again(demo: Gateway) -> None:
    """The database was rolled back, the security module and the files were not."""
    root = parties.lab_folder(demo.state).root.read_bytes()
    Certificate.objects.all().delete()
    ensure_signature_certificate(demo, NOW)
    parties.install(demo, now=NOW + timedelta(minutes=1))
    assert parties.lab_folder(demo.state).root.read_bytes() == root
    assert signature_certificate().stage == Certificate.Stage.OPERATIONAL


def test_a_laboratory_gets_its_pki_once(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    call_command("make_pki", folder, "--emt", "emt-9", stdout=StringIO())
    lab = LabFolder(folder)
    assert lab.certificate("emt-9", Purpose.ENC).exists() and lab.authority().key
    with pytest.raises(CommandError, match="already"):
        call_command("make_pki", folder, stdout=StringIO())


@pytest.fixture
def commanded(tmp_path: Path) -> Gateway:
    return open_gateway(tmp_path / "state", huid="eemh0009264154")


def run(gateway: Gateway, *arguments: object) -> str:
    out = StringIO()
    with override_settings(STATE=gateway.state, HUID=gateway.huid):
        call_command("certificate", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.req("R154")
def test_the_command_takes_a_gateway_through_a_renewal(
    commanded: Gateway, tmp_path: Path
) -> None:
    """R154: requests, imports, activation, revocation; a refusal has its code."""
    lab = LabFolder(tmp_path / "pki")
    call_command("make_pki", lab.folder, stdout=StringIO())
    ensure_signature_certificate(commanded, datetime.now(UTC))
    run(commanded, "import-root", lab.root)
    run(commanded, "import-sub", lab.sub)
    answers(commanded, lab, tmp_path, "request", tmp_path / "csr", "--first")
    answers(commanded, lab, tmp_path, "request", tmp_path / "csr")
    run(commanded, "activate")
    run(commanded, "drop")
    gwa = lab.certificate("gwa-0001", Purpose.TLS)
    shown = run(commanded, "import-partner", gwa, "gwa", "gwa-0001", "TLS")
    listed = run(commanded, "list")
    assert "module operational, key bank 2" in listed
    assert shown.split()[0] in listed
    run(commanded, "import-crl", lab.folder / "crl.pem")
    run(commanded, "revoke", shown.split()[0])
    with pytest.raises(CommandError, match="fault 2300306"):
        run(commanded, "import-partner", gwa, "gwa", "gwa-0001", "TLS")
    assert SystemLogEntry.objects.filter(event_id=2300306).count() == 1


def answers(gateway: Gateway, lab: LabFolder, folder: Path, *request: object) -> None:
    run(gateway, *request)
    for purpose in Purpose:
        path = folder / "csr" / f"{gateway.huid}-{purpose.name.lower()}.csr"
        pem = answer_request(
            lab.authority(),
            path.read_text(),
            common_name=f"{gateway.huid}.smgw",
            purpose=purpose,
            now=datetime.now(UTC),
        )
        answer = folder / f"{purpose.name}.pem"
        answer.write_bytes(pem)
        run(gateway, "import-own", answer)


def test_demo_json_names_files_that_exist(demo: Gateway) -> None:
    members = {
        **parties.described(demo.state, "hks2"),
        **parties.described_partner(demo.state, GWA),
    }
    members.pop("p12_pin")
    assert json.dumps(members) and all(Path(path).exists() for path in members.values())
