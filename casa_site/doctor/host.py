"""The machine around the gateway: disk, networks, service manager, mDNS."""

import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from zeroconf import IPVersion, Zeroconf
from zeroconf.asyncio import AsyncServiceInfo

from casa_site.doctor.finding import Finding, ok, warning, wrong
from logbooks import storage
from portal.announcement import INSTANCE, SERVICE

UNIT = "casa.service"
_BOOTED = Path("/run/systemd/system")
_FORWARDING = (
    Path("/proc/sys/net/ipv4/ip_forward"),
    Path("/proc/sys/net/ipv6/conf/all/forwarding"),
)
_PATIENCE_MS = 3000
_PATIENCE_S = 10


def disk(found: storage.Storage) -> Finding:
    """How much of the quota is left; the gateway locks itself below 10 % (R137)."""
    text = f"{_mib(found.free)} of {_mib(found.quota)} are free"
    remedy = "free the disk, or set CASA_STORAGE_QUOTA higher"
    if found.level >= storage.Level.SHORT:
        return wrong("storage", text, remedy)
    if found.level == storage.Level.LOW:
        return warning("storage", text, remedy)
    return ok("storage", text)


def forwarding(files: tuple[Path, ...] = _FORWARDING) -> Finding:
    """Whether the host passes packets between its networks (R160)."""
    on = [path for path in files if path.exists() and path.read_text().strip() != "0"]
    if not on:
        return ok("networks", "the host passes nothing between them")
    text = "the host passes packets between its networks"
    remedy = "switch it off (sysctl), or let nftables refuse it: docs/operations.md"
    return warning("networks", text, remedy)


def unit(*, is_running: bool, booted: Path = _BOOTED) -> Finding:
    """Whether systemd starts the gateway with the machine."""
    if not booted.exists():
        return ok("systemd", "is not used on this machine")
    shown = _show()
    install = "deploy/install.sh installs it: docs/operations.md"
    if shown.get("LoadState") != "loaded":
        return warning("systemd", f"there is no {UNIT}", install)
    active = shown.get("ActiveState", "")
    if active == "failed":
        return wrong("systemd", f"{UNIT} has failed", f"journalctl -u {UNIT}")
    if active != "active":
        remedy = f"systemctl start {UNIT}"
        by_hand = ", the gateway was started by hand" if is_running else ""
        return warning("systemd", f"{UNIT} is {active}{by_hand}", remedy)
    if shown.get("UnitFileState") != "enabled":
        remedy = f"systemctl enable {UNIT}"
        return warning("systemd", f"{UNIT} does not start with the machine", remedy)
    return ok("systemd", f"{UNIT} is active and enabled")


def house(huid: str, addresses: list[str]) -> Iterator[Finding]:
    """Whether mDNS answers for the consumer's interface, at the addresses it has."""
    reachable = [text for text in addresses if not ip_address(text).is_loopback]
    if not reachable:
        yield ok("mDNS", "nothing to announce: the HAN listens on this machine only")
        return
    info = AsyncServiceInfo(SERVICE, f"{INSTANCE}.{SERVICE}")
    client = Zeroconf(ip_version=IPVersion.V4Only)
    try:
        found = info.request(client, _PATIENCE_MS)
    finally:
        client.close()
    if found:
        yield ok(
            "mDNS", f"{huid}.local answers with {', '.join(info.parsed_addresses())}"
        )
    else:
        remedy = "let UDP port 5353 pass in the HAN; ./casa up prints why it does not"
        yield warning("mDNS", f"nobody answers for smgw.local and {huid}.local", remedy)


def _show() -> dict[str, str]:
    """The unit's properties; {} when systemctl cannot be asked."""
    words = ["systemctl", "show", UNIT, "-p", "LoadState,ActiveState,UnitFileState"]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs}


def _mib(size: int) -> str:
    return f"{size / 1024**2:.0f} MiB"
