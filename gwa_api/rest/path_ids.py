"""The ids in paths: what each looks like; nothing else reaches a handler."""

import re
from collections.abc import Mapping

_NAME = r"[A-Za-z0-9_-]{1,32}"
_NUMBER = r"[1-9][0-9]{0,14}"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SHA256 = r"[0-9a-f]{64}"
_IN_BRACES = re.compile(r"{(\w+)}")

PATTERNS: Mapping[str, str] = {
    "alarm": _NUMBER,
    "certificate": _SHA256,
    "connection": _NUMBER,
    "consumer": _NAME,
    "delivery": _UUID,
    "entry": _NUMBER,
    "meter": r"[0-9A-Za-z]{1,40}",
    "operation": _UUID,
    "package": _NUMBER,
    "participant": _NAME,
    "profile": _NAME,
    "selftest": _NUMBER,
    "anchor": _SHA256,
    "upload": r"[0-9a-f]{16}",
}


def names_in(path: str) -> list[str]:
    """The names of the ids in a path template."""
    return _IN_BRACES.findall(path)


def expression_of(path: str) -> str:
    """A path template as a regular expression with named groups."""
    return _IN_BRACES.sub(lambda found: _group(found[1]), path)


def _group(name: str) -> str:
    return f"(?P<{name}>{PATTERNS[name]})"
