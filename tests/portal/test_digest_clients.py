"""Public HTTP clients against a real server: every path, both slash forms."""

import subprocess
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from shutil import which
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest
import requests
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway
from tests.portal.conftest import NOW
from tests.portal.han_client import PATHS
from tests.portal.installation import PASSWORDS, reading

USER, PASSWORD = "hks2", PASSWORDS["hks2"]


class Handler(WSGIRequestHandler):
    """Keeps the request line as gunicorn does, and says nothing."""

    def get_environ(self) -> dict[str, Any]:
        return super().get_environ() | {"RAW_URI": self.path}

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def kept_connection() -> Iterator[BaseDatabaseWrapper]:
    """This test's connection, usable in the server's thread and not closed there."""
    connection = connections["default"]
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    connection.inc_thread_sharing()
    yield connection
    connection.dec_thread_sharing()
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture
def address(han: Gateway, kept_connection: BaseDatabaseWrapper) -> Iterator[str]:
    """A server on a free port, on this test's database connection."""

    def serve(server: WSGIServer) -> None:
        connections["default"] = kept_connection
        server.serve_forever(poll_interval=0.01)

    application = HanApplication(han)
    with make_server("127.0.0.1", 0, application, handler_class=Handler) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def both_forms() -> list[str]:
    return [form for path in PATHS for form in (path, f"{path}/")]


def test_httpx_reads_every_path(address: str) -> None:
    """httpx answers one challenge for all requests, counting nc up."""
    auth = httpx.DigestAuth(USER, PASSWORD)
    with httpx.Client(base_url=address, auth=auth, trust_env=False) as client:
        for path in both_forms():
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert all(step.status_code == 401 for step in answer.history)
        with httpx.Client(base_url=address, trust_env=False) as bare:
            assert bare.get(PATHS[0]).status_code == 401


def test_a_fresh_httpx_client_for_each_request_works(address: str) -> None:
    """As one of the Home Assistant integrations does, with Connection: close."""
    for path in PATHS[:4]:
        auth = httpx.DigestAuth(USER, PASSWORD)
        headers = {"Connection": "close", "Content-Type": "application/json"}
        with httpx.Client(base_url=address, trust_env=False) as client:
            assert client.get(path, auth=auth, headers=headers).status_code == 200


def test_requests_reads_every_path(address: str) -> None:
    session = requests.Session()
    session.trust_env = False
    session.auth = requests.auth.HTTPDigestAuth(USER, PASSWORD)
    for path in both_forms():
        answer = session.get(address + path)
        assert answer.status_code == 200, path
        assert all(step.status_code == 401 for step in answer.history)


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed")
def test_curl_reads_every_path(address: str, tmp_path: Path) -> None:
    """One run for all paths; curl follows no redirect and prints each status."""
    command = ["curl", "-q", "--silent", "--noproxy", "*", "--digest"]
    command += ["--user", f"{USER}:{PASSWORD}"]
    command += ["--write-out", "%{http_code}\n"]
    for path in both_forms():
        command += ["--output", str(tmp_path / "body"), address + path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:-1] == ["200"] * len(both_forms())


CON = "/smgw/con/v1"
CON_PATHS = [
    "/smgw/",
    f"{CON}/rts/meters/1emh0000000001",
    f"{CON}/rts/readings/1emh0000000001?q.fromtime=2026-06-22T12:00:00Z&q.obis=1-0:1.8.0",
    f"{CON}/rts/log/?q.level=F",
    f"{CON}/exp/contracts/hks2-taf7?q.signed=CMS_ECDSA_SHA256_Detached",
]


def test_httpx_and_requests_read_the_rest_service(address: str) -> None:
    """Digest by SHA-256, the query in its `uri`."""
    auth = httpx.DigestAuth(USER, PASSWORD)
    session = requests.Session()
    session.trust_env = False
    session.auth = requests.auth.HTTPDigestAuth(USER, PASSWORD)
    with httpx.Client(base_url=address, auth=auth, trust_env=False) as client:
        for path in CON_PATHS:
            assert client.get(path).status_code == 200, path
            assert session.get(address + path).status_code == 200, path


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed")
def test_curl_reads_the_rest_service(address: str, tmp_path: Path) -> None:
    command = ["curl", "-q", "--silent", "--noproxy", "*", "--digest"]
    command += ["--user", f"{USER}:{PASSWORD}", "--write-out", "%{http_code}\n"]
    for path in CON_PATHS:
        command += ["--output", str(tmp_path / "body"), address + path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:-1] == ["200"] * len(CON_PATHS)


def test_a_wrong_password_gets_nothing(address: str) -> None:
    auth = httpx.DigestAuth(USER, "falsch")
    answer = httpx.get(address + PATHS[0], auth=auth, trust_env=False)
    assert answer.status_code == 401


def test_the_challenge_is_one_header_line(address: str) -> None:
    """On the wire, not only in Django's response."""
    line = HTTPConnection(address.removeprefix("http://"))
    line.request("GET", PATHS[0])
    answer = line.getresponse()
    headers = [name.lower() for name, _value in answer.getheaders()]
    assert headers.count("www-authenticate") == 1
    line.close()


def test_the_example_of_the_documentation_works(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python block of docs/han-json.md, with this server's address."""
    run_example("han-json.md", address)
    printed = capsys.readouterr().out.split("\n")
    first = reading("1emh0000000001", NOW).registers[0]
    assert printed[0] == "1emh0000000001 2026-06-22T15:07:53+02:00"
    assert printed[1].split() == ["0100010800ff", f"{first.value}e-1", "unit", "30"]


def test_the_example_of_the_rest_service_works(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python block of docs/con-rest.md, with this server's address."""
    run_example("con-rest.md", address)
    printed = capsys.readouterr().out.split("\n")[:-1]
    assert len(printed) > 20
    assert all(line.endswith(" kWh") for line in printed)


def run_example(name: str, address: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / name).read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    for old, new in (
        ("https://smgw.local", address),
        ("your password", PASSWORD),
        ('"han-certificate.pem"', "False"),
    ):
        assert old in code
        code = code.replace(old, new)
    exec(compile(code, name, "exec"), {})
