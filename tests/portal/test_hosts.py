"""Host headers: every well-formed one is ours (D28), the others are a quiet 400."""

import logging
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

PATHS = [
    "/",
    "/anmelden/",
    "/anmelden",
    "/json/metering/origin",
    "/nichts",
    "/static/x",
]
MALFORMED = [
    "a b",
    "smgw.local:x",
    "<script>",
    "a/b",
    "[::1",
    "ä.local",
    "a,b",
    "a_b\0",
]


@pytest.fixture
def printed(capfd: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """What the loggers as they are configured would print."""
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())
            assert not record.exc_info

    collector = Collector()
    logging.getLogger().addHandler(collector)
    yield lines
    logging.getLogger().removeHandler(collector)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_is_a_400_without_a_trace(
    browser: Client, printed: list[str], host: str, path: str
) -> None:
    answer = browser.get(path, HTTP_HOST=host)
    assert answer.status_code in ({400, 404} if path == "/static/x" else {400})
    assert not answer.content.startswith((b"{", b"["))
    assert [line for line in printed if host in line] == []


@pytest.mark.parametrize(
    "host",
    ["smgw.local", "192.0.2.7:8443", "[fe80::1]:8443", "localhost.:1", "a-b.example"],
)
def test_every_well_formed_host_is_accepted(browser: Client, host: str) -> None:
    assert browser.get("/anmelden/", HTTP_HOST=host).status_code == 200


def test_the_logger_of_hosts_prints_nothing() -> None:
    logger = settings.LOGGING["loggers"]["django.security.DisallowedHost"]
    assert (logger["handlers"], logger["propagate"]) == (["nowhere"], False)
