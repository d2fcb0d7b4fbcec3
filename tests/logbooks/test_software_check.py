"""The self-test looks at the installed software."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hardware import firmware_package, firmware_store
from hardware.gateway import Gateway
from logbooks import software_check
from logbooks.checks import registered_checks
from logbooks.lockdown import SOFTWARE_CHECK
from tests.hardware.releases import new_key, package, public_pem

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEY = new_key()


def codes(gateway: Gateway) -> list[int]:
    look = registered_checks()[SOFTWARE_CHECK]
    return [fault.code for fault in look(gateway, NOW)]


@pytest.mark.req("R145", "R153")
def test_damaged_files_and_foreign_manifests_have_their_codes(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1900109 for a file, 1900112 for the signature; nothing for a git checkout."""
    assert codes(gateway) == []
    root = tmp_path / "program"
    firmware_package.unpack(package(tmp_path, KEY), root)
    monkeypatch.setattr(software_check, "PROGRAM", root)
    assert codes(gateway) == [1900112]
    firmware_store.trust(gateway.state, public_pem(KEY))
    assert codes(gateway) == []
    (root / "casa").write_bytes(b"#!/usr/bin/env python4\n")
    assert codes(gateway) == [1900109]
