"""The paths of the HAN JSON interface (han-json-api.md 1).

Each view finds what belongs to the consumer who asks and hands it to `readings`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpResponse

from hardware.device_id import canonical_meter_id
from logbooks.access import Access, Network, Role, consumer_log
from meters import selectors as meter_selectors
from meters.models import Meter
from meters.selectors import LatestReading
from portal import local_time, readings, signature_certificate
from portal.day_field import EARLIEST, LATEST
from portal.json_view import JsonView
from portal.request import PortalRequest
from tariffs import selectors as tariff_selectors
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile

_ROWS_AT_ONCE = 500


class SystemInformations(JsonView):
    """`/json/systeminformations`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """Firmware version, HUID, system time."""
        return readings.system_informations(request.gateway, now=request.received_at)


class Meters(JsonView):
    """`/json/metering/origin`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The ids of the consumer's meters, always in the same order."""
        return [m.id for m in meter_selectors.meters_of(request.consumer)]


class LatestShort(JsonView):
    """`/json/metering/origin/{m}`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The latest reading in the short form."""
        return readings.latest_short(_latest(request, ids["meter"]))


class LatestExtended(JsonView):
    """`/json/metering/origin/{m}/extended`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The latest reading with every register."""
        return readings.extended(_latest(request, ids["meter"]))


class RealtimeData(JsonView):
    """`/json/realtimedata`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The extended reading of every meter that has one."""
        latest = meter_selectors.latest_readings(request.consumer)
        return {"meter": {one.meter.id: readings.extended(one) for one in latest}}


class OriginalMonth(JsonView):
    """`/json/metering/origin/{m}/{n}`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The original value list of a month, ascending."""
        meter = _meter(request, ids["meter"])
        month = local_time.month(request.received_at, int(ids["months_back"]))
        if month is None:
            return []
        # Selectors take (begin, end], months are [first, next first).
        begin, end = (local_time.just_before(first) for first in month)
        records = meter_selectors.original_records(
            request.consumer, meter.id, begin, end
        )
        return readings.short_readings(
            records.values_list(*readings.SHORT_COLUMNS).iterator(_ROWS_AT_ONCE)
        )


class OriginalRecord(JsonView):
    """`/json/metering/origin/{m}/record/{target time}`, our extension (D56)."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """One stored record with its signature and the text that was signed."""
        meter = _meter(request, ids["meter"])
        record = meter_selectors.original_record(
            request.consumer, meter.id, target_time_of(ids["target_time"])
        )
        if record is None:
            raise Http404
        return readings.signed_record(request.gateway.huid, meter.id, record)


class Contracts(JsonView):
    """`/json/metering/derived`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The ids of the consumer's contracts."""
        huid = request.gateway.huid
        profiles = tariff_selectors.profiles_of(request.consumer)
        return [readings.contract_id(huid, profile.id) for profile in profiles]


class Contract(JsonView):
    """`/json/metering/derived/{c}`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """One contract."""
        profile = _profile(request, ids["contract"])
        return readings.contract(request.gateway.huid, profile)


class BillingPeriods(JsonView):
    """`/json/metering/derived/{c}/billingperiods`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The periods, newest first."""
        profile = _profile(request, ids["contract"])
        return readings.billing_periods(_periods(request, profile))


class BillingPeriod(JsonView):
    """`/json/metering/derived/{c}/billingperiods/{n}`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The readings of a period, ascending; of the current one up to now."""
        profile = _profile(request, ids["contract"])
        periods = _periods(request, profile)
        index = int(ids["index"])
        if index >= len(periods):
            raise Http404
        rows = tariff_selectors.period_rows(profile, periods[index])
        if request.received_at < periods[index].end:
            current = tariff_selectors.current_row(profile, request.received_at)
            rows = _with_latest(rows, current)
        return _short(rows)


class Daily(JsonView):
    """`/json/metering/derived/{c}/daily`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The state at the end of each local day, ascending."""
        profile = _profile(request, ids["contract"])
        return _short(tariff_selectors.daily_rows(profile, request.received_at))


class ConsumerLog(JsonView):
    """`/json/conlogbook/{n}`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The consumer's log of a month, ascending."""
        month = local_time.month(request.received_at, int(ids["months_back"]))
        if month is None:
            return []
        begin, end = month
        reader = Access(request.consumer, True, Network.HAN, Role.CONSUMER)
        entries = consumer_log(reader, begin=begin, end=end)
        return [readings.log_entry(entry) for entry in reversed(entries)]


class SignatureCertificate(JsonView):
    """`/json/certificate/signature`."""

    def document(self, request: PortalRequest, **ids: str) -> HttpResponse:
        """The certificate of the signature key, PEM."""
        return signature_certificate.pem_response()


class Nothing(JsonView):
    """Every other path below /json/: 404 for who is logged in, else 401."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """Nothing."""
        raise Http404


def target_time_of(text: str) -> datetime:
    """A target time in a path, `2026-01-31T23:00:00Z`; raises Http404."""
    try:
        instant = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Http404 from None
    if not EARLIEST <= instant.date() <= LATEST:
        raise Http404  # there is no calendar arithmetic at the ends of time
    return instant


def _meter(request: PortalRequest, text: str) -> Meter:
    """The consumer's meter of that id, in any form; raises Http404."""
    try:
        meter = meter_selectors.meter_of(request.consumer, canonical_meter_id(text))
    except ValueError:
        raise Http404 from None
    if meter is None:
        raise Http404
    return meter


def _latest(request: PortalRequest, text: str) -> LatestReading | None:
    """The latest reading of the consumer's meter; None before the first one."""
    meter = _meter(request, text)
    latest = meter_selectors.latest_readings(request.consumer)
    return next((one for one in latest if one.meter.id == meter.id), None)


def _profile(request: PortalRequest, contract: str) -> EvaluationProfile:
    profile_id = readings.profile_id_of(request.gateway.huid, contract)
    if profile_id is None:
        raise Http404
    profile = tariff_selectors.profile_of(request.consumer, profile_id)
    if profile is None:
        raise Http404
    return profile


def _periods(request: PortalRequest, profile: EvaluationProfile) -> Sequence[Period]:
    return list(tariff_selectors.periods(profile, request.received_at))


def _with_latest(rows: Iterable[ListRow], current: ListRow | None) -> Iterator[ListRow]:
    """The rows and behind them the current state, when it is newer than the last."""
    last = None
    for last in rows:
        yield last
    if current and (last is None or current.target_time > last.target_time):
        yield current


def _short(rows: Iterable[ListRow]) -> Iterator[str]:
    return readings.short_readings(
        (row.target_time, row.capture_time, row.status, row.registers) for row in rows
    )
