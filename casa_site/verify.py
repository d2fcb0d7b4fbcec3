"""`./casa verify READINGS.xml`: checks a file for TRuDI and recomputes the bill.

    ./casa verify readings.xml                           rules and signatures
    ./casa verify readings.xml --supplier tariff.xml     and TAF1 or TAF2

Prints sentences, in English where the locale is English, else in German; with --json
one JSON document (decisions.md, section 4). Exit status 0 when everything is valid
and recomputed, 1 when not, 2 when an input cannot be read. Needs no database, no
settings and no gateway.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import django
from cryptography import x509
from django.apps import apps
from django.conf import settings
from django.utils import translation

from tariffs.trudi.certificates import CertificateUnusable, signer_certificate
from tariffs.trudi.explanation import explanation
from tariffs.trudi.report import document
from tariffs.trudi.verification import Verification
from tariffs.trudi.verification import verify as verify_files
from tariffs.trudi.xml_file import LARGEST_FILE, FileUnreadable

BASE = Path(__file__).resolve().parent.parent
_LOCALE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
VALID, NOT_VALID, UNREADABLE = 0, 1, 2


class InputUnusable(Exception):
    """An input cannot be read; the message is one sentence."""


def main(arguments: list[str]) -> int:
    """Verify the files named; return the exit status."""
    options = _parser().parse_args(arguments)
    _prepare_texts()
    with translation.override(language(os.environ)):
        try:
            found = _verified(options)
        except InputUnusable as reason:
            print(f"casa verify: {reason}", file=sys.stderr)
            return UNREADABLE
        if options.json:
            print(json.dumps(document(found), ensure_ascii=False))
        else:
            print("\n".join(explanation(found)))
    return VALID if found.is_complete else NOT_VALID


def language(environment: Mapping[str, str]) -> str:
    """The language of the locale, as far as there are texts: `en`, else `de`."""
    wanted = next((environment[n] for n in _LOCALE_VARIABLES if environment.get(n)), "")
    return "en" if wanted.lower().startswith("en") else "de"


def _prepare_texts() -> None:
    """Of Django only the texts are needed, not the settings of a gateway."""
    if not settings.configured:
        settings.configure(LANGUAGE_CODE="de", LOCALE_PATHS=[BASE / "locale"])
    if not apps.ready:
        django.setup()


def _verified(options: argparse.Namespace) -> Verification:
    """Raises InputUnusable."""
    readings = _content(options.readings)
    supplier = _content(options.supplier) if options.supplier else None
    before = _content(options.before) if options.before else None
    certificate = _certificate(options.certificate) if options.certificate else None
    try:
        return verify_files(readings, supplier, certificate=certificate, before=before)
    except FileUnreadable as reason:
        raise InputUnusable(str(reason)) from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte more than is allowed: whether it is too large is told later.
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputUnusable(f"{path}: {error.strerror}.") from None


def _certificate(path: Path) -> x509.Certificate:
    try:
        return signer_certificate(_content(path))
    except CertificateUnusable:
        text = translation.gettext("kein Zertifikat eines Schlüssels auf einer Kurve.")
        raise InputUnusable(f"{path}: {text}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="casa verify",
        description="Checks a gateway's XML file as TRuDI does, recomputes TAF1 or "
        "TAF2 by a supplier's tariff, checks the gateway's signatures.",
    )
    parser.add_argument("readings", type=Path, metavar="READINGS.xml")
    parser.add_argument("--supplier", type=Path, metavar="SUPPLIER.xml")
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="CERT",
        help="check signatures with this certificate (PEM or DER), not the file's",
    )
    parser.add_argument(
        "--before",
        type=Path,
        metavar="READINGS.xml",
        help="the gateway's file of the period before: its registers count since the "
        "start of the contract, so only with it a later period is compared",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    return parser
