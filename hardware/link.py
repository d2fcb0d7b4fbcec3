"""A link is a byte pipe to meters: a serial port, a TCP socket, a simulated bus."""

import math
import select
import termios
from collections.abc import Callable
from typing import Protocol, Self

import serial
from serial import rs485

from hardware.errors import PortNotOpen, PortVanished

LMN_BAUDRATE = 921_600
"""Speed of the wired LMN (manual, ch. 2.6)."""

_LARGEST_READ = 4096
_WRITE_TIMEOUT_S = 2.0


class Link(Protocol):
    """A byte pipe to the bus."""

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises PortVanished."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, b'' when nothing came within the timeout.

        Raises PortVanished.
        """
        ...


class SwitchingLink(Link, Protocol):
    """A link whose speed changes during a conversation (IEC 62056-21, mode C)."""

    def set_baudrate(self, baudrate: int) -> bool:
        """Go on at this speed once everything was sent; False where that cannot be.

        Raises PortVanished.
        """
        ...


SupplyInput = Callable[[], bool]
"""Whether the supply of the bus is overloaded now (R6)."""


def supply_is_overloaded(link: object) -> bool:
    """What a link says of the bus it supplies; links without that input say no."""
    reading: SupplyInput | None = getattr(link, "supply_is_overloaded", None)
    return reading is not None and reading()


class SerialLink:
    """A link over pyserial: a device, a pseudo-terminal or `socket://host:port`.

    One owner per port: it is opened exclusively. Always 8 data bits, no parity, one
    stop bit (lmn-wired.md 1); what speaks 7E1 goes over it too (`hardware.seven_bit`).
    """

    def __init__(
        self,
        port: serial.SerialBase,
        *,
        switches_speed: bool = True,
        supply_input: SupplyInput | None = None,
    ) -> None:
        self._port = port
        self._switches_speed = switches_speed
        self._supply_input = supply_input
        self._poll = select.poll()
        self._poll.register(port.fileno(), select.POLLIN)

    @classmethod
    def open(
        cls,
        port: str,
        baudrate: int = LMN_BAUDRATE,
        *,
        rs485_ioctl: bool = False,
        supply_input: SupplyInput | None = None,
    ) -> Self:
        """Open a port; raises PortNotOpen.

        `rs485_ioctl` lets the driver switch the direction of an RS485 transceiver;
        pseudo-terminals and most USB adapters cannot do that and need not.
        `supply_input` is asked for the overload of the bus that the port supplies.
        """
        try:
            opened = serial.serial_for_url(
                port,
                baudrate,
                timeout=0,
                write_timeout=_WRITE_TIMEOUT_S,
                exclusive=True,
            )
            if rs485_ioctl:
                opened.rs485_mode = rs485.RS485Settings()
        except (OSError, ValueError, termios.error) as error:
            # SerialException is an OSError, termios.error is none.
            raise PortNotOpen(f"{port}: {error}") from error
        switches_speed = "://" not in port or port.startswith("rfc2217://")
        return cls(opened, switches_speed=switches_speed, supply_input=supply_input)

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises PortVanished."""
        try:
            self._port.write(data)
        except OSError as error:
            raise PortVanished(str(error)) from error

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, b'' when nothing came; raises PortVanished."""
        # The port itself never waits: changing its timeout costs a system call each
        # time, and its read waits for a full buffer.
        try:
            if not self._poll.poll(math.ceil(timeout_s * 1000)):
                return b""
            return self._port.read(_LARGEST_READ)
        except (OSError, TypeError) as error:  # TypeError: closed by another thread
            raise PortVanished(str(error)) from error

    def set_baudrate(self, baudrate: int) -> bool:
        """Go on at this speed once everything was sent; raises PortVanished.

        False for a socket: its far end keeps the speed that it is set to.
        """
        if not self._switches_speed:
            return False
        try:
            if self._port.baudrate != baudrate:
                self._port.flush()
                self._port.baudrate = baudrate
        except (OSError, TypeError, termios.error) as error:
            raise PortVanished(str(error)) from error
        return True

    def supply_is_overloaded(self) -> bool:
        """Whether the supply of the bus is overloaded; False without an input."""
        return self._supply_input is not None and self._supply_input()

    def close(self) -> None:
        """Give the port back; never raises."""
        self._port.close()
