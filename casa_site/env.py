"""Reads the CASA_* settings: from the environment, else from `casa.env`.

A wrong value raises SettingInvalid with one sentence that names the setting.
"""

import os
import re
from collections.abc import Collection, MutableMapping
from pathlib import Path

ENV_FILE = "casa.env"
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class SettingInvalid(ValueError):
    """A setting that cannot be used; the message is one sentence for the user."""


def load_file(path: Path, environ: MutableMapping[str, str] = os.environ) -> None:
    """Take the lines `CASA_NAME=value` of `path`; what is set already wins.

    A missing file is no error; blank lines and lines that begin with # are skipped.
    """
    if not path.is_file():
        return
    for number, line in enumerate(_content(path).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, separator, value = text.partition("=")
        if not separator or not name.strip().startswith("CASA_"):
            raise SettingInvalid(f"{path}, line {number}: expected CASA_NAME=value.")
        environ.setdefault(name.strip(), value.strip().strip("\"'"))


def _content(path: Path) -> str:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"{path} cannot be read: {error}.") from None
    if "\0" in content:
        raise SettingInvalid(f"{path} holds a NUL character.")
    return content


def text(name: str, default: str = "") -> str:
    """The setting as it stands, without blanks around it."""
    return os.environ.get(name, default).strip()


def choice(name: str, default: str, allowed: Collection[str]) -> str:
    """The setting, which must be one of `allowed`."""
    value = text(name) or default
    if value not in allowed:
        options = ", ".join(sorted(allowed))
        raise SettingInvalid(f"{name} must be one of {options}, not '{value}'.")
    return value


def flag(name: str, default: bool) -> bool:
    """1, true, yes, on or 0, false, no, off."""
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise SettingInvalid(f"{name} must be 1 or 0, not '{value}'.")


def integer(
    name: str, default: int, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """A whole number within the bounds."""
    value = text(name)
    if value and not _NUMBER.fullmatch(value):
        raise SettingInvalid(f"{name} must be a number, not '{value}'.")
    number = int(value) if value else default
    if minimum is not None and number < minimum:
        raise SettingInvalid(f"{name} must be at least {minimum}, not {number}.")
    if maximum is not None and number > maximum:
        raise SettingInvalid(f"{name} must be at most {maximum}, not {number}.")
    return number


def path(name: str, default: Path) -> Path:
    """An absolute path; a leading ~ is the home folder."""
    value = text(name)
    return Path(value).expanduser().absolute() if value else default.absolute()


def secret(name: str, default: str = "") -> str:
    """The setting, or what stands in the file that NAME_FILE names."""
    file_name = text(f"{name}_FILE")
    if not file_name:
        return text(name, default)
    if text(name):
        raise SettingInvalid(f"Set either {name} or {name}_FILE, not both.")
    try:
        return Path(file_name).read_text().strip()
    except OSError as error:
        raise SettingInvalid(
            f"{name}_FILE: {file_name} cannot be read ({error.strerror})."
        ) from None
