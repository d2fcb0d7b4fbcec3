"""Bytes to a tree of elements: strict limits, nothing fetched, nothing expanded."""

from functools import cache
from pathlib import Path
from typing import cast

from django.utils.translation import gettext as _
from lxml import etree

from tariffs.trudi.findings import Finding

LARGEST_FILE = 128 * 1024 * 1024
"""Bytes. Two registers at every quarter hour of two years are 45 MB."""

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "schema" / "AR_2418-6.xsd"
_DEEPEST = 32
"""The schema nests 9 levels."""


class FileUnreadable(Exception):
    """Not an XML file that may be read; the message is one sentence."""


def load(data: bytes, *, largest: int = LARGEST_FILE) -> etree._Element:
    """The root element of a file; raises FileUnreadable.

    Refused are files that are too large or nest too deeply and all that declare a
    document type: there are no entities, and nothing outside the file is read.
    """
    if len(data) > largest:
        text = _("größer als %(largest)d MiB.")
        raise FileUnreadable(text % {"largest": largest // 2**20})
    try:
        root = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as error:
        text = _("kein wohlgeformtes XML: %(reason)s.")
        raise FileUnreadable(text % {"reason": error.msg}) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise FileUnreadable(_("ein Dokumenttyp (DTD) ist nicht erlaubt."))
    if _is_deep(root):
        raise FileUnreadable(_("die Elemente sind zu tief geschachtelt."))
    return root


def _parser() -> etree.XMLParser:
    """A parser of its own for each file: its error log belongs to the file."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _is_deep(root: etree._Element) -> bool:
    return bool(root.xpath(f"boolean({'/'.join('*' * _DEEPEST)})"))


def schema_findings(root: etree._Element) -> list[Finding]:
    """What the XSD of VDE-AR-E 2418-6 has against the file (rule XSD)."""
    schema = _schema()
    if schema.validate(root):
        return []
    return [
        Finding("XSD", f"{entry.line}: {_without_namespaces(entry.message)}")
        for entry in cast("list[etree._LogEntry]", schema.error_log)
    ]


@cache
def _schema() -> etree.XMLSchema:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.XMLSchema(etree.parse(str(SCHEMA_FILE), parser))


def _without_namespaces(message: str) -> str:
    for namespace in ("http://vde.de/AR_2418-6.xsd", "http://naesb.org/espi"):
        message = message.replace(f"{{{namespace}}}", "")
    return message
