"""The access matrix of the logbooks: every role, every network, every log."""

from datetime import UTC, datetime
from itertools import product

import pytest

from hardware.gateway import Gateway
from logbooks import access
from logbooks.access import Access, AccessRefused, Log, Network, Role
from logbooks.catalogue import Event
from logbooks.certificates import ensure_signature_certificate
from logbooks.services import log_event, open_consumer_log

NOW = datetime(2026, 6, 22, 12, tzinfo=UTC)
ALLOWED = {
    ("consumer", "consumer", "HAN"),
    ("system", "technician", "HAN"),
    ("system", "administrator", "WAN"),
    ("calibration", "administrator", "WAN"),
}
"""Written by hand from manual ch. 5.1, table 7."""

pytestmark = pytest.mark.django_db


def read(gateway: Gateway, reader: Access, log: Log) -> int:
    if log is Log.CONSUMER:
        return len(access.consumer_log(reader))
    if log is Log.SYSTEM:
        return len(access.system_log(reader))
    return len(access.calibration_log(gateway, reader))


@pytest.mark.req("R89", "R71", "R72", "R73", "R77", "R98")
def test_every_cell_of_the_matrix(gateway: Gateway) -> None:
    """R89: 3 logs x 5 roles x 3 networks x authenticated or not; R77: never the GWA."""
    ensure_signature_certificate(gateway, NOW)
    open_consumer_log("hks2")
    log_event(gateway, Event.PROFILE_CREATED, "p", now=NOW, consumers=["hks2"])
    for log, role, network, known in product(Log, Role, Network, (True, False)):
        reader = Access("hks2", known, network, role)
        if known and (log, role, network) in ALLOWED:
            assert read(gateway, reader, log) == 1
        else:
            with pytest.raises(AccessRefused):
                read(gateway, reader, log)


@pytest.mark.req("R71")
def test_a_consumer_reads_his_own_log_only(gateway: Gateway) -> None:
    """R71: the log is chosen by who asks, by nothing else."""
    open_consumer_log("hks2")
    open_consumer_log("nachbar")
    log_event(gateway, Event.PROFILE_READ_BY_GWA, "p", now=NOW, consumers=["hks2"])
    other = Access("nachbar", True, Network.HAN, Role.CONSUMER)
    assert access.consumer_log(other) == []
    assert "nachbar" not in str(other)
