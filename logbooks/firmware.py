"""Update packages: each step towards a new release (R147-R149, manual ch. 2.5).

downloaded -> verified -> released by the GWA -> scheduled -> trial -> active; at each
step a package can be refused, with the fault code in the system log. What runs and all
application data stay as they are until a new release has shown that it works.
"""

import platform
from datetime import datetime
from pathlib import Path

from django.db import IntegrityError, transaction

from hardware import firmware_package, firmware_store
from hardware.firmware_manifest import PackageNotGenuine
from hardware.firmware_package import Package, PackageNotFitting
from hardware.gateway import Gateway
from hardware.release import Release, release_of
from logbooks.models import FirmwarePackage
from logbooks.services import log_fault

NOT_GENUINE = 1300800
TRIAL_INSTALLATION = 1300801
NOT_FITTING = 1300804
INSTALLATION = 1300116
CONNECTION_LOST = 1300405
_LONGEST_REASON = 200

State = FirmwarePackage.State


class FirmwareStepRefused(Exception):
    """The package is not where this step begins; the text says where it is."""


def package_folder(gateway: Gateway) -> Path:
    """Where packages lie."""
    path = firmware_store.folder(gateway.state) / firmware_store.PACKAGES
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def receive(gateway: Gateway, file: str, *, now: datetime) -> FirmwarePackage:
    """A package was downloaded into the folder of packages as `file`."""
    return FirmwarePackage.objects.create(file=file, received_at=now, changed_at=now)


def note_connection_lost(gateway: Gateway, *, now: datetime) -> None:
    """The connection that a package was fetched over broke (1300405)."""
    log_fault(gateway, CONNECTION_LOST, now=now)


def verify(gateway: Gateway, row: FirmwarePackage, *, now: datetime) -> bool:
    """Check signature, every file, and whether it fits; False when it was refused."""
    _require(row, State.DOWNLOADED)
    try:
        package = _genuine(gateway, row)
        firmware_package.check_fitting(
            package.manifest,
            number=running_release(gateway).number,
            hardware=hardware_of(gateway),
            python=python_version(),
        )
        with transaction.atomic():
            row.version = package.manifest.version
            row.number = package.manifest.number
            row.fingerprint = package.fingerprint
            _move(row, State.VERIFIED, now)
    except PackageNotGenuine as reason:
        return refuse(gateway, row, NOT_GENUINE, str(reason), now=now)
    except PackageNotFitting as reason:
        return refuse(gateway, row, NOT_FITTING, str(reason), now=now)
    except IntegrityError:
        return refuse(gateway, row, NOT_FITTING, "it is here already", now=now)
    return True


def release(row: FirmwarePackage, *, now: datetime) -> None:
    """The GWA releases a verified package for installation."""
    _require(row, State.VERIFIED)
    _move(row, State.RELEASED, now)


def schedule(row: FirmwarePackage, *, at: datetime, now: datetime) -> None:
    """Install a released package at an instant; may be moved until then."""
    _require(row, State.RELEASED, State.SCHEDULED)
    row.install_at = at
    _move(row, State.SCHEDULED, now)


def due(*, now: datetime) -> FirmwarePackage | None:
    """The package whose installation is due, the newest release first."""
    rows = FirmwarePackage.objects.filter(state=State.SCHEDULED, install_at__lte=now)
    return rows.order_by("-number").first()


def unpack(gateway: Gateway, row: FirmwarePackage, *, now: datetime) -> Path | None:
    """Check a due package again and unpack it; None when it was refused."""
    _require(row, State.SCHEDULED)
    try:
        package = _genuine(gateway, row)
        return firmware_store.install(gateway.state, package)
    except PackageNotGenuine as reason:
        refuse(gateway, row, NOT_GENUINE, str(reason), now=now)
    except OSError as error:
        refuse(gateway, row, TRIAL_INSTALLATION, str(error.strerror), now=now)
    return None


def begin_trial(row: FirmwarePackage, *, now: datetime) -> None:
    """The trial installation went well; the next start will try the release."""
    _require(row, State.SCHEDULED)
    _move(row, State.TRIAL, now)


def note_result(gateway: Gateway, *, now: datetime) -> FirmwarePackage | None:
    """Take note of how a trial went; the package it was about, None without one."""
    result = firmware_store.result_of(gateway.state)
    if result is None:
        return None
    begun = FirmwarePackage.objects.filter(state__in=[State.SCHEDULED, State.TRIAL])
    row = begun.filter(version=str(result.get("version", ""))).first()
    with transaction.atomic():
        if row is not None and result.get("ok") is True:
            FirmwarePackage.objects.filter(state=State.ACTIVE).update(
                state=State.REPLACED, changed_at=now
            )
            _move(row, State.ACTIVE, now)
        elif row is not None:
            reason = str(result.get("reason", "")) or "it did not become ready"
            refuse(gateway, row, INSTALLATION, reason, now=now)
    firmware_store.forget_result(gateway.state)
    _tidy(gateway)
    return row


def resume_lost_trial(gateway: Gateway, *, now: datetime) -> int:
    """A trial whose order was lost in a crash begins anew; returns how many."""
    state = gateway.state
    goes_on = firmware_store.is_ordered(state) or firmware_store.trial_of(state)
    if goes_on or firmware_store.result_of(state):
        return 0
    lost = FirmwarePackage.objects.filter(state=State.TRIAL)
    return lost.update(state=State.SCHEDULED, changed_at=now)


def refuse(
    gateway: Gateway, row: FirmwarePackage, code: int, reason: str, *, now: datetime
) -> bool:
    """The package is not taken: fault `code` in the system log. Always False."""
    with transaction.atomic():
        row.fault, row.reason = code, reason[:_LONGEST_REASON]
        _move(row, State.REFUSED, now)
        log_fault(gateway, code, now=now)
    (package_folder(gateway) / row.file).unlink(missing_ok=True)
    return False


def running_release(gateway: Gateway) -> Release:
    """The release that this process comes from."""
    return release_of()


def hardware_of(gateway: Gateway) -> str:
    """The first five digits of the hardware version (R3)."""
    return gateway.hardware.certified


def python_version() -> str:
    """Such as 3.11."""
    return ".".join(platform.python_version_tuple()[:2])


def _genuine(gateway: Gateway, row: FirmwarePackage) -> Package:
    path = package_folder(gateway) / row.file
    try:
        package = firmware_package.read(
            path, firmware_store.trusted_keys(gateway.state)
        )
        firmware_package.check_files(package)
    except FileNotFoundError:
        raise PackageNotGenuine("the file is gone") from None
    if row.fingerprint and package.fingerprint != row.fingerprint:
        raise PackageNotGenuine("not the package that was verified")
    return package


def _require(row: FirmwarePackage, *states: State) -> None:
    if row.state not in states:
        raise FirmwareStepRefused(f"package {row.pk} is {row.state}")


def _move(row: FirmwarePackage, state: State, now: datetime) -> None:
    row.state, row.changed_at = state, now
    row.save()


def _tidy(gateway: Gateway) -> None:
    """Keep the releases that may be needed: the one before, and what is to come."""
    wanted = FirmwarePackage.objects.filter(
        state__in=[State.SCHEDULED, State.TRIAL, State.ACTIVE]
    )
    firmware_store.tidy(gateway.state, set(wanted.values_list("version", flat=True)))
