"""Network interfaces of the host: link, traffic, addresses (R5, R8).

Link and counters come from the kernel's files below /sys/class/net.
"""

from dataclasses import dataclass
from pathlib import Path

from ifaddr import get_adapters

SYSFS = Path("/sys/class/net")
_LONGEST_NAME = 15
"""IFNAMSIZ of Linux without the final zero."""


@dataclass(frozen=True, slots=True)
class NetworkLink:
    """One interface; counts are of packets.

    `has_link` is None where the kernel does not say, as for an interface that is
    switched off; `speed_mbit` is None for virtual ones.
    """

    name: str
    has_link: bool | None
    speed_mbit: int | None
    addresses: tuple[str, ...]
    received: int
    sent: int
    errors: int


def network_links(sysfs: Path = SYSFS) -> list[NetworkLink]:
    """The interfaces by name, [] without sysfs.

    Left out are the loop inside the host, and virtual ones without address and link.
    """
    if not sysfs.is_dir():
        return []
    addresses = _addresses()
    names = sorted(path.name for path in sysfs.iterdir() if path.name != "lo")
    found = [
        _link(sysfs / name, addresses.get(name, ()))
        for name in names
        if len(name) <= _LONGEST_NAME and (sysfs / name / "statistics").is_dir()
    ]
    return [
        link
        for link in found
        if link.has_link or link.addresses or not _is_virtual(sysfs / link.name)
    ]


def _is_virtual(folder: Path) -> bool:
    """Whether no hardware stands behind it."""
    return not (folder / "device").exists()


def _link(folder: Path, addresses: tuple[str, ...]) -> NetworkLink:
    carrier = _number(folder / "carrier")
    speed = _number(folder / "speed")
    counted = folder / "statistics"
    return NetworkLink(
        name=folder.name,
        has_link=None if carrier is None else carrier == 1,
        speed_mbit=speed if speed is not None and speed > 0 else None,
        addresses=addresses,
        received=_number(counted / "rx_packets") or 0,
        sent=_number(counted / "tx_packets") or 0,
        errors=(_number(counted / "rx_errors") or 0)
        + (_number(counted / "tx_errors") or 0),
    )


def _number(path: Path) -> int | None:
    """What the kernel says; None where it refuses or there is no such file."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _addresses() -> dict[str, tuple[str, ...]]:
    """By interface its addresses, IPv6 without the zone."""
    found: dict[str, tuple[str, ...]] = {}
    for adapter in get_adapters():
        ips = (ip.ip if isinstance(ip.ip, str) else ip.ip[0] for ip in adapter.ips)
        found[adapter.name] = (*found.get(adapter.name, ()), *ips)
    return found
