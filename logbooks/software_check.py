"""The check of the installed software (R145): part of the self-test and of a start."""

from collections.abc import Iterator
from datetime import datetime

from hardware import firmware_store
from hardware.gateway import Gateway
from hardware.release import PROGRAM, check_software, release_of
from logbooks.checks import Fault

FILE_DAMAGED = 1900109
SIGNATURE_BAD = 1900112
_SHOWN = 5


def software_faults(gateway: Gateway, _now: datetime) -> Iterator[Fault]:
    """1900109 for files that are missing, changed or strange, 1900112 for a manifest
    that no trusted maker signed. A development build has neither (D7)."""
    if _has_lost_its_manifest(gateway):
        yield Fault(SIGNATURE_BAD, "an installed release without its manifest")
    finding = check_software(firmware_store.trusted_keys(gateway.state), PROGRAM)
    if finding.signature:
        yield Fault(SIGNATURE_BAD, finding.signature)
    if finding.damaged:
        yield Fault(FILE_DAMAGED, ", ".join(finding.damaged[:_SHOWN]))


def _has_lost_its_manifest(gateway: Gateway) -> bool:
    """What was installed from a package never becomes a development build."""
    installed = firmware_store.folder(gateway.state).resolve()
    return installed in PROGRAM.parents and release_of(PROGRAM).is_development
