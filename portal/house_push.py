"""The consumer's order to send his values to a broker in his house, and its end.

It is his own free choice, logged in his log (20003, and 20033 when the login at the
broker changes), and revocable at any time.
"""

import hmac
import re
import ssl
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidTag
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import log_event
from meters.credential_changes import note_new_credentials
from portal.models import HousePush

PROFILE = "MQTT"
"""What the log calls this way of sending."""

_LABEL = "house-push"
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_LONGEST_CA = 20_000
_ENDED = "beendet"


@dataclass(frozen=True, slots=True)
class PushSpec:
    """Where to send: a broker, and how to log in there.

    `password` None keeps the one that is stored. `ca` is the PEM text of the
    certificate that the broker's must come from, "" for those of the system.
    """

    host: str
    port: int
    tls: bool
    ca: str = ""
    username: str = ""
    password: str | None = field(default=None, repr=False)


def push_of(consumer: str) -> HousePush | None:
    """What the consumer has ordered; None when nothing."""
    return HousePush.objects.filter(pk=consumer).first()


def order(
    gateway: Gateway, consumer: str, spec: PushSpec, *, now: datetime
) -> HousePush:
    """Begin to send, or send elsewhere from now on; raises ValidationError.

    The errors name their fields: host, port, ca, username, password.
    """
    check(spec)
    with transaction.atomic():
        push = push_of(consumer) or HousePush(consumer_id=consumer, version=0)
        has_new_login = _has_new_login(gateway, push, spec)
        push.version += 1
        push.host, push.port, push.tls = spec.host, spec.port, spec.tls
        push.ca, push.username, push.since = spec.ca, spec.username, now
        push.connected_at, push.problem = None, ""
        if spec.password is not None:
            push.password = _sealed(gateway, consumer, spec.password)
        push.save()
        _log(gateway, consumer, f"{spec.host}:{spec.port}", now)
        if has_new_login:
            note_new_credentials(gateway, consumer, now=now, profile=PROFILE)
    return push


def revoke(gateway: Gateway, consumer: str, *, now: datetime) -> bool:
    """End it; whether there was something to end."""
    with transaction.atomic():
        deleted, _rows = HousePush.objects.filter(pk=consumer).delete()
        if deleted:
            _log(gateway, consumer, _ENDED, now)
    return bool(deleted)


def note_connection(push: HousePush, problem: str, *, now: datetime) -> None:
    """Keep how the last connection to the broker went, for the consumer to see."""
    rows = HousePush.objects.filter(pk=push.pk, version=push.version)
    if problem:
        rows.update(problem=problem[:64])
    else:
        rows.update(problem="", connected_at=now)


def orders() -> list[HousePush]:
    """All that is to be sent now."""
    return list(HousePush.objects.order_by("pk"))


def password_of(gateway: Gateway, push: HousePush) -> str:
    """The password for the broker; "" without one, or when it does not open."""
    if not push.password:
        return ""
    try:
        plain = gateway.device_key.decrypt(
            bytes(push.password), label=_LABEL, bound_to=push.pk
        )
    except InvalidTag:
        return ""
    return plain.decode()


def check(spec: PushSpec) -> None:
    """Raises ValidationError with what is wrong, by field."""
    errors: dict[str, str] = {}
    if not _HOST.fullmatch(spec.host):
        errors["host"] = _("Bitte Namen oder Adresse des Brokers eingeben.")
    if not 1 <= spec.port <= 65535:
        errors["port"] = _("Der Port ist eine Zahl von 1 bis 65535.")
    if spec.ca and not _is_certificate(spec.ca):
        errors["ca"] = _("Das ist kein Zertifikat im PEM-Format.")
    for name, text in (("username", spec.username), ("password", spec.password or "")):
        if len(text) > 128 or not text.isprintable():
            errors[name] = _("Höchstens 128 druckbare Zeichen.")
    if errors:
        raise ValidationError(errors)


def _is_certificate(text: str) -> bool:
    if len(text) > _LONGEST_CA:
        return False
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return bool(context.get_ca_certs() or context.cert_store_stats()["x509"])


def _has_new_login(gateway: Gateway, push: HousePush, spec: PushSpec) -> bool:
    """Whether an order that is there gets another user name or password (20033)."""
    if push.version == 0:
        return False
    keeps = spec.password is None or hmac.compare_digest(
        spec.password.encode(), password_of(gateway, push).encode()
    )
    return spec.username != push.username or not keeps


def _sealed(gateway: Gateway, consumer: str, password: str) -> bytes:
    if not password:
        return b""
    return gateway.device_key.encrypt(
        password.encode(), label=_LABEL, bound_to=consumer
    )


def _log(gateway: Gateway, consumer: str, where: str, now: datetime) -> None:
    event = Event.COMMUNICATION_PROFILE_UPDATED
    log_event(gateway, event, PROFILE, where, now=now, consumers=[consumer])
