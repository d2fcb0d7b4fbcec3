"""`./casa manage simulate_gwa --state DIR --port N`: a gateway administrator."""

import threading
from argparse import ArgumentParser
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casa_site.management.commands.receive_emt import (
    add_trust,
    host_time,
    peer_keys,
)
from gwa_api.peers import head_end, wake_up_call
from gwa_api.peers.alarm_book import AlarmBook
from gwa_api.peers.head_end import HeadEnd
from gwa_api.peers.https_server import PeerServer
from gwa_api.peers.management_server import ManagementServer, look_at_device
from gwa_api.peers.peer_keys import KeysMissing, PeerKeys
from hardware.simulator.process import stop_on_signals


class Command(BaseCommand):
    """Forwards, takes alarms and management channels until Ctrl-C; or wakes once."""

    requires_system_checks: list[str] = []  # noqa: RUF012
    help = (
        "A head-end: takes deliveries and alarms of gateways, checks and strips the "
        "signature, forwards to the recipient. With --wake it sends one wake-up "
        "message and ends."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where, whom it forwards to, whom it wakes."""
        add_trust(parser)
        parser.add_argument("--port", type=int)
        parser.add_argument(
            "--management-port", type=int, help="waits here for management channels"
        )
        parser.add_argument(
            "--recipient",
            nargs=3,
            action="append",
            default=[],
            metavar=("ID", "HOST:PORT", "TLS.pem"),
            help="forward to him; stays in the state folder",
        )
        parser.add_argument(
            "--wake",
            nargs=2,
            metavar=("HUID", "HOST:PORT"),
            help="wake this gateway",
        )
        parser.add_argument(
            "--at",
            type=_instant,
            metavar="2026-01-01T00:00:00Z",
            help="with --wake: the time in the message, else now",
        )

    def handle(self, *args: Any, state: Path, **options: Any) -> None:
        """Wake, or serve until a signal."""
        keys = peer_keys(state, options)
        try:
            for name, address, certificate in options["recipient"]:
                host, port = _split(address)
                head_end.add_recipient(
                    state,
                    name,
                    host=host,
                    port=port,
                    certificate=Path(certificate).read_bytes(),
                )
            if options["wake"]:
                huid, address = options["wake"]
                self._wake(keys, huid, address, options["at"] or host_time())
            elif options["port"] is None:
                raise CommandError("--port or --wake is needed")
            else:
                self._serve(keys, options)
        except (KeysMissing, OSError, ValueError) as error:
            raise CommandError(f"{error}") from None

    def _wake(self, keys: PeerKeys, huid: str, address: str, at: datetime) -> None:
        sent = wake_up_call.wake(keys, huid, *_split(address), now=at)
        self.stdout.write(f"{len(sent)} bytes sent to {address}")

    def _serve(self, keys: PeerKeys, options: dict[str, Any]) -> None:
        head = HeadEnd(keys, host_time, self.stdout.write)
        book = AlarmBook(keys, host_time, self.stdout.write)
        head.prepare()
        book.prepare()
        routes = {"/deliveries": head.forward, "/alarms": book.take}
        host, stop = options["host"], stop_on_signals()
        servers: list[PeerServer] = [
            PeerServer(keys, (host, options["port"]), routes, clock=host_time)
        ]
        if options["management_port"] is not None:
            address = host, options["management_port"]
            use = look_at_device(keys, host_time)
            servers.append(ManagementServer(keys, address, use, clock=host_time))
        with ExitStack() as stack:
            for server in servers:
                stack.enter_context(server)
                threading.Thread(target=server.serve_forever, daemon=True).start()
                self.stdout.write(f"listening on {host}:{server.port}")
            self.stdout.flush()
            stop.wait()
            for server in servers:
                server.shutdown()


def _instant(text: str) -> datetime:
    """A time with its zone; raises ValueError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time needs its zone, such as Z")
    return found


def _split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`; raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)
