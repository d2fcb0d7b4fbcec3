"""Emulated radio sticks: what IM871A, AMB8465 and CUL say over their port.

They answer the commands of the gateway's drivers and hand over telegrams once they
were told to receive. `ModuleFaults` make them fail the checks (R29).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from hardware import stick_amb8465 as amber
from hardware import stick_cul as culfw
from hardware import stick_im871a as imst
from hardware.stick_amb8465 import Amb8465, AmberMessage, AmberSettings
from hardware.stick_im871a import HciMessage, Im871a

SERIAL_NUMBER = 0x00C0FFEE
IMST_RSSI, OTHER_RSSI = 0x8C, 0xE4
"""Bytes that mean some -53 and -88 dBm."""


@dataclass(slots=True)
class ModuleFaults:
    """How a module fails; may be changed while it runs."""

    is_silent: bool = False
    answers_short: bool = False
    """What it says about itself ends early."""
    refuses_mode: bool = False
    refuses_restart: bool = False
    module: int = imst.IM871A
    firmware: int = 0x14


class StickEmulator(Protocol):
    """One stick: bytes of the gateway in, its answers out."""

    faults: ModuleFaults

    def answer(self, data: bytes) -> bytes:
        """What it says to these bytes."""
        ...

    def indication(self, telegram: bytes) -> bytes:
        """What it sends for a telegram from the air; nothing before it was set up."""
        ...


class Im871aEmulator:
    """An iM871A, with the signal's strength and CRC behind each telegram."""

    def __init__(self, faults: ModuleFaults | None = None) -> None:
        self.faults = faults or ModuleFaults()
        self._reader = Im871a()
        self._mode: int | None = None

    def answer(self, data: bytes) -> bytes:
        """Ping, device information, configuration, restart."""
        if self.faults.is_silent:
            return b""
        messages = (m for m in self._reader.feed(data) if isinstance(m, HciMessage))
        return b"".join(self._answers(messages))

    def indication(self, telegram: bytes) -> bytes:
        """The telegram with its strength."""
        if self._mode is None or self.faults.is_silent:
            return b""
        return imst.telegram_indication(telegram, rssi=IMST_RSSI, with_crc=True)

    def _answers(self, messages: Iterator[HciMessage]) -> Iterator[bytes]:
        for message in messages:
            payload = self._payload(message)
            if payload is not None:
                answer = HciMessage(imst.DEVICE, message.message + 1, payload)
                yield imst.encode_message(answer)

    def _payload(self, message: HciMessage) -> bytes | None:
        if message.message == imst.SET_CONFIG:
            if self.faults.refuses_mode:
                return b"\x01"
            self._mode = imst.link_mode(message.payload[1:])
        if message.message == imst.RESET:
            self._mode = None
        known = {
            imst.PING: b"",
            imst.DEVICE_INFO: self._device_info(),
            imst.SET_CONFIG: b"\x00",
            imst.GET_CONFIG: bytes([0x02, self._mode or 0]),
            imst.RESET: bytes([self.faults.refuses_restart]),
        }
        return known.get(message.message)

    def _device_info(self) -> bytes:
        faults = self.faults
        info = imst.device_info(faults.module, faults.firmware, SERIAL_NUMBER)
        return info[:3] if faults.answers_short else info


class Amb8465Emulator:
    """An AMB8465; `settings` are what is stored in it."""

    def __init__(
        self,
        faults: ModuleFaults | None = None,
        settings: AmberSettings | None = None,
    ) -> None:
        self.faults = faults or ModuleFaults()
        self._settings = settings or AmberSettings(framed=True, with_rssi=True)
        self._reader = Amb8465(AmberSettings(framed=True, with_rssi=False))
        self._is_receiving = False

    def answer(self, data: bytes) -> bytes:
        """Serial number, firmware, parameters, mode, restart."""
        if self.faults.is_silent:
            return b""
        messages = (m for m in self._reader.feed(data) if isinstance(m, AmberMessage))
        return b"".join(self._answers(messages))

    def indication(self, telegram: bytes) -> bytes:
        """The telegram as the settings say."""
        if not self._is_receiving or self.faults.is_silent:
            return b""
        return amber.telegram_indication(telegram, self._settings, rssi=OTHER_RSSI)

    def _answers(self, messages: Iterator[AmberMessage]) -> Iterator[bytes]:
        for message in messages:
            data = self._data(message)
            if data is not None:
                command = message.command | amber.ANSWER
                yield amber.encode_message(AmberMessage(command, data))

    def _data(self, message: AmberMessage) -> bytes | None:
        if message.command == amber.SET_MODE:
            self._is_receiving = not self.faults.refuses_mode
        if message.command == amber.RESET:
            self._is_receiving = False
        known = {
            amber.SERIAL_NUMBER: SERIAL_NUMBER.to_bytes(4, "big"),
            amber.FIRMWARE: bytes([2, 7, 1]),
            amber.GET_PARAMETERS: self._parameters(),
            amber.SET_MODE: bytes([self.faults.refuses_mode]),
            amber.RESET: bytes([self.faults.refuses_restart]),
        }
        return known.get(message.command)

    def _parameters(self) -> bytes:
        parameters = amber.parameters_of(self._settings)
        return parameters[:-1] if self.faults.answers_short else parameters


class CulEmulator:
    """A nanoCUL; it sends telegrams of format A with their CRCs."""

    def __init__(self, faults: ModuleFaults | None = None) -> None:
        self.faults = faults or ModuleFaults()
        self._buffer = b""
        self._is_receiving = False

    def answer(self, data: bytes) -> bytes:
        """The version, and the mode that was set."""
        if self.faults.is_silent:
            return b""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return b"".join(self._answer(line.strip() + b"\r\n") for line in lines)

    def indication(self, telegram: bytes) -> bytes:
        """A line with telegram, CRCs, quality and strength."""
        if not self._is_receiving or self.faults.is_silent:
            return b""
        return culfw.telegram_line(telegram, rssi=OTHER_RSSI)

    def _answer(self, line: bytes) -> bytes:
        if line == culfw.VERSION:
            return b"V 1.67 nanoCUL868\r\n"
        if line in (culfw.MODE_T, culfw.MODE_C) and not self.faults.refuses_mode:
            self._is_receiving = True
            return b"TMODE\r\n" if line == culfw.MODE_T else b"CMODE\r\n"
        return b""


EMULATORS: dict[str, type[Im871aEmulator | Amb8465Emulator | CulEmulator]] = {
    "im871a": Im871aEmulator,
    "amb8465": Amb8465Emulator,
    "cul": CulEmulator,
}
"""Stick kind of a meter profile -> its emulator."""
