"""The device: state, time, network, self-test, updates."""

from gwa_api.rest.shapes import (
    AT,
    CODE,
    FLAG,
    ID,
    SHA256,
    Schema,
    many,
    one_of,
    or_null,
    page_of,
    ref,
    text,
    thing,
    whole,
)

_NETWORK = {
    "addresses": many(text(49), 8),
    "host_names": many(text(253), 8),
    "dhcp": FLAG,
}
_FAULT = thing("*", code=CODE, text=text(500))
_PACKAGE = {
    "id": whole(1),
    "state": text(10),
    "version": text(32, 0),
    "received_at": AT,
    "changed_at": AT,
    "install_at": or_null(AT),
    "fault_code": or_null(CODE),
    "reason": text(200, 0),
}

DEVICE: dict[str, Schema] = {
    "Health": thing("*", status=one_of(("ok",))),
    "Device": thing(
        "*",
        huid=text(14, 14),
        hardware_version=text(32),
        firmware_version=text(64),
        uptime_s=whole(),
        time=AT,
        lockdown=thing(
            "*",
            mode=one_of(("normal", "soft", "hard")),
            codes=many(CODE),
            since=or_null(AT),
        ),
        values_for_billing=FLAG,
        leds=thing("*", **{n: text(16) for n in ("pwr", "tls", "lmc", "wmt")}),
        storage=thing(
            "*",
            used_bytes=whole(),
            quota_bytes=whole(),
            free_percent=whole(0, 100),
            days_left=or_null(whole()),
        ),
        key_bank=whole(1, 2),
        life_cycle=text(32),
        certificates=many(
            thing(
                "*",
                id=SHA256,
                kind=text(3),
                stage=text(16),
                not_after=AT,
            )
        ),
    ),
    "Released": thing("*", mode=text(8), codes=many(CODE), since=or_null(AT)),
    "TimeSynchronise": thing(accept_any_difference=FLAG),
    "Time": thing(
        "*",
        now=AT,
        valid=FLAG,
        source=text(16),
        server=or_null(text(261)),
        last_success_at=or_null(AT),
        last_offset_us=or_null({"type": "integer"}),
        next_poll_at=or_null(AT),
        failures=whole(),
        last_fault=or_null(CODE),
    ),
    "HanNetworkBody": thing("dhcp", **_NETWORK),
    "HanNetwork": thing("*", **_NETWORK, returns_at=or_null(AT), version=whole()),
    "SelfTest": thing(
        "*",
        id=whole(1),
        triggered_by=text(24),
        started_at=AT,
        ended_at=or_null(AT),
        passed=or_null(FLAG),
        faults=many(_FAULT),
    ),
    "SelfTestPage": page_of("SelfTest"),
    "Firmware": thing(
        "*",
        installed=thing("*", version=text(64), number=whole()),
        packages=many(ref("Package")),
    ),
    "Package": thing("*", **_PACKAGE),
    "PackageBody": thing("size", size=whole(1, 512 * 1024**2)),
    "PackageUpload": thing(
        "*", id=ID, received_bytes=whole(), size=whole(1), package=or_null(whole(1))
    ),
    "Install": thing(at=AT),
}
