"""A ModemManager on a bus of its own: a real dbus-daemon, objects that tests change."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, Message, MessageType, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.low_level import HeaderFields

from hardware.modem_manager import NAME, ROOT

DAEMON = shutil.which("dbus-daemon")
MODEM, BEARER = f"{ROOT}/Modem/0", f"{ROOT}/Bearer/3"
ONLINE: dict[str, Any] = {
    "State": ("i", 11),
    "StateFailedReason": ("u", 0),
    "SignalQuality": ("(ub)", (60, True)),
    "Bearers": ("ao", [BEARER]),
}
CONNECTED: dict[str, Any] = {
    "Connected": ("b", True),
    "ConnectionError": ("(ss)", ("", "")),
    "Ip4Config": ("a{sv}", {"method": ("u", 2), "address": ("s", "10.7.0.2")}),
}


class FakeModemManager:
    """A modem with one connection; what is changed here is answered and signalled."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.modem: dict[str, Any] | None = dict(ONLINE)
        self.network: dict[str, Any] = {"RegistrationState": ("u", 1)}
        self.signal: dict[str, Any] = {}
        self.bearer = dict(CONNECTED)
        self._connection: DBusConnection | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._sending = threading.Lock()

    def start(self) -> None:
        """Own the name and answer."""
        self._connection = open_dbus_connection(self._address)
        request = message_bus.RequestName(NAME)
        assert self._connection.send_and_get_reply(request).body == (1,)
        self._thread.start()

    def stop(self) -> None:
        """Leave the bus."""
        assert self._connection is not None
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        self._thread.join(20)

    def state_changed(self, state: int, *, reason: int = 0) -> None:
        """The modem says its new state and why."""
        assert self.modem is not None
        old = self.modem["State"][1]
        self.modem["State"] = ("i", state)
        at = DBusAddress(MODEM, interface=f"{NAME}.Modem")
        self._send(new_signal(at, "StateChanged", "iiu", (old, state, reason)))

    def removed(self) -> None:
        """The modem is gone."""
        self.modem = None
        at = DBusAddress(ROOT, interface="org.freedesktop.DBus.ObjectManager")
        gone = (MODEM, [f"{NAME}.Modem"])
        self._send(new_signal(at, "InterfacesRemoved", "oas", gone))

    def _send(self, message: Message) -> None:
        assert self._connection is not None
        with self._sending:
            self._connection.send(message)

    def _serve(self) -> None:
        assert self._connection is not None
        while True:
            try:
                message = self._connection.receive()
            except (OSError, ConnectionError, ValueError):
                return
            if message.header.message_type is MessageType.method_call:
                self._send(self._answer(message))

    def _answer(self, message: Message) -> Message:
        if message.header.fields[HeaderFields.member] == "GetAll":
            return new_method_return(message, "a{sv}", (self.bearer,))
        objects = {} if self.modem is None else {MODEM: self._interfaces()}
        return new_method_return(message, "a{oa{sa{sv}}}", (objects,))

    def _interfaces(self) -> dict[str, Any]:
        assert self.modem is not None
        found = {
            f"{NAME}.Modem": self.modem,
            f"{NAME}.Modem.Modem3gpp": self.network,
        }
        return {**found, f"{NAME}.Modem.Signal": self.signal}


@contextmanager
def private_bus(folder: Path) -> Iterator[str]:
    """The address of a bus that nobody else has."""
    assert DAEMON is not None
    configuration = folder / "bus.conf"
    address = f"unix:path={folder}/bus"
    configuration.write_text(
        "<busconfig><type>session</type>"
        f"<listen>{address}</listen><auth>EXTERNAL</auth>"
        '<policy context="default"><allow send_destination="*" eavesdrop="true"/>'
        '<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>'
    )
    command = [DAEMON, f"--config-file={configuration}", "--nofork", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            assert daemon.stdout.readline()  # it listens now
            yield address
        finally:
            daemon.terminate()
