"""Why a wireless telegram is refused; the names are those of `casa decode wmbus`."""

from typing import ClassVar


class TelegramRefused(Exception):
    """A telegram that gives no values; `name` is short and fixed, the text explains."""

    name: ClassVar[str]


class CrcWrong(TelegramRefused):
    """A cyclic redundancy check of the link, of the ELL or of a compact frame fails."""

    name = "crc"


class LengthWrong(TelegramRefused):
    """The number of bytes is not what a length field says."""

    name = "length"


class MacWrong(TelegramRefused):
    """The message authentication code is wrong, or missing where it is a must."""

    name = "mac"


class KeyWrong(TelegramRefused):
    """What comes out of the decryption is not what a right key gives."""

    name = "key"


class KeyMissing(TelegramRefused):
    """The telegram is encrypted and no key is known for its sender."""

    name = "key_missing"


class NotEncrypted(TelegramRefused):
    """The sender has a key and the telegram is not protected by it."""

    name = "plain"


class Replayed(TelegramRefused):
    """The message counter is not above the last one that was accepted."""

    name = "replay"


class FormatUnknown(TelegramRefused):
    """A compact frame whose full frame was not seen; `signature` names the format."""

    name = "format_unknown"

    def __init__(self, signature: int) -> None:
        super().__init__(f"no full frame with signature {signature:04X} was seen yet")
        self.signature = signature


class Truncated(TelegramRefused):
    """The application data end in the middle."""

    name = "truncated"


class FragmentAwaited(Truncated):
    """Not a fault: one fragment of a message whose other fragments are to come."""


class Unsupported(TelegramRefused):
    """A protocol, mode or field that is recognised or unknown, but not decoded here."""

    name = "unsupported"
