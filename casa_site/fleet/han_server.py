"""The web servers of a fleet on the HAN: one process, a port for each gateway.

Which gateway is meant says the port that the client came to, for its certificate as
well as for its pages.
"""

import ssl
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from casa_site.consumer_pins import ConsumerPins
from casa_site.db.postgresql.schema import in_schema
from casa_site.fleet.plan import Member
from casa_site.han_server import CurrentContext, HanServer
from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway
from hardware.han_certificate import han_files

ROLE = "fleet-han"
Environ = dict[str, Any]


class FleetApplication:
    """A WSGI application that hands each request to the gateway of its port."""

    def __init__(self, members: Iterable[Member], gateways: Mapping[str, Gateway]):
        self._served = {
            one.han_port: (one.schema, HanApplication(gateways[one.huid]))
            for one in members
        }

    def __call__(
        self, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request, on the tables of the gateway."""
        schema, application = self._served[int(environ["SERVER_PORT"])]
        with in_schema(schema):
            answer = application(environ, start_response)
        return _AnswerOf(schema, answer)


class _AnswerOf:
    """An answer whose pieces are made on the tables of its gateway.

    A download is read from the database while it is sent.
    """

    def __init__(self, schema: str, pieces: Iterable[bytes]) -> None:
        self._schema, self._all, self._pieces = schema, pieces, iter(pieces)

    def __iter__(self) -> "_AnswerOf":
        return self

    def __next__(self) -> bytes:
        with in_schema(self._schema):
            return next(self._pieces)

    def close(self) -> None:
        """End it, as WSGI asks for."""
        end = getattr(self._all, "close", None)
        if end is not None:
            with in_schema(self._schema):
                end()


class FleetHanServer(HanServer):
    """gunicorn with a listener for each gateway."""

    role = ROLE

    def __init__(
        self,
        fleet: Path,
        members: Iterable[Member],
        gateways: Mapping[str, Gateway],
        *,
        tls: str,
    ) -> None:
        self._fleet = fleet
        self._members = list(members)
        self._gateways = gateways
        first = self._members[0]
        super().__init__(
            gateways[first.huid],
            address=_address(first),
            files=han_files(gateways[first.huid]),
            tls=tls,
        )

    def load(self) -> Any:
        """What gunicorn asks for the WSGI application, once in the worker."""
        return FleetApplication(self._members, self._gateways)

    def current_context(self) -> Callable[[], ssl.SSLContext]:
        """TLS settings that become those of the gateway when it is known.

        Refused certificates are not logged in a fleet: the class of a socket, which
        would tell of them, is chosen before its gateway is.
        """
        by_port = {one.han_port: self._context_of(one) for one in self._members}
        entrance = by_port[self._members[0].han_port]

        def choose(connection: Any, _name: str | None, _context: Any) -> None:
            connection.context = by_port[connection.getsockname()[1]]()

        def context() -> ssl.SSLContext:
            found = entrance()
            found.sni_callback = choose
            return found

        return context

    def _context_of(self, member: Member) -> Callable[[], ssl.SSLContext]:
        gateway = self._gateways[member.huid]
        current = CurrentContext(
            han_files(gateway),
            tls_max=self._tls_max,
            pins=ConsumerPins(),
        )

        def context() -> ssl.SSLContext:
            with in_schema(member.schema):
                return current()

        return context

    @property
    def run_state(self) -> Path:
        """The fleet's folder: one server is ready for all."""
        return self._fleet

    def _listening(self) -> dict[str, Any]:
        settings = super()._listening()
        return {**settings, "bind": [_address(one) for one in self._members]}


def _address(member: Member) -> str:
    host = f"[{member.host}]" if ":" in member.host else member.host
    return f"{host}:{member.han_port}"
