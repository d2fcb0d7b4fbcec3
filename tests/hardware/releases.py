"""Small releases and packages for tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware import firmware_package
from hardware.firmware_manifest import Manifest, ReleaseFile, digest
from hardware.firmware_package import Package

HARDWARE = "11302"
PYTHON = "3.11"
FILES = {
    "casa_site/__main__.py": b"print('hello')\n",
    "casa_site/__init__.py": b"",
    "deploy/openssl.cnf": b"# nothing\n" * 200,
    "requirements.txt": b"# nothing\n",
    "casa": b"#!/usr/bin/env python3\n",
}


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.BrainpoolP256R1())


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Encoding.PEM, form)


def package(
    folder: Path,
    key: ec.EllipticCurvePrivateKey,
    files: dict[str, bytes] | None = None,
    *,
    name: str = "package.casa",
    **facts: Any,
) -> Package:
    """A package of these files, signed with the key, in `folder`."""
    tree = folder / f"tree-{name}"
    sources: dict[str, Path] = {}
    for path, content in (files or FILES).items():
        sources[path] = tree / path
        sources[path].parent.mkdir(parents=True, exist_ok=True)
        sources[path].write_bytes(content)
    manifest = manifest_of(sources, **facts)
    return firmware_package.write(folder / name, sources, manifest, key)


def manifest_of(
    sources: dict[str, Path],
    *,
    version: str = "2X",
    number: int = 2,
    minimum_number: int = 0,
    hardware: Sequence[str] = (HARDWARE,),
    python: str = PYTHON,
) -> Manifest:
    entries = [
        ReleaseFile(path, digest(source), source.stat().st_size, path == "casa")
        for path, source in sorted(sources.items())
    ]
    return Manifest(
        version,
        number,
        minimum_number,
        tuple(hardware),
        python,
        digest(sources["requirements.txt"]),
        tuple(entries),
    )
