"""System checks (casa.E001...): settings that cannot work, said before the start."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from casa_site.broker import FILE_BROKER_URL
from casa_site.databases import has_sqlcipher

HUID_LENGTH = 14


@register(Tags.database)
def database_can_be_encrypted(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """casa.E001: encryption asked for without its package; casa.W001: none at all."""
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        return []
    if settings.ENCRYPTED_FILE and not has_sqlcipher():
        return [
            Error(
                "CASA_SQLCIPHER is on, but the package sqlcipher3 is not installed.",
                id="casa.E001",
            )
        ]
    if not settings.ENCRYPTED_FILE:
        return [Warning("The database file is not encrypted.", id="casa.W001")]
    return []


@register()
def gateway_id_is_well_formed(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """casa.E002: CASA_HUID has 14 letters and digits, or is left out."""
    huid = settings.HUID
    if not huid or (len(huid) == HUID_LENGTH and huid.isalnum() and huid.isascii()):
        return []
    return [
        Error(
            f"CASA_HUID must have 14 letters and digits, not '{huid}'.", id="casa.E002"
        )
    ]


@register()
def file_broker_stands_alone(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """casa.W002: the file broker serves one machine only."""
    if settings.CELERY_BROKER_URL != FILE_BROKER_URL:
        return []
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        return [
            Warning(
                "PostgreSQL with the file broker: all processes must run on one "
                "machine, or CASA_BROKER_URL must name RabbitMQ or Redis.",
                id="casa.W002",
            )
        ]
    return []
