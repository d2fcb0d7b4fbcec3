"""The resources, exports and actions of a consumer below /smgw/con/v1/.

Paths: TR-03109-1 detail specification ch. 6, `rts` resources, `exp` exports in an
envelope, `fas` actions. Each view finds what belongs to the consumer who asks; what is
somebody else's is the same 404 as what does not exist.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from hardware.device_id import canonical_meter_id
from logbooks import self_test
from logbooks.access import consumer_log
from logbooks.self_test import SelfTestRefused, SelfTestTooEarly
from meters import selectors as meter_selectors
from meters.models import Meter
from meters.selectors import LatestReading
from portal import con_documents, con_query, local_time, readings
from portal.con_query import Query
from portal.con_view import ConView, Refused, demand_no_body
from portal.json_view import json_response
from portal.request import PortalRequest, access_of, account_of, portal_request_of
from tariffs import selectors as tariff_selectors
from tariffs.calendar import Period
from tariffs.models import EvaluationProfile

OWN_LOG = "consumer"
"""The id of the one log that a consumer may export."""
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_ROWS_AT_ONCE = 500


class Listing(ConView):
    """What stands below a prefix: names, those that go on with a final slash."""

    names: tuple[str, ...] = ()

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The names below this prefix."""
        return list(self.names)


class Device(ConView):
    """`rts/device/{huid}`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """Firmware version, HUID, system time."""
        if ids.get("device", request.gateway.huid) != request.gateway.huid:
            raise Http404
        return readings.system_informations(request.gateway, now=request.received_at)


class Devices(ConView):
    """`rts/device/`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The id of the gateway."""
        return [request.gateway.huid]


class Meters(ConView):
    """`rts/meters/`, `rts/readings/` and `exp/readings/`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The ids of the consumer's meters, always in the same order."""
        return [meter.id for meter in meter_selectors.meters_of(request.consumer)]


class LatestOfMeter(ConView):
    """`rts/meters/{m}`."""

    queries = frozenset({con_query.OBIS})

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The latest reading, not signed."""
        meter = own_meter(request, ids["meter"])
        latest = meter_selectors.latest_readings(request.consumer)
        found = next((one for one in latest if one.meter.id == meter.id), None)
        document = readings.extended(_only(found, self.query.obis))
        return {"id": meter.id, "medium": meter.medium, **document}


class Readings(ConView):
    """`rts/readings/{m}`."""

    queries = con_query.TIMES | {con_query.OBIS}

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The original value list, ascending; 206 when it was cut."""
        meter = own_meter(request, ids["meter"])
        entries = original_entries(request, meter, self.query)
        return listed(entries, self.query)


class Contracts(ConView):
    """`rts/contracts/` and `exp/contracts/`; `q.type` is a use case, `TAF-7`."""

    queries = frozenset({con_query.TYPE})

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The ids of the consumer's contracts."""
        profiles = tariff_selectors.profiles_of(request.consumer)
        kind = self.query.kind
        return [p.id for p in profiles if kind in ("", f"TAF-{p.taf}")]


class Contract(ConView):
    """`rts/contracts/{c}`."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """One contract."""
        profile = own_profile(request, ids["contract"])
        return readings.contract(request.gateway.huid, profile)


class Log(ConView):
    """`rts/log/`; `q.type` is the number of an event."""

    queries = con_query.TIMES | {con_query.LEVEL, con_query.TYPE}

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The consumer's log, oldest first; 206 when it was cut."""
        return listed(own_log(request, self.query), self.query)


class Export(ConView):
    """An export in an envelope; subclasses give `entries`."""

    kind = ""
    subject = ""

    def entries(self, request: PortalRequest, ids: dict[str, str]) -> Iterator[str]:
        """The entries as JSON text; raises Http404."""
        raise NotImplementedError

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """The export, signed as a whole when `q.signed` asks for it."""
        entries: Iterable[str] = self.entries(request, ids)
        gateway, is_signed = request.gateway, self.query.is_signed
        if is_signed:
            entries = con_documents.most_signed(entries)
        (subject,) = ids.values() if ids else (OWN_LOG,)
        pieces = con_documents.envelope(
            gateway, self.kind, subject, self.query, entries, now=request.received_at
        )
        return con_documents.signed(gateway, pieces) if is_signed else pieces


class ReadingsExport(Export):
    """`exp/readings/{m}`."""

    kind = "readings"
    queries = con_query.TIMES | {con_query.OBIS, con_query.SIGNED}

    def entries(self, request: PortalRequest, ids: dict[str, str]) -> Iterator[str]:
        """The original value list of a meter."""
        meter = own_meter(request, ids["meter"])
        return original_entries(request, meter, self.query)


class ContractExport(Export):
    """`exp/contracts/{c}`."""

    kind = "contracts"
    queries = con_query.TIMES | {con_query.OBIS, con_query.SIGNED}

    def entries(self, request: PortalRequest, ids: dict[str, str]) -> Iterator[str]:
        """The values of a contract."""
        profile = own_profile(request, ids["contract"])
        begin, end = _span(self.query, request.received_at)
        rows = tariff_selectors.period_rows(profile, Period(begin, end))
        of_subjects = ((row.subject, row) for row in rows)
        return con_documents.record_entries(
            request.gateway.huid, of_subjects, self.query.obis
        )


class LogExport(Export):
    """`exp/log/consumer`."""

    kind = "log"
    queries = Log.queries | {con_query.SIGNED}

    def entries(self, request: PortalRequest, ids: dict[str, str]) -> Iterator[str]:
        """The consumer's log."""
        return own_log(request, self.query)


class SelfTest(ConView):
    """`fas/selftest`: triggers a self-test, at most one in 24 hours (R129)."""

    http_method_names = ("post",)

    def post(self, request: Request, **ids: str) -> HttpResponseBase:
        """202 when it was triggered; 409 when it may not be yet, or one runs."""
        portal_request = portal_request_of(request)
        account = account_of(portal_request)
        if account is None or account.consumer_id is None:
            raise NotAuthenticated
        demand_no_body(portal_request)
        now = portal_request.received_at
        try:
            self_test.trigger_by_consumer(
                portal_request.gateway, account.consumer_id, now=now
            )
        except SelfTestTooEarly as early:
            wait_s = int((early.possible_at - now).total_seconds()) + 1
            raise Refused(409, str(early), Retry_After=str(wait_s)) from None
        except SelfTestRefused as refused:
            raise Refused(409, str(refused)) from None
        response = json_response({"state": "running"})
        response.status_code = 202
        return response


class Nothing(ConView):
    """Every other path below /smgw/: 404 for who is logged in, else 401."""

    def document(self, request: PortalRequest, **ids: str) -> Any:
        """Nothing."""
        raise Http404


def own_meter(request: PortalRequest, text: str) -> Meter:
    """The consumer's meter of that id, in any form; raises Http404."""
    try:
        meter = meter_selectors.meter_of(request.consumer, canonical_meter_id(text))
    except ValueError:
        raise Http404 from None
    if meter is None:
        raise Http404
    return meter


def own_profile(request: PortalRequest, profile_id: str) -> EvaluationProfile:
    """The consumer's contract of that id; raises Http404."""
    profile = tariff_selectors.profile_of(request.consumer, profile_id)
    if profile is None:
        raise Http404
    return profile


def original_entries(
    request: PortalRequest, meter: Meter, query: Query
) -> Iterator[str]:
    """The records of the range asked for, as JSON text."""
    begin, end = _span(query, request.received_at)
    records = meter_selectors.original_records(request.consumer, meter.id, begin, end)
    rows = ((meter.id, record) for record in records.iterator(_ROWS_AT_ONCE))
    return con_documents.record_entries(request.gateway.huid, rows, query.obis)


def own_log(request: PortalRequest, query: Query) -> Iterator[str]:
    """The entries of the consumer's log that were asked for, oldest first."""
    lines = consumer_log(access_of(request), begin=query.begin, end=query.end)
    return con_documents.log_entries(reversed(lines), query)


def listed(entries: Iterable[str], query: Query) -> HttpResponseBase:
    """A JSON array; 206 when the query's limit, or the usual one, cut it."""
    found, has_more = con_documents.limited(entries, query.limit)
    response: HttpResponseBase = json_response("".join(readings.json_array(found)))
    response.status_code = 206 if has_more else 200
    return response


def _span(query: Query, now: datetime) -> tuple[datetime, datetime]:
    """`[from, to)` as the `(begin, end]` of the selectors."""
    end = now if query.end is None else local_time.just_before(query.end)
    return local_time.just_before(query.begin or _FIRST), end


def _only(latest: LatestReading | None, obis: str) -> LatestReading | None:
    if latest is None or not obis:
        return latest
    named = tuple(r for r in latest.registers if r.obis.logical_name == obis)
    return LatestReading(
        latest.meter, latest.captured_at, latest.status, named, latest.record_time
    )
