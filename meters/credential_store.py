"""Keys, counters and certificates of the wired meters, kept in the database.

What `hardware.lmn_credentials` asks for. Master keys and private keys are encrypted
with a sub-key of the device key, each bound to its row (decisions D36).
"""

import hmac
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

from cryptography.exceptions import InvalidTag
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error, connection, transaction
from django.db.models import F, Max, QuerySet

from hardware.errors import StoreUnreachable
from hardware.gateway import Gateway
from hardware.lmn_certificates import (
    LmnCurve,
    LmnIdentity,
    is_renewal_due,
    new_identity,
)
from hardware.lmn_credentials import Credentials
from meters.models import LmnCredentials, LmnGatewayCertificate, Meter, MeterKey

State = LmnCredentials.State


def keep_master_key(
    gateway: Gateway, meter: Meter, master_key: bytes, *, now: datetime
) -> None:
    """Store the key that a meter is paired by.

    The counter begins with the seconds of now, so that it is beyond what any earlier
    gateway of this meter has used.
    """
    sealed = gateway.device_key.encrypt(
        master_key, label="fields", bound_to=_bound_to("master-key", meter.pk)
    )
    MeterKey.objects.update_or_create(
        meter=meter,
        defaults={"sealed_key": sealed},
        create_defaults={"sealed_key": sealed, "counter": int(now.timestamp())},
    )


def master_keys(gateway: Gateway, server_ids: Collection[bytes]) -> dict[bytes, bytes]:
    """The keys of those of the meters that have one, by server id; one query."""
    rows = MeterKey.objects.select_related("meter").filter(
        meter__server_id__in=[server_id.hex() for server_id in server_ids]
    )
    return {
        bytes.fromhex(row.meter.server_id): gateway.device_key.decrypt(
            bytes(row.sealed_key),
            label="fields",
            bound_to=_bound_to("master-key", row.meter_id),
        )
        for row in rows
    }


def is_master_key(gateway: Gateway, meter: Meter, given: str) -> bool:
    """Whether this (hex) is the key that the meter is paired by."""
    kept = StoredCredentials(gateway).master_key(bytes.fromhex(meter.server_id))
    return kept is not None and hmac.compare_digest(
        kept.hex().encode(), given.lower().encode()
    )


def renew_certificates(meter_id: str) -> bool:
    """Have a meter's certificates renewed at the next occasion; is it paired at all?"""
    active = LmnCredentials.objects.filter(meter_id=meter_id, state=State.ACTIVE)
    return bool(active.update(renewal_wanted=True))


@contextmanager
def _reached() -> Iterator[None]:
    """What can go wrong with the database as the fault that the bus knows."""
    try:
        yield
    except (Error, ObjectDoesNotExist, InvalidTag) as error:
        connection.close_if_unusable_or_obsolete()
        raise StoreUnreachable(f"{type(error).__name__}: {error}") from error


class StoredCredentials:
    """The `CredentialStore` of a gateway; every method may raise StoreUnreachable."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @_reached()
    def device_id(self, server_id: bytes) -> str:
        """The meter's id."""
        return _meter(server_id).pk

    @_reached()
    def master_key(self, server_id: bytes) -> bytes | None:
        """The meter's key for pairing; None when it has none."""
        row = MeterKey.objects.filter(meter__server_id=server_id.hex()).first()
        if row is None:
            return None
        return self._opened(bytes(row.sealed_key), "master-key", row.meter_id)

    @_reached()
    def next_counter(self, server_id: bytes) -> int:
        """The next counter; it is committed before it is used."""
        rows = MeterKey.objects.filter(meter__server_id=server_id.hex())
        with transaction.atomic():
            rows.update(counter=F("counter") + 1)
            return rows.get().counter

    @_reached()
    def candidates(self, server_id: bytes) -> list[Credentials]:
        """The proposed and the active credentials, those that are there."""
        rows = (
            LmnCredentials.objects.filter(meter__server_id=server_id.hex())
            .exclude(state=State.REPLACED)
            .select_related("gateway_certificate")
            .order_by("-number")
        )
        return [
            Credentials(self._identity(row.gateway_certificate), bytes(row.certificate))
            for row in rows
        ]

    @_reached()
    @transaction.atomic
    def propose(self, server_id: bytes, credentials: Credentials) -> None:
        """Keep them beside the active ones; what was proposed before is replaced."""
        self._replace(server_id, State.PROPOSED)
        self._add(server_id, credentials, State.PROPOSED)

    @_reached()
    @transaction.atomic
    def confirm(self, server_id: bytes, credentials: Credentials) -> None:
        """Make them the active ones, whether they were proposed before or not."""
        row = LmnCredentials.objects.filter(
            meter__server_id=server_id.hex(), certificate=credentials.meter_certificate
        ).first()
        if row is not None and row.state == State.ACTIVE:
            self._replace(server_id, State.PROPOSED)
            return
        self._replace(server_id, State.PROPOSED, State.ACTIVE)
        if row is None:
            self._add(server_id, credentials, State.ACTIVE)
        else:
            row.state = State.ACTIVE
            row.save(update_fields=["state"])

    @_reached()
    @transaction.atomic
    def gateway_identity(self, curve: LmnCurve, now: datetime) -> LmnIdentity:
        """The newest one on the curve; the next one when that is to be renewed."""
        rows = LmnGatewayCertificate.objects.filter(curve=curve.name)
        last = rows.order_by("-number").first()
        if last is not None and not is_renewal_due(bytes(last.certificate), now):
            return self._identity(last)
        identity = new_identity(self._gateway.huid, curve, now=now)
        number = 0 if last is None else last.number + 1
        bound_to = _bound_to("lmn-key", f"{curve.name}-{number}")
        LmnGatewayCertificate.objects.create(
            curve=curve.name,
            number=number,
            certificate=identity.certificate,
            sealed_key=self._gateway.device_key.encrypt(
                identity.private_key, label="fields", bound_to=bound_to
            ),
        )
        return identity

    @_reached()
    def due_for_renewal(self, now: datetime) -> Collection[bytes]:
        """Those whose certificate or whose gateway's certificate ends, or is to."""
        return {
            bytes.fromhex(row.meter.server_id)
            for row in _active().select_related("meter")
            if row.renewal_wanted
            or is_renewal_due(bytes(row.certificate), now)
            or is_renewal_due(bytes(row.gateway_certificate.certificate), now)
        }

    def _replace(self, server_id: bytes, *states: LmnCredentials.State) -> None:
        LmnCredentials.objects.filter(meter=_meter(server_id), state__in=states).update(
            state=State.REPLACED, renewal_wanted=False
        )

    def _add(
        self, server_id: bytes, credentials: Credentials, state: LmnCredentials.State
    ) -> None:
        meter = _meter(server_id)
        last = meter.credentials.aggregate(last=Max("number"))["last"]
        LmnCredentials.objects.create(
            meter=meter,
            number=0 if last is None else last + 1,
            certificate=credentials.meter_certificate,
            gateway_certificate=LmnGatewayCertificate.objects.get(
                certificate=credentials.gateway.certificate
            ),
            state=state,
            made_at=self._gateway.clock.now(),
        )

    def _identity(self, row: LmnGatewayCertificate) -> LmnIdentity:
        name = f"{row.curve}-{row.number}"
        key = self._opened(bytes(row.sealed_key), "lmn-key", name)
        return LmnIdentity(bytes(row.certificate), key)

    def _opened(self, sealed: bytes, kind: str, name: str) -> bytes:
        return self._gateway.device_key.decrypt(
            sealed, label="fields", bound_to=_bound_to(kind, name)
        )


def _active() -> QuerySet[LmnCredentials]:
    return LmnCredentials.objects.filter(state=State.ACTIVE).select_related(
        "gateway_certificate"
    )


def _meter(server_id: bytes) -> Meter:
    return Meter.objects.get(server_id=server_id.hex())


def _bound_to(kind: str, name: str) -> str:
    return f"{kind}|{name}"
