"""Who may open a backup: a passphrase, or the holder of a private key."""

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from casa_site import env
from hardware.backup_file import Opener, Passphrase, PrivateKey, Recipient

SHORTEST_PASSPHRASE = 12


def add_lock_arguments(parser: ArgumentParser) -> None:
    """How a backup is locked."""
    parser.add_argument(
        "--recipient",
        type=Path,
        metavar="KEY.pub.pem",
        help="for the holder of this key; else CASA_BACKUP_PASSPHRASE(_FILE)",
    )


def lock_of(options: dict[str, Any]) -> Passphrase | Recipient:
    """What locks a backup; raises ValueError with what is wrong with it."""
    if options["recipient"] is None:
        passphrase = _passphrase()
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise ValueError(
                f"a passphrase has at least {SHORTEST_PASSPHRASE} characters"
            )
        return Passphrase(passphrase)
    key = load_pem_public_key(options["recipient"].read_bytes())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the recipient's key is not on an elliptic curve")
    return Recipient(key)


def opener_of(key_file: Path | None) -> Opener:
    """What opens a backup."""
    if key_file is None:
        return Passphrase(_passphrase())
    key = load_pem_private_key(key_file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not on an elliptic curve")
    return PrivateKey(key)


def _passphrase() -> str:
    """From CASA_BACKUP_PASSPHRASE or its file, else asked for at a terminal."""
    given = env.secret("CASA_BACKUP_PASSPHRASE")
    if not given and sys.stdin.isatty():
        given = getpass.getpass("passphrase of the backup: ")
    if not given:
        raise ValueError("CASA_BACKUP_PASSPHRASE_FILE has to name the passphrase")
    return given
