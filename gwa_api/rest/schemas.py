"""The schemas of all bodies (JSON Schema 2020-12), for checking and for OpenAPI."""

from gwa_api.models import CommunicationProfile, Operation
from gwa_api.rest.problem import TITLES
from gwa_api.rest.profile_shapes import PROFILE, PROFILE_LINE
from gwa_api.rest.service_role_shapes import SERVICE_ROLE
from gwa_api.rest.shapes import (
    AT,
    CODE,
    FLAG,
    HOST_PORT,
    ID,
    METER_ID,
    OBIS,
    PEM,
    SHA256,
    UUID,
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
from hardware.cms_suite import EnvelopeSuite
from meters.configuration import BAUDRATES, LARGEST_REGISTER, MEDIA
from meters.models import Meter
from tariffs.models import OnDemandDelivery, OutboxRow

_METER: dict[str, Schema] = {
    "consumer": ID,
    "name": text(),
    "medium": {"type": "integer", "enum": sorted(MEDIA)},
    "source": one_of(Meter.Source),
    "port": text(200),
    "baudrate": {"type": "integer", "enum": sorted(BAUDRATES)},
    "server_id": text(40),
    "registers": many(OBIS, 64),
    "allow_unsecured_billing": FLAG,
    "security": one_of(Meter.Security),
    "master_key": text(32, 32, pattern="^[0-9a-fA-F]{32}$", writeOnly=True),
    "stick": one_of(Meter.Stick),
    "obis_rules": many(thing("*", dib=text(32), vib=text(32), obis=OBIS), 64),
    "max_register_value": whole(1, LARGEST_REGISTER),
    "is_active": FLAG,
}
_CONSUMER: dict[str, Schema] = {
    "name": text(),
    "auth": many(one_of(("password", "certificate")), 2, 1),
    "log_retention_months": whole(1, 1200),
}
_PARTICIPANT = {"name": text()}
_NETWORK = {
    "addresses": many(text(49), 8),
    "host_names": many(text(253), 8),
    "dhcp": FLAG,
}
_WAY: dict[str, Schema] = {
    "participant": or_null(ID),
    "addresses": many(HOST_PORT, 8, 1),
    "management_addresses": many(HOST_PORT, 8),
    "path": text(200),
    "sni": text(253, 0),
    "route": one_of(CommunicationProfile.Route),
    "suite": one_of(EnvelopeSuite.__members__),
    "compressed": FLAG,
}
_PROXY: dict[str, Schema] = {
    "scenario": one_of(("HKS3", "HKS4", "HKS5")),
    "consumer": ID,
    "emt": ID,
    "local_server_name": text(63),
    "cls_certificate": {**PEM, "writeOnly": True},
    "cls_address": text(80, 0),
    "wan_addresses": many(HOST_PORT, 8, 1),
    "wan_sni": text(253, 0),
    "valid_from": or_null(AT),
    "valid_to": or_null(AT),
    "max_duration_s": whole(1, 172_800),
    "idle_timeout_s": whole(1, 172_800),
    "connect_timeout_s": whole(1, 300),
    "max_parallel": whole(1, 64),
}
_CERTIFICATE = {
    "id": SHA256,
    "kind": one_of(("TLS", "ENC", "SIG", "CA")),
    "stage": text(16),
    "holder": text(4),
    "holder_id": text(64, 0),
    "state": one_of(("pending", "active", "expired", "revoked")),
    "subject_cn": text(64, 0),
    "issuer_cn": text(64, 0),
    "serial": text(40),
    "ski": text(40),
    "curve": text(16),
    "not_before": AT,
    "not_after": AT,
}
_LOG_LINE = {
    "number": whole(1),
    "recorded_at": AT,
    "event_id": CODE,
    "event_sub_id": whole(0, 100),
    "level": one_of(("INFO", "WARNING", "ERROR", "FATAL")),
    "outcome": text(),
    "text": text(5000, 0),
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


def _shown(properties: dict[str, Schema], **more: Schema) -> Schema:
    """What is answered: everything but what is only written."""
    open_ = {k: v for k, v in properties.items() if not v.get("writeOnly")}
    return thing("*", **more, **open_)


def _patch(properties: dict[str, Schema]) -> Schema:
    """A merge patch (RFC 7396): any member, null to take it away."""
    return thing(**{name: or_null(one) for name, one in properties.items()})


SCHEMAS: dict[str, Schema] = {
    "Problem": thing(
        "type title status instance",
        type=one_of(f"urn:casa:problem:{slug}" for slug in TITLES),
        title=text(200),
        status=whole(400, 599),
        detail=text(2000, 0),
        instance=text(64),
        fault_code=CODE,
        errors=many(thing("*", pointer=text(2000, 0), code=text(), message=text(4000))),
        current_version=text(64),
        standing_codes=many(CODE),
    ),
    "Nothing": thing(),
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
    "Alarm": thing(
        "*",
        id=whole(1),
        kind=text(24),
        subject=text(200, 0),
        code=CODE,
        since=AT,
        last_at=AT,
        count=whole(1),
        cleared_at=or_null(AT),
        acknowledged_at=or_null(AT),
    ),
    "AlarmPage": page_of("Alarm"),
    "MeterBody": thing("consumer source port", **_METER),
    "MeterPatch": _patch(_METER),
    "Meter": thing(
        "*",
        id=METER_ID,
        server_id=text(40),
        consumer=ID,
        name=text(),
        medium=whole(0, 15),
        source=text(12),
        port=text(200),
        baudrate=whole(),
        security=text(8),
        registers=many(OBIS),
        allow_unsecured_billing=FLAG,
        max_register_value=or_null(whole(1, LARGEST_REGISTER)),
        valid_from=or_null(AT),
        is_active=FLAG,
        version=whole(1),
    ),
    "MeterLine": thing(
        "*", id=METER_ID, source=text(12), is_active=FLAG, version=whole(1)
    ),
    "MeterPage": page_of("MeterLine"),
    "ConsumerBody": thing("auth", **_CONSUMER),
    "ConsumerPatch": _patch(_CONSUMER),
    "Consumer": thing("*", id=ID, **_CONSUMER),
    "ConsumerPage": page_of("Consumer"),
    "Credentials": {
        "oneOf": [
            thing("password", password=text(128, 8, writeOnly=True)),
            thing("certificate", certificate=PEM),
        ]
    },
    "ParticipantBody": thing(**_PARTICIPANT),
    "ParticipantPatch": _patch(_PARTICIPANT),
    "Participant": thing("*", id=ID, **_PARTICIPANT),
    "ParticipantPage": page_of("Participant"),
    "WayBody": thing("addresses", **_WAY),
    "WayPatch": _patch(_WAY),
    "Way": thing("*", id=ID, version=whole(1), **_WAY),
    "WayPage": page_of("Way"),
    "ProfileBody": thing("taf inputs", **PROFILE),
    "ProfilePatch": _patch(PROFILE),
    "Profile": thing(
        "id taf state version inputs consumer valid_from valid_to",
        **{**PROFILE, **PROFILE_LINE},
    ),
    "ProfileLine": thing("*", **PROFILE_LINE),
    "ProfilePage": page_of("ProfileLine"),
    "ProfileEnd": thing("at", at=AT),
    "Version": thing(
        "*",
        version=whole(1),
        made_at=AT,
        made_by=text(16),
        profile=thing("taf inputs consumer", **PROFILE),
    ),
    "VersionList": thing("*", items=many(ref("Version"), 10_000)),
    "Delivery": thing(
        "*",
        id=UUID,
        kind=one_of(OutboxRow.Kind),
        count=whole(),
        sha256=text(64, 0),
        recipient=ID,
        state=one_of(OutboxRow.State),
        attempts=whole(),
        next_attempt_at=AT,
        last_error=text(200, 0),
        acknowledged_at=or_null(AT),
        **{"from": AT, "to": AT},
    ),
    "DeliveryPage": page_of("Delivery"),
    "OnDemandBody": thing(
        "evaluation_profile recipient",
        evaluation_profile=ID,
        recipient=ID,
        day={"type": "string", "format": "date"},
        reason=one_of(OnDemandDelivery.Reason),
    ),
    "OnDemand": thing(
        "*",
        id=UUID,
        evaluation_profile=ID,
        recipient=ID,
        day=or_null({"type": "string", "format": "date"}),
        reason=one_of(OnDemandDelivery.Reason),
        state=one_of(OnDemandDelivery.State),
        requested_at=AT,
        fault_code=or_null(CODE),
    ),
    "SystemLine": thing("*", **_LOG_LINE),
    "SystemPage": page_of("SystemLine"),
    "CalibrationLine": thing(
        "*",
        **_LOG_LINE,
        signed_text=text(20_000),
        signature=text(512),
        signer_ski=text(40),
    ),
    "CalibrationPage": page_of("CalibrationLine"),
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
    "Operation": thing(
        "*",
        id=UUID,
        kind=one_of(Operation.Kind),
        state=one_of(Operation.State),
        created=AT,
        updated=AT,
        resource=or_null(text(200)),
        result=or_null({"type": "object"}),
        problem=or_null({"type": "object"}),
    ),
    "OperationPage": page_of("Operation"),
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
    "CertificateBody": thing(
        "holder certificate",
        holder=one_of(("GWA", "EMT", "SMGW")),
        holder_id=ID,
        kind=one_of(("TLS", "ENC", "SIG")),
        certificate=PEM,
    ),
    "CertificateLine": thing("*", **_CERTIFICATE),
    "CertificatePage": page_of("CertificateLine"),
    "Certificate": thing("*", **_CERTIFICATE, certificate=PEM),
    "KeyRequests": thing("*", **{n: PEM for n in ("tls", "enc", "sig")}),
    "AnchorBody": {
        "oneOf": [
            thing("root", root=PEM, link=PEM),
            thing("authority", authority=PEM),
            thing("revocation_list", revocation_list=text(200_000)),
        ]
    },
    "Anchor": thing(
        "*",
        id=SHA256,
        kind=one_of(("root", "authority", "revocation_list")),
        subject_cn=text(64, 0),
        not_after=or_null(AT),
    ),
    "AnchorList": thing("*", items=many(ref("Anchor"), 100)),
    "ProxyBody": thing(
        "scenario consumer emt local_server_name wan_addresses", **_PROXY
    ),
    "ProxyPatch": _patch(_PROXY),
    "Proxy": _shown(_PROXY, id=ID, version=whole(1)),
    "ProxyPage": page_of("Proxy"),
    "Connection": thing(
        "*",
        id=whole(1),
        requested_at=or_null(AT),
        opened_at=or_null(AT),
        closed_at=or_null(AT),
        ending=FLAG,
        problem=text(64, 0),
    ),
    "ConnectionPage": page_of("Connection"),
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
    "HanNetworkBody": thing("dhcp", **_NETWORK),
    "HanNetwork": thing("*", **_NETWORK, returns_at=or_null(AT), version=whole()),
    **SERVICE_ROLE,
    "ChangeBody": thing("*", holder_id=ID, certificate=PEM),
    "Change": thing(
        "*",
        state=one_of(("none", "announced", "complete", "cancelled")),
        holder_id=or_null(text(64)),
        certificate=or_null(SHA256),
        announced_at=or_null(AT),
        ended_at=or_null(AT),
    ),
}
