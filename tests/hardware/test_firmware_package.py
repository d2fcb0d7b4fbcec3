"""Update packages: only whole ones, signed by a trusted maker, are taken."""

import json
import random
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hardware import firmware_manifest, firmware_package
from hardware.firmware_manifest import PackageNotGenuine, damaged_files
from hardware.firmware_package import FILES as BELOW
from hardware.firmware_package import MANIFEST, SIGNATURE, PackageNotFitting
from hardware.release import check_software, release_of
from tests.hardware.releases import FILES, HARDWARE, PYTHON, new_key, package

KEY, FOREIGN = new_key(), new_key()
TRUSTED = [KEY.public_key()]


def taken(path: Path) -> firmware_package.Package:
    """The package as the gateway takes it; raises what the gateway raises."""
    found = firmware_package.read(path, TRUSTED)
    firmware_package.check_files(found)
    return found


def rewritten(path: Path, changes: dict[str, bytes | None], **more: bytes) -> Path:
    """The zip file with members replaced, removed (None) or added."""
    target = path.with_name("rewritten.casa")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content = changes.get(info.filename, old.read(info))
            if content is not None:
                new.writestr(info, content)
        for name, content in more.items():
            new.writestr(name, content)
    return target


@pytest.mark.req("R147")
def test_a_package_comes_out_as_it_went_in(tmp_path: Path) -> None:
    """Read, checked, unpacked: the same files, with manifest and signature."""
    made = package(tmp_path, KEY)
    found = taken(made.path)
    assert (found.manifest, found.fingerprint) == (made.manifest, made.fingerprint)
    target = tmp_path / "installed"
    firmware_package.unpack(found, target)
    for path, content in FILES.items():
        assert (target / path).read_bytes() == content
    assert stat.S_IMODE((target / "casa").stat().st_mode) == 0o700
    assert damaged_files(target, found.manifest) == []
    assert release_of(target).version == "2X"
    assert release_of(target).fingerprint == made.fingerprint


@pytest.mark.req("R147")
def test_an_unsigned_or_foreign_package_is_refused(tmp_path: Path) -> None:
    """Before anything else of it is read."""
    foreign = package(tmp_path, FOREIGN)
    with pytest.raises(PackageNotGenuine, match="not signed"):
        taken(foreign.path)
    good = package(tmp_path, KEY, name="good.casa").path
    for signature in (b"", b"\0" * 70, None):
        with pytest.raises(PackageNotGenuine):
            taken(rewritten(good, {SIGNATURE: signature}))
    with pytest.raises(PackageNotGenuine, match="not signed"):
        firmware_package.read(good, [])


@pytest.mark.req("R147")
def test_no_cut_and_no_changed_byte_gets_through(tmp_path: Path) -> None:
    """Cut at 200 places; each byte changed: refused, or without any effect at all.

    (A zip file has bytes that say nothing, such as dates.)
    """
    made = package(tmp_path, KEY)
    content = made.path.read_bytes()
    damaged = tmp_path / "damaged.casa"
    for end in sorted(random.Random(1).sample(range(len(content)), 200)):
        damaged.write_bytes(content[:end])
        with pytest.raises(PackageNotGenuine):
            taken(damaged)
    for at in range(len(content)):
        damaged.write_bytes(
            content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :]
        )
        try:
            found = taken(damaged)
        except PackageNotGenuine:
            continue
        assert found.manifest == made.manifest


@pytest.mark.req("R147")
@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({BELOW + "casa": b"#!/bin/sh\n"}, {}),
        ({BELOW + "casa": b"#!/usr/bin/env python3\nx"}, {}),
        ({BELOW + "casa": None}, {}),
        ({}, {"files/extra.py": b"import os"}),
        ({}, {"../outside.py": b"import os"}),
        ({}, {"/etc/outside": b""}),
        ({MANIFEST: None}, {}),
        ({MANIFEST: b"{}"}, {}),
    ],
)
def test_other_files_than_those_of_the_manifest_are_refused(
    tmp_path: Path, changes: dict[str, bytes | None], more: dict[str, bytes]
) -> None:
    """Changed, longer, missing, added, outside of the folder."""
    good = package(tmp_path, KEY).path
    with pytest.raises(PackageNotGenuine):
        taken(rewritten(good, changes, **more))
    assert not (tmp_path.parent / "outside.py").exists()


def test_a_link_in_a_package_is_refused(tmp_path: Path) -> None:
    good = package(tmp_path, KEY).path
    target = tmp_path / "link.casa"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            if info.filename.endswith("casa"):
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            new.writestr(info, old.read(info.filename))
    with pytest.raises(PackageNotGenuine, match="plain file"):
        taken(target)


def changed_manifest(tmp_path: Path, **changes: Any) -> bytes:
    document = json.loads(package(tmp_path, KEY).manifest_bytes)
    return json.dumps(
        document | changes, sort_keys=True, separators=(",", ":")
    ).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "casa-release-2"},
        {"more": 1},
        {"version": "../x"},
        {"version": ""},
        {"version": "x" * 33},
        {"number": -1},
        {"number": True},
        {"number": "2"},
        {"hardware": ["1130"]},
        {"python": "2.7"},
        {"files": []},
        {"files": 5},
        {"files": [{"path": "a"}]},
    ],
)
def test_a_signed_manifest_is_read_strictly_all_the_same(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(PackageNotGenuine):
        firmware_manifest.parsed(changed_manifest(tmp_path, **changes))


@pytest.mark.parametrize(
    "path", ["../a", "/a", "a/../b", "a//b", "./a", ".git/x", "a/.x", "a b", "", "ä"]
)
def test_a_path_stays_inside(tmp_path: Path, path: str) -> None:
    files = json.loads(package(tmp_path, KEY).manifest_bytes)["files"]
    files[0]["path"] = path
    with pytest.raises(PackageNotGenuine):
        firmware_manifest.parsed(changed_manifest(tmp_path, files=files))


@pytest.mark.req("R147", "R149")
@pytest.mark.parametrize(
    ("number", "facts", "why"),
    [
        (1, {"hardware": ["10301"]}, "hardware"),
        (2, {}, "not newer"),
        (3, {}, "not newer"),
        (0, {"minimum_number": 1}, "come first"),
        (1, {"python": "3.12"}, "Python"),
    ],
)
def test_a_genuine_package_may_not_fit(
    tmp_path: Path, number: int, facts: dict[str, Any], why: str
) -> None:
    """Another device, an older release, one left out, another Python (1300804)."""
    manifest = package(tmp_path, KEY, **facts).manifest
    with pytest.raises(PackageNotFitting, match=why):
        firmware_package.check_fitting(
            manifest, number=number, hardware=HARDWARE, python=PYTHON
        )


@pytest.mark.req("R145")
@pytest.mark.parametrize("path", [*FILES, "release/manifest.json"])
def test_a_flipped_byte_in_an_installed_file_is_found(
    tmp_path: Path, path: str
) -> None:
    """Also a removed file, and one that was put beside."""
    root = tmp_path / "installed"
    firmware_package.unpack(taken(package(tmp_path, KEY).path), root)
    assert check_software(TRUSTED, root).is_good
    good = (root / path).read_bytes()
    if good:
        for at in range(0, len(good), max(1, len(good) // 20)):
            changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
            (root / path).write_bytes(changed)
            assert not check_software(TRUSTED, root).is_good
        (root / path).write_bytes(good)
    assert check_software(TRUSTED, root).is_good
    (root / "casa_site" / "strange.py").touch()
    assert check_software(TRUSTED, root).damaged == ("casa_site/strange.py",)
    (root / "casa_site" / "strange.py").unlink()
    assert "not signed" in check_software([FOREIGN.public_key()], root).signature
    if path in FILES:
        (root / path).unlink()
        assert check_software(TRUSTED, root).damaged == (path,)


@pytest.mark.req("R145")
def test_a_development_build_has_nothing_to_check(tmp_path: Path) -> None:
    """decisions.md D7: shown as such."""
    assert release_of(tmp_path).is_development
    assert check_software([], tmp_path).is_good
