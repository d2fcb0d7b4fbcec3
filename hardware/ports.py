"""Opens what a meter profile names as its port: a device, a socket or a file."""

from hardware.file_link import FileLink, path_of
from hardware.link import SerialLink, SupplyInput


def open_port(
    port: str, baudrate: int, *, supply_input: SupplyInput | None = None
) -> SerialLink | FileLink:
    """Open a port; raises PortNotOpen.

    A file (`file:///path`, or the path of a regular file) is played at the speed of
    the line, again and again. Everything else goes to pyserial.
    """
    path = path_of(port)
    if path is not None:
        return FileLink.open(path, baudrate)
    return SerialLink.open(port, baudrate, supply_input=supply_input)
