"""Reading elements: local names, numbers in their limits, times, and what is wrong.

TRuDI looks at local names only; namespaces are the schema's business.
"""

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from lxml import etree

from tariffs.trudi.findings import Finding
from tariffs.trudi.moments import Moment

UINT8 = (0, 2**8 - 1)
UINT16 = (0, 2**16 - 1)
UINT32 = (0, 2**32 - 1)
INT8 = (-(2**7), 2**7 - 1)
INT16 = (-(2**15), 2**15 - 1)
INT64 = (-(2**63), 2**63 - 1)

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")


class ElementReader:
    """Takes elements apart and collects what is wrong with them.

    One per file: times repeat within a file and are parsed once.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._moments: dict[str, Moment | None] = {}
        self._names: dict[str, str] = {}

    def children(self, parent: etree._Element) -> Iterator[tuple[str, etree._Element]]:
        """The children of an element with their local names."""
        names = self._names
        for child in parent:
            tag = str(child.tag)
            name = names.get(tag)
            if name is None:
                name = names[tag] = tag.rpartition("}")[2]
            yield name, child

    def unsupported(self, name: str, element: etree._Element) -> None:
        """Note an element that TRuDI does not know here (rule P1)."""
        text = _("Zeile %(line)s: Das Element „%(name)s“ wird hier nicht unterstützt.")
        self.note("P1", text % {"line": element.sourceline, "name": name})

    def note(self, rule: str, message: str) -> None:
        """Note a broken rule."""
        self.findings.append(Finding(rule, message))

    def integer(self, element: etree._Element, limits: tuple[int, int]) -> int | None:
        """The number that an element holds; None, and noted, when it is none."""
        text = element.text or ""
        if _INTEGER.fullmatch(text):
            number = int(text)
            if limits[0] <= number <= limits[1]:
                return number
        self._unreadable(element)
        return None

    def moment(self, element: etree._Element) -> Moment | None:
        """The time that an element holds; None, and noted, when it is none."""
        text = element.text or ""
        known = self._moments
        if text not in known:
            try:
                known[text] = Moment.parse(text)
            except ValueError:
                known[text] = None
        if known[text] is None:
            self._unreadable(element)
        return known[text]

    def _unreadable(self, element: etree._Element) -> None:
        text = _("Zeile %(line)s: „%(name)s“ hat keinen lesbaren Wert: „%(value)s“.")
        name = str(element.tag).rpartition("}")[2]
        value = (element.text or "")[:40]
        self.note(
            "P0", text % {"line": element.sourceline, "name": name, "value": value}
        )
