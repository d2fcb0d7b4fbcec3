"""`./casa decode sml|hdlc|wmbus [FILE]`: captured bytes in, JSON lines out.

    ./casa decode sml capture.bin      binary, as it came from the line
    ./casa decode hdlc frames.txt      hex text; spaces and line ends do not matter
    ./casa decode wmbus telegrams.txt --key 0102..     see casa_site/decode_wmbus.py

Without FILE, standard input is read. What is printed is described in decisions.md,
section 4; damage in an SML capture is told of on standard error. Exit status 0, or 2
when the input cannot be read. Needs no database and no settings.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from casa_site.decode_wmbus import decode_wmbus, key_of_hex
from hardware.device_id import device_id_of
from hardware.errors import FrameUndecodable
from hardware.hdlc import FrameFault, FrameReader, HdlcFrame
from hardware.sml import SmlElement, SmlInteger
from hardware.sml_lists import (
    GET_LIST_RESPONSE,
    GetListResponse,
    ListEntry,
    get_list_response,
)
from hardware.sml_transport import SmlFault, SmlFile, SmlFileReader

_CHUNK = 64 * 1024
_USAGE = "usage: casa decode sml|hdlc [FILE] | casa decode wmbus [FILE] [--key HEX]"


class InputUnusable(Exception):
    """The input is not what the command reads; the message is one sentence."""


def main(arguments: list[str]) -> int:
    """Decode the file named, or standard input; return the exit status."""
    if not {"-h", "--help"}.isdisjoint(arguments):
        print(_USAGE)
        return 0
    try:
        names, options = _key_taken_out(arguments)
    except ValueError as reason:
        print(f"casa decode: --key: {reason}", file=sys.stderr)
        return 2
    if not 1 <= len(names) <= 2 or names[0] not in _FORMATS:
        print(_USAGE, file=sys.stderr)
        return 2
    if options and names[0] != "wmbus":
        print("casa decode: --key is for wmbus only", file=sys.stderr)
        return 2
    return _print_lines(names, options)


def _key_taken_out(arguments: list[str]) -> tuple[list[str], dict[str, bytes]]:
    """The other arguments, and the key when there is one; raises ValueError."""
    if "--key" not in arguments:
        return arguments, {}
    at = arguments.index("--key")
    if len(arguments) == at + 1:
        raise ValueError("32 hex digits are needed")
    others = arguments[:at] + arguments[at + 2 :]
    return others, {"key": key_of_hex(arguments[at + 1])}


def _print_lines(names: list[str], options: dict[str, bytes]) -> int:
    """Print what the decoder named first finds; the exit status."""
    try:
        with _opened(names[1:]) as source:
            for line in _FORMATS[names[0]](_chunks(source), **options):
                print(_json_text(line))
        sys.stdout.flush()
    except InputUnusable as reason:
        sys.stdout.flush()
        print(f"casa decode: {reason}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _json_text(line: dict[str, Any]) -> str:
    """JSON in one line; half a surrogate, as an id may hold, stays escaped."""
    text = json.dumps(line, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def _opened(names: list[str]) -> Iterator[BinaryIO]:
    if not names or names == ["-"]:
        yield sys.stdin.buffer
        return
    try:
        source = Path(names[0]).open("rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise InputUnusable(f"{names[0]}: {error.strerror}.") from None
    with source:
        yield source


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    """The bytes as they come, a pipe's too; never more than one chunk in memory."""
    read = getattr(source, "read1", source.read)
    try:
        while chunk := read(_CHUNK):
            yield chunk
    except OSError as error:
        raise InputUnusable(f"the input cannot be read: {error.strerror}.") from None


# --- SML ----------------------------------------------------------------------------


def decode_sml(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what each SML file of a binary stream says, in order."""
    reader = SmlFileReader()
    for chunk in chunks:
        yield from _sml_lines(reader.feed(chunk))
    yield from _sml_lines(reader.finish())


def _sml_lines(found: Iterable[SmlFile | SmlFault]) -> Iterator[dict[str, Any]]:
    for item in found:
        if isinstance(item, SmlFile):
            yield sml_line(item)
        else:
            print(
                f"casa decode: {item.length} bytes from offset {item.offset} on hold"
                f" no good SML file: {item.reason} ({item.code}).",
                file=sys.stderr,
            )


def sml_line(file: SmlFile) -> dict[str, Any]:
    """What one SML file says; the registers of all its lists in order."""
    lists = list(_lists_of(file))
    first = lists[0] if lists else None
    time = first.act_sensor_time if first else None
    return {
        "offset": file.offset,
        "length": file.length,
        "transport_crc": file.transport_crc,
        "message_tags": [f"{message.tag:04x}" for message in file.messages],
        "server_id": first.server_id.hex() if first else None,
        "device_id": _upper_device_id(first.server_id) if first else None,
        "sec_index": time.sec_index if time else None,
        "entries": [_entry(entry) for found in lists for entry in found.entries],
    }


def _lists_of(file: SmlFile) -> Iterator[GetListResponse]:
    for message in file.messages:
        if message.tag != GET_LIST_RESPONSE:
            continue
        try:
            yield get_list_response(message)
        except FrameUndecodable as fault:
            where = f"SML file at offset {file.offset}"
            print(f"casa decode: {where}: {fault}.", file=sys.stderr)


def _upper_device_id(server_id: bytes) -> str | None:
    device_id = device_id_of(server_id)
    return None if device_id is None else device_id.upper()


def _entry(entry: ListEntry) -> dict[str, Any]:
    kind, raw = _typed(entry.value)
    amount = entry.amount
    return {
        "obis": str(entry.obis),
        "obis_hex": entry.obis.logical_name,
        "status": entry.status,
        "unit": entry.unit,
        "scaler": entry.scaler,
        "type": kind,
        "raw": raw,
        "value": raw if amount is None else _plain(amount),
    }


def _typed(value: SmlElement) -> tuple[str, Any]:
    """The name of a value's type and the value for JSON."""
    if value is None:
        return "missing", None
    if isinstance(value, SmlInteger):
        return ("int" if value.signed else "uint"), value.value
    if isinstance(value, bytes):
        return "octet", value.hex()
    if isinstance(value, bool):
        return "bool", value
    return "list", [_typed(part)[1] for part in value]


def _plain(amount: Decimal) -> str:
    """All digits, no exponent: 2043 with scaler 3 is 2043000."""
    return f"{amount:f}"


# --- HDLC ---------------------------------------------------------------------------


def decode_hdlc(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what each frame of a stream in hex text says, damaged ones as errors."""
    reader = FrameReader()
    for data in _bytes_of_hex(chunks):
        yield from map(hdlc_line, reader.feed(data))
    yield from map(hdlc_line, reader.finish())


def _bytes_of_hex(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Turn hex text into bytes, whatever the chunks cut apart."""
    odd = b""
    for chunk in chunks:
        digits = odd + b"".join(chunk.split())
        even = len(digits) // 2 * 2
        odd = digits[even:]
        try:
            yield bytes.fromhex(digits[:even].decode("ascii"))
        except ValueError:
            raise InputUnusable("the input is not hex text.") from None
    if odd:
        raise InputUnusable("the hex text ends with half a byte.")


def hdlc_line(found: HdlcFrame | FrameFault) -> dict[str, Any]:
    """The fields of a frame, or the reason and the manual's code of a fault."""
    if isinstance(found, FrameFault):
        return {"error": found.reason, "log_code": found.code}
    return {
        "segmented": found.segmented,
        "length": found.length,
        "destination": list(found.destination),
        "source": list(found.source),
        "control": f"{found.control:02x}",
        "frame_type": found.frame_type,
        "poll_final": int(found.poll_final),
        "n_s": found.n_s,
        "n_r": found.n_r,
        "hcs": None if found.hcs is None else found.hcs.hex(),
        "info": found.info.hex(),
        "fcs": found.fcs.hex(),
    }


_FORMATS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "sml": decode_sml,
    "hdlc": decode_hdlc,
    "wmbus": decode_wmbus,
}
