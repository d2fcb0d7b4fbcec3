"""Stock openssl, called as the documentation tells a consumer to (decisions D42)."""

import subprocess
from pathlib import Path


def verifies(folder: Path, text: bytes, signature: bytes, certificate: bytes) -> bool:
    """Whether the command line finds the signature over the text good.

    `certificate` is PEM, `signature` DER; the files are written into `folder`.
    """
    (folder / "record.txt").write_bytes(text)
    (folder / "record.sig").write_bytes(signature)
    (folder / "cert.pem").write_bytes(certificate)
    key = openssl(folder, "x509 -pubkey -noout -in cert.pem")
    (folder / "key.pem").write_text(key)
    check = "dgst -sha256 -verify key.pem -signature record.sig record.txt"
    return openssl(folder, check) == "Verified OK\n"


def openssl(folder: Path, words: str) -> str:
    """What openssl prints on standard output."""
    command = ["openssl", *words.split()]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout
