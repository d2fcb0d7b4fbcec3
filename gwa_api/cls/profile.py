"""A proxy profile as the proxy sees it: who may reach whom, and how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gwa_api.cls.socks import Target


class Scenario(StrEnum):
    """Who starts a connection (HKS3: the CLS, HKS4: the EMT, HKS5: the gateway)."""

    CLS = "HKS3"
    EMT = "HKS4"
    GATEWAY = "HKS5"


@dataclass(frozen=True, slots=True)
class Profile:
    """One proxy profile in force (cls-proxy ch. 4 of the model).

    Certificates are DER. Addresses are `host:port`. `version` changes with every
    change of the profile.
    """

    id: str
    version: int
    scenario: Scenario
    local_server_name: str
    cls_certificate: bytes
    cls_address: str
    wan_addresses: tuple[str, ...]
    wan_sni: str
    emt_certificates: tuple[bytes, ...]
    valid_from: datetime
    valid_to: datetime | None
    max_duration: timedelta
    idle_timeout: timedelta
    connect_timeout: timedelta
    max_parallel: int
    consumer: str

    def is_valid(self, now: datetime) -> bool:
        """Whether it is in force now."""
        return self.valid_from <= now and (self.valid_to is None or now < self.valid_to)

    def is_meant(self, target: Target) -> bool:
        """Whether a CLS that asks for `target` asks for this profile."""
        if target.name:
            return target.name == self.local_server_name
        return target.address in self.wan_addresses


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[host]:port`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
