"""What a gateway knows of its secured meters, as long as the process runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hardware.device_id import device_id_of
from hardware.lmn_certificates import LmnCurve, LmnIdentity, new_identity
from hardware.lmn_credentials import Credentials


@dataclass(slots=True)
class MemoryCredentials:
    """A `CredentialStore` that remembers nothing over a restart.

    `keys` are the master keys by server id; what is in `due` is to be renewed.
    """

    huid: str
    keys: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    counters: dict[bytes, int] = field(default_factory=dict)
    active: dict[bytes, Credentials] = field(default_factory=dict)
    proposed: dict[bytes, Credentials] = field(default_factory=dict)
    gateways: dict[str, LmnIdentity] = field(default_factory=dict)
    due: set[bytes] = field(default_factory=set)

    def device_id(self, server_id: bytes) -> str:
        """The id that the server id stands for."""
        return device_id_of(server_id) or server_id.hex()

    def master_key(self, server_id: bytes) -> bytes | None:
        """The meter's key for pairing."""
        return self.keys.get(server_id)

    def next_counter(self, server_id: bytes) -> int:
        """Counts from 1."""
        self.counters[server_id] = self.counters.get(server_id, 0) + 1
        return self.counters[server_id]

    def candidates(self, server_id: bytes) -> Sequence[Credentials]:
        """The proposed ones, then the active ones."""
        found = (self.proposed.get(server_id), self.active.get(server_id))
        return [one for one in found if one is not None]

    def propose(self, server_id: bytes, credentials: Credentials) -> None:
        """Keep them beside the active ones."""
        self.proposed[server_id] = credentials

    def confirm(self, server_id: bytes, credentials: Credentials) -> None:
        """They alone are in force."""
        self.active[server_id] = credentials
        self.proposed.pop(server_id, None)
        self.due.discard(server_id)

    def gateway_identity(self, curve: LmnCurve, now: datetime) -> LmnIdentity:
        """One for each curve, made when it is first asked for."""
        if curve.name not in self.gateways:
            self.gateways[curve.name] = new_identity(self.huid, curve, now=now)
        return self.gateways[curve.name]

    def due_for_renewal(self, now: datetime) -> Collection[bytes]:
        """What was put into `due`."""
        return set(self.due)
