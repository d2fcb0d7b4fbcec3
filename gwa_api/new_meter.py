"""A meter made as a document, or the administrator, describes it."""

from dataclasses import fields
from datetime import datetime

from gwa_api.schemas import MeterEntry
from hardware.gateway import Gateway
from meters.configuration import create_meter
from meters.models import Meter


def make_meter(gateway: Gateway, entry: MeterEntry, *, now: datetime) -> Meter:
    """The new meter; raises MeterInvalid, with the member that is wrong."""
    members = {
        one.name: getattr(entry, one.name) for one in fields(entry) if one.name != "id"
    }
    return create_meter(gateway, entry.id, now=now, **members)
