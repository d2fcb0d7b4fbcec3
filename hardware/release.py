"""Which release this program is: an installed one, or a development build (D7)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from hardware import firmware_manifest
from hardware.firmware_manifest import PackageNotGenuine
from hardware.firmware_package import MANIFEST, RELEASE_FOLDER, SIGNATURE

PROGRAM = Path(__file__).resolve().parents[1]
"""The folder that the running code comes from."""
DEVELOPMENT_VERSION = "0100000000X001a"
"""What a git checkout shows (R4)."""


@dataclass(frozen=True, slots=True)
class Release:
    """The release in a folder; number 0 and no fingerprint: a development build."""

    version: str
    number: int = 0
    fingerprint: str = ""

    @property
    def is_development(self) -> bool:
        """Whether it was never packed, so that nothing says how it should be."""
        return not self.fingerprint


@dataclass(frozen=True, slots=True)
class SoftwareFinding:
    """What a look at the installed software gave; nothing wrong: both are empty."""

    signature: str = ""
    """Why the manifest is not to be trusted."""
    damaged: tuple[str, ...] = ()
    """Files that are missing, changed or strange, paths from the top."""

    @property
    def is_good(self) -> bool:
        """Whether the software is what was released."""
        return not self.signature and not self.damaged


def release_of(root: Path = PROGRAM) -> Release:
    """What is installed in `root`. A manifest that cannot be read shows as "?"."""
    try:
        content = (root / RELEASE_FOLDER / MANIFEST).read_bytes()
    except FileNotFoundError:
        return Release(DEVELOPMENT_VERSION)
    fingerprint = firmware_manifest.fingerprint(content)
    try:
        document = json.loads(content)
        return Release(str(document["version"]), int(document["number"]), fingerprint)
    except (ValueError, TypeError, KeyError):
        return Release("?", 0, fingerprint)


def check_software(
    trusted: Iterable[EllipticCurvePublicKey], root: Path = PROGRAM
) -> SoftwareFinding:
    """Check the signature of the installed release and the hash of each file (R145).

    A development build has neither and is always good.
    """
    folder = root / RELEASE_FOLDER
    if release_of(root).is_development:
        return SoftwareFinding()
    try:
        content = (folder / MANIFEST).read_bytes()
        signature = (folder / SIGNATURE).read_bytes()
        firmware_manifest.check_signature(content, signature, trusted)
        manifest = firmware_manifest.parsed(content)
    except OSError as error:
        return SoftwareFinding(signature=str(error))
    except PackageNotGenuine as reason:
        return SoftwareFinding(signature=str(reason))
    damaged = firmware_manifest.damaged_files(root, manifest)
    return SoftwareFinding(damaged=tuple(damaged))
