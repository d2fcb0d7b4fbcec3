"""The commands of README and docs/ do what they are there for, on a running demo.

Every block is run as it stands but for addresses, ports and logins, which are those of
the demo, unless `NOT_RUN` says why it cannot be.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.document_commands import ROOT, Block, blocks
from tests.flows.running import PROJECT, RunningGateway, free_port

pytestmark = pytest.mark.slow

NOT_RUN = {
    "sudo ": "needs root",
    "deploy/install.sh": "needs root; tests/test_deployment.py runs it with a prefix",
    "casa_site.wheels": "asks the package index; so does tests/test_deployment.py",
    "=/etc/casa/": "settings of another machine",
    "CASA_STATE=/var/lib/casa": "a second machine with PostgreSQL and a broker",
    "./casa test": "that is what runs this",
    "./casa fleet": "needs servers and minutes; tests/flows/test_fleet.py runs it",
    "./casa bench": "measures for minutes; tests/casa_site/test_bench.py runs it",
    "./casa up": "runs the demo that the others are run on, and test_processes.py",
}
"""What stands in a block, and why the block is not run here."""

ANSWER_OF_ANOTHER = {"import-own": "the sub-CA's answer to the request before"}
"""Single lines that are left out of a block that is run."""

PRELUDE = """
set -eu
curl() {
  case $1 in
    -f*) command curl --max-time 60 "$@" ;;
    *) command curl --fail-with-body --max-time 60 "$@" ;;
  esac
}
"""
LISTENS = re.compile(r"manage (receive_emt|simulate_gwa)|hardware\.simulator")


@dataclass
class Place:
    """A folder where the commands run, with the demo of a running gateway as var/."""

    folder: Path
    gateway: RunningGateway
    fresh: Path
    """The state folder of a gateway without demo, which does not run."""

    @property
    def demo(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.gateway.state / "demo.json").read_text()
        )
        return found

    def run(self, script: str, *, state: Path | None = None) -> str:
        """Run a script to its end; what it printed."""
        done = subprocess.run(
            ["bash", "-c", PRELUDE + script],
            cwd=self.folder,
            env=self.environment(state or self.gateway.state),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def environment(self, state: Path) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CASA_")}
        return kept | {
            "CASA_STATE": str(state),
            "OPENSSL_CONF": str(PROJECT / "deploy" / "openssl.cnf"),
            "PYTHONPATH": str(PROJECT),
            "PYTHON": sys.executable,
        }

    def adapted(self, text: str) -> str:
        """A block's text with the addresses, ports and logins of the demo."""
        consumer = self.demo["consumers"][0]
        login = f"{consumer['user']}:{consumer['password']}"
        for old, new in (
            ("https://smgw.local", self.gateway.url),
            ("127.0.0.1:8443", f"127.0.0.1:{self.gateway.port}"),
            ("127.0.0.1:8444", f"127.0.0.1:{self.gateway.service_port}"),
            ("127.0.0.1:8445", f"127.0.0.1:{self.gateway.gwa_port}"),
            ("--digest --user hks2", f"--digest --user {login}"),
            ("--digest -u hks2", f"--digest -u {login}"),
            ("hks2.p12:PIN", f"{consumer['p12']}:{consumer['p12_pin']}"),
            ("/tmp/bus", str(self.folder / "bus")),
            ("/tmp/emt", str(self.folder / "emt")),
            ("/tmp/gwa", str(self.folder / "gwa")),
            ("/backup/", f"{self.folder}/"),
        ):
            text = text.replace(old, new)
        return text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("documents")
    launcher = folder / "casa"  # as ./casa, without a set-up beside other tests
    launcher.write_text('#!/bin/sh\nexec "$PYTHON" -P -m casa_site "$@"\n')
    launcher.chmod(0o755)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "deploy").symlink_to(PROJECT / "deploy")
    state = folder / "var"
    with RunningGateway(state, "--history-days", "1") as gateway:
        gateway.wait_for("CASA ready", within_s=240)
        made = Place(folder, gateway, folder / "fresh")
        for words in ("migrate -v 0", "time"):
            made.run(f"./casa manage {words}", state=made.fresh)
        yield made


def of(page: str) -> list[Block]:
    return [block for block in blocks() if block.page == page and not reason(block)]


def reason(block: Block) -> str:
    """Why a block is not run; "" for one that is."""
    if block.page == "README.md":
        return "the first start: test_the_first_commands_of_the_readme"
    return next((why for part, why in NOT_RUN.items() if part in block.text), "")


def newest_record(place: Place) -> str:
    """The time of a stored record of the demo's first meter, as URLs have it."""
    consumer = place.demo["consumers"][0]
    login = f"{consumer['user']}:{consumer['password']}"
    url = f"{place.gateway.url}/json/metering/origin/1emh0000000001/0"
    listed = json.loads(place.run(f"curl -sSk --digest -u {login} {url}"))
    stored = [each for each in listed if "0100010800ff" in each]
    return place.run(
        f"TZ=UTC date -d {stored[-1]['timestamp_nom']} +%Y-%m-%dT%H:%M:%SZ"
    ).strip()


def with_record(place: Place, text: str) -> str:
    return text.replace("2026-06-22T13:00:00Z", newest_record(place))


def record_files(place: Place, text: str) -> str:
    """The files that the portal offers of a record: made as han-json.md shows."""
    (made,) = (b for b in of("docs/han-json.md") if "record.json" in b.text)
    place.run(place.adapted(with_record(place, made.text)))
    shutil.copy(place.folder / "cert.pem", place.folder / "certificate.pem")
    return text


def bill_files(place: Place, text: str) -> str:
    data = ROOT / "tests" / "data" / "trudi"
    shutil.copy(data / "taf7_readings.xml", place.folder / "readings.xml")
    shutil.copy(data / "taf7_readings.xml", place.folder / "earlier.xml")
    shutil.copy(data / "supplier_taf2.xml", place.folder / "tariff.xml")
    shutil.copy(place.gateway.state / "demo/signature.pem", place.folder / "signer.pem")
    return text


def operation_ids(_place: Place, text: str) -> str:
    """Where a reader puts in the id that the request before has answered with."""
    lines: list[str] = []
    for line in text.splitlines():
        if "<id>" in line:
            at = max(n for n, each in enumerate(lines) if "-X POST" in each)
            last = next(n for n in range(at, len(lines)) if not lines[n].endswith("\\"))
            find = r"grep -oE '(operations|packages)/[0-9A-Za-z-]+' | head -1"
            lines[at] = "POSTED=$(" + lines[at].replace("-X POST", "-i -X POST")
            lines[last] += f'); ID=$(echo "$POSTED" | {find} | cut -d/ -f2)'
            line = line.replace("<id>", "$ID")
        lines.append(line)
    return "\n".join(lines)


def rest_of_gwa(place: Place, text: str) -> str:
    (first,) = (b for b in of("docs/gwa-api.md") if b.text.startswith("STATE="))
    head = "".join(first.text.partition("gwa/v1\n")[:2])
    if text == first.text:
        return operation_ids(place, text)
    package = next(place.folder.glob("casa-*.casa"), None)
    if package is None:
        place.run(of("docs/firmware.md")[0].text)
        package = next(place.folder.glob("casa-*.casa"))
    shutil.copy(package, place.folder / "update.casa")
    return head + operation_ids(place, text)


def keys_of_gwa(place: Place, text: str) -> str:
    """What the GWA has in its folder; the password that openssl would ask for."""
    for name in ("tls.pem", "tls.key"):
        shutil.copy(place.gateway.state / "demo/pki/gwa-0001" / name, place.folder)
    return text.replace("pkcs12 -export", "pkcs12 -export -passout pass:of-a-test")


def keys_of_operator(place: Place, text: str) -> str:
    """A passphrase and a pair of keys; what is in brackets is taken too."""
    if "restore" in text:
        restored = str(place.folder / "restored")
        return re.sub(r"\[([^\]]*)\]", r"\1", text).replace("DIR", restored)
    (place.folder / "secret").write_text("a passphrase for a test")
    place.run(
        "openssl ecparam -name prime256v1 -genkey -noout -out operator.pem; "
        "openssl ec -in operator.pem -pubout -out operator.pub.pem"
    )
    return text


def firmware_files(place: Place, text: str) -> str:
    text = text.replace("2026-12-01", "2036-12-01")
    if "manifest.sig" in text:
        package = next(place.folder.glob("casa-*.casa"))
        with zipfile.ZipFile(package) as archive:
            names = [each for each in archive.namelist() if "manifest." in each]
            archive.extractall(place.folder, names)
        (place.folder / "release").mkdir(exist_ok=True)
        for name in names:
            shutil.copy(place.folder / name, place.folder / "release")
    return text


def lab(place: Place, text: str) -> str:
    """The keys of certificates.md, and certificates of a gateway."""
    if "make_pki" in text:
        shutil.rmtree(place.folder / "lab", ignore_errors=True)
    elif not (place.folder / "lab").exists():
        place.run("./casa manage make_pki lab --gwa gwa-0001 --emt emt-0001")
    own = place.gateway.state / "demo" / "signature.pem"
    for name in ("gateway-tls.pem", "gateway-sig.pem"):
        shutil.copy(own, place.folder / name)
    for port in ("9444", "9445", "9446"):
        text = re.sub(rf"port {port}", f"port {free_port()}", text)
    return text


def time_server(place: Place, text: str) -> str:
    shutil.copy(place.gateway.state / "tls" / "gwa.pem", place.folder / "server.pem")
    return f"{text}\n./casa manage time --forget" if "--server" in text else text


def technician(place: Place, text: str) -> str:
    found = place.demo["technician"]
    shutil.copy(found["certificate"], place.folder / "client.pem")
    shutil.copy(found["key"], place.folder / "client.key")
    return (
        text.replace("FOLDER", "handover")
        .replace("FIRST", "a1")
        .replace("SECOND", "b2")
    )


def as_it_stands(_place: Place, text: str) -> str:
    return text


Prepare = Callable[[Place, str], str]
DEMO: dict[str, Prepare] = {
    "docs/con-rest.md": as_it_stands,
    "docs/five-minutes.md": as_it_stands,
    "docs/gwa-api.md": rest_of_gwa,
    "docs/gwa-console.md": keys_of_gwa,
    "docs/han-json.md": with_record,
    "docs/consumer.md": record_files,
    "docs/consumer.en.md": record_files,
    "docs/verify.md": bill_files,
    "docs/peers.md": lab,
    "docs/operations.md": as_it_stands,
    "docs/scenarios.md": as_it_stands,
}
"""Pages whose commands are run on the demo, and what they need before."""
FRESH: dict[str, Prepare] = {
    "docs/backup.md": keys_of_operator,
    "docs/certificates.md": lab,
    "docs/firmware.md": firmware_files,
}
"""Pages whose commands change a gateway: they get one that does not run."""
EITHER = {
    "docs/operator.md": time_server,
    "docs/technician.md": technician,
}
ON_THE_DEMO = re.compile(r"hks2|curl|doctor")


def test_every_block_is_run_or_says_why_not() -> None:
    pages = {*DEMO, *FRESH, *EITHER}
    assert [b.place for b in blocks() if not reason(b) and b.page not in pages] == []
    assert [page for page in pages if not of(page)] == []


@pytest.mark.parametrize("page", [*DEMO, *FRESH, *EITHER])
def test_the_commands_of_a_page_work(place: Place, page: str) -> None:
    prepare = {**DEMO, **FRESH, **EITHER}[page]
    for block in of(page):
        lines = block.text.splitlines(keepends=True)
        kept = [each for each in lines if not any(w in each for w in ANSWER_OF_ANOTHER)]
        script = place.adapted(prepare(place, "".join(kept)))
        on_demo = page in DEMO or (page in EITHER and ON_THE_DEMO.search(script))
        state = place.gateway.state if on_demo else place.fresh
        if LISTENS.search(script):
            is_begun_and_ends(place, script, state)
        else:
            place.run(script, state=state)


def is_begun_and_ends(place: Place, script: str, state: Path) -> None:
    """For a command that goes on until somebody ends it: it says that it began."""
    with subprocess.Popen(
        ["bash", "-c", f"exec {script.strip()}"],
        cwd=place.folder,
        env={**place.environment(state), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        ended = process.poll()
        process.terminate()
        rest = process.stdout.read()
    assert ended is None and "rror" not in said, said + rest


def test_the_first_commands_of_the_readme(tmp_path: Path) -> None:
    """A real meter's file, applied, and the gateway without the demo."""
    readme = (ROOT / "README.md").read_text()
    assert "./casa manage apply meter.json\n./casa up --no-demo" in readme
    (document,) = re.findall(r"^```json\n(.*?)^```", readme, re.S | re.M)
    (tmp_path / "meter.json").write_text(document)
    state = tmp_path / "state"
    words = [sys.executable, "-m", "casa_site", "manage", "--state", str(state)]
    applied = subprocess.run(
        [*words, "apply", str(tmp_path / "meter.json")],
        cwd=PROJECT,
        env={k: v for k, v in os.environ.items() if not k.startswith("CASA_")},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert applied.returncode == 0, applied.stderr
    assert "meier" in applied.stdout
    with RunningGateway(state, "--no-demo") as gateway:
        gateway.wait_for("CASA ready", within_s=240)
