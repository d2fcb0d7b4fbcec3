"""`./casa package`: makes a signed update package of this very program."""

import argparse
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from casa_site import env
from hardware import firmware_package
from hardware.firmware_manifest import (
    Manifest,
    PackageNotGenuine,
    ReleaseFile,
    digest,
    parsed,
)
from hardware.firmware_package import Package
from hardware.private_files import make_once, replace
from hardware.release import PROGRAM

DEFAULT_HARDWARE = "10301,10302,10303,10304,11301,11302"
KEY_FILE = "release.key"
_TOP = (
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "casa",
    "manage.py",
    "requirements.txt",
    "requirements-dev.txt",
    "casa_site",
    "deploy",
    "docs",
    "gwa_api",
    "hardware",
    "locale",
    "logbooks",
    "meters",
    "portal",
    "schema",
    "tariffs",
)
_LEFT_OUT = ("docs/images/",)


class CannotPack(Exception):
    """What stands in the way, as one sentence."""


def main(arguments: list[str]) -> int:
    """Write the package; print its fingerprint and where the public key is."""
    options = _parser().parse_args(arguments)
    output: Path = options.output or Path(f"casa-{options.version}.casa")
    try:
        key = signing_key(options.key)
        package = make(output, options, key)
    except (CannotPack, ValueError, OSError, PackageNotGenuine) as reason:
        print(f"casa: {reason}", file=sys.stderr)
        return 1
    manifest = package.manifest
    print(f"{output}: version {manifest.version}, release {manifest.number}")
    print(f"{len(manifest.files)} files, fingerprint {package.fingerprint}")
    print(f"public key {public_file(options.key)}")
    return 0


def make(
    output: Path, options: argparse.Namespace, key: ec.EllipticCurvePrivateKey
) -> Package:
    """The package of the program in `options.root`, with the wheels given."""
    root: Path = options.root
    sources = {path: root / path for path in program_files(root)}
    if options.wheels is not None:
        wheels = sorted(options.wheels.glob("*.whl"))
        sources |= {f"wheels/{wheel.name}": wheel for wheel in wheels}
    requirements = digest(root / "requirements.txt")
    manifest = Manifest(
        version=options.version,
        number=options.number,
        minimum_number=options.minimum_number,
        hardware=tuple(options.hardware.split(",")),
        python=options.python,
        requirements=requirements,
        files=tuple(_entry(path, sources[path]) for path in sorted(sources)),
    )
    parsed(manifest.to_bytes())  # the gateway would refuse what this refuses
    return firmware_package.write(output, sources, manifest, key)


def program_files(root: Path) -> list[str]:
    """The files of the program below `root`: no tests, nothing that git ignores."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run([*words, "--", *_TOP], cwd=root, capture_output=True)
    if listed.returncode != 0:
        raise CannotPack(f"{root} is no git checkout")
    names = sorted(set(listed.stdout.decode().split("\0")) - {""})
    return [
        name
        for name in names
        if not name.startswith(_LEFT_OUT) and (root / name).is_file()
    ]


def signing_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The maker's key; made where there is none, its public half beside it.

    The passphrase of an encrypted key comes from CASA_RELEASE_PASSPHRASE(_FILE).
    """
    passphrase = env.secret("CASA_RELEASE_PASSPHRASE").encode() or None
    if not path.exists():
        make_once(path, _new_key(passphrase))
    key = load_pem_private_key(path.read_bytes(), passphrase)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CannotPack(f"{path} is not a key on an elliptic curve")
    form = PublicFormat.SubjectPublicKeyInfo
    replace(public_file(path), key.public_key().public_bytes(Encoding.PEM, form))
    return key


def public_file(path: Path) -> Path:
    """Where the public half of the key in `path` stands."""
    return path.with_suffix(".pub.pem")


def _new_key(passphrase: bytes | None) -> bytes:
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def _entry(path: str, source: Path) -> ReleaseFile:
    stat = source.stat()
    is_executable = bool(stat.st_mode & 0o100)
    return ReleaseFile(path, digest(source), stat.st_size, is_executable)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="casa package", description=__doc__)
    add = parser.add_argument
    add("--version", required=True, help="what the start page shows, e.g. 31X027a")
    add(
        "--number",
        type=int,
        required=True,
        help="counts the releases; a lower one is older",
    )
    add("--minimum-number", type=int, default=0, help="oldest release to update from")
    add("--hardware", default=DEFAULT_HARDWARE, help="first five digits, with commas")
    add("--python", default=f"{sys.version_info[0]}.{sys.version_info[1]}")
    add(
        "--key",
        type=Path,
        default=PROGRAM / "var" / KEY_FILE,
        help="the maker's key (PEM)",
    )
    add("--wheels", type=Path, help="folder of wheels for changed requirements")
    add("--root", type=Path, default=PROGRAM, help="the program to pack")
    add("--output", type=Path, metavar="FILE")
    return parser
