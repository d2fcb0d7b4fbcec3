"""The partners' commands: keys taken once, everybody trusted who was named."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from casa_site.lab_pki import make_lab_pki
from casa_site.management.commands.receive_emt import peer_keys

NOW = datetime.now(UTC)


def options(**given: Any) -> dict[str, Any]:
    return {"keys": None, "client": [], "signer": [], **given}


def test_two_clients_whose_files_have_one_name_are_both_trusted(tmp_path: Path) -> None:
    lab = make_lab_pki(tmp_path / "lab", gwa="gwa-1", emts=["emt-1"], now=NOW)
    clients = [lab.folder / name / "tls.pem" for name in ("gwa-1", "emt-1")]
    given = options(keys=lab.folder / "emt-1", client=clients)
    keys = peer_keys(tmp_path / "state", given)
    assert len(list((keys.state / "clients").iterdir())) == 2
    first = keys.key("enc").private_numbers()
    peer_keys(tmp_path / "state", options(keys=lab.folder / "gwa-1"))
    assert keys.key("enc").private_numbers() == first  # those here stay


def test_without_keys_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"tls\.pem"):
        peer_keys(tmp_path / "state", options())
    with pytest.raises(CommandError, match="nowhere"):
        peer_keys(tmp_path / "state", options(client=[Path("/nowhere/x.pem")]))
