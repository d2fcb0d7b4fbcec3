"""How instants and codes stand in answers."""

from datetime import UTC, datetime

from hardware.record import zulu


def at(instant: datetime) -> str:
    """RFC 3339 in UTC, whole seconds, Z."""
    return zulu(instant.astimezone(UTC).replace(microsecond=0))


def at_or_null(instant: datetime | None) -> str | None:
    """The same, or null."""
    return None if instant is None else at(instant)
