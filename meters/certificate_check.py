"""The daily look at the certificates of the wired LMN (faults 100704 and 100705)."""

from collections.abc import Collection
from datetime import datetime

from hardware.lmn_certificates import expiry_warnings
from meters.models import LmnCredentials


def certificate_faults(meter_ids: Collection[str], now: datetime) -> list[int]:
    """Fault codes for certificates of these meters that expire within six months.

    100704 is for those that the gateway shows them, 100705 for their own.
    """
    rows = list(
        LmnCredentials.objects.filter(
            meter__in=meter_ids, state=LmnCredentials.State.ACTIVE
        ).select_related("gateway_certificate")
    )
    return expiry_warnings(
        gateway={bytes(row.gateway_certificate.certificate) for row in rows},
        meters=[bytes(row.certificate) for row in rows],
        now=now,
    )
