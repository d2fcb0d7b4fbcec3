"""Why a message was not made or not taken, each with its fault code (manual 9.4)."""

from enum import IntEnum


class CmsFault(IntEnum):
    """The step of the chain that failed; the value is the fault code."""

    COMPRESS = 2300026
    DECRYPT = 2300033
    SIGN = 2300035
    MEMORY = 2300097
    DECOMPRESS = 2300151
    ENCRYPT = 2300160
    SIGNATURE = 2300171


class CmsRefused(Exception):
    """A message was refused, or could not be made; `fault` says at which step."""

    def __init__(self, fault: CmsFault, text: str) -> None:
        super().__init__(text)
        self.fault = fault
