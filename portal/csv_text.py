"""CSV as the portal hands it out (decisions D14).

German form: `;`, numbers as on the page; ISO form: `,`, decimal point, ISO 8601
times. Both UTF-8 with byte order mark and CRLF. Texts are quoted where needed and
made safe for spreadsheets: a text that begins like a formula gets an apostrophe.
`csv.writer` is too slow for lists of years.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from portal import local_time
from portal.formats import GERMAN_FILE, PLAIN, NumberStyle

BYTE_ORDER_MARK = "\ufeff"
NEW_LINE = "\r\n"
_NUMBER = re.compile(r"-?[0-9][0-9.,]*\Z")
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_TO_QUOTE = re.compile(r'[;,"\r\n\t]|\A\s|\s\Z')
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class CsvForm:
    """A form of the file: separator, marks of numbers, how times are written."""

    separator: str
    style: NumberStyle
    stamp: Callable[[datetime], str]
    time: Callable[[datetime], str]

    @property
    def is_iso(self) -> bool:
        """Whether this is the form for programs."""
        return self.separator == ","

    def line(self, cells: Iterable[str]) -> str:
        """One line of texts, each quoted and made safe; without its end."""
        return self.separator.join(map(text_cell, cells))


GERMAN = CsvForm(";", GERMAN_FILE, local_time.page_stamp, local_time.page_time)
ISO = CsvForm(",", PLAIN, local_time.iso, local_time.iso)
FORMS = {"": GERMAN, "iso": ISO}
"""`?format=` -> form."""


def text_cell(text: str) -> str:
    """A cell that holds a text; numbers pass as they are when they need no quotes."""
    if _FORMULA.match(text) and not _NUMBER.match(text):
        text = f"'{text}"
    if _TO_QUOTE.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def in_pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """The file, in pieces of some hundred lines."""
    piece = [BYTE_ORDER_MARK]
    for line in lines:
        piece.append(line + NEW_LINE)
        if len(piece) == _CHUNK:
            yield "".join(piece).encode()
            piece = []
    yield "".join(piece).encode()
