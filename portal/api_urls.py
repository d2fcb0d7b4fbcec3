"""The paths below /json/; each is served with and without a final slash (no redirect
may happen here: the digest names the path that was asked for)."""

from django.urls import URLPattern, re_path

from portal import api

_METER = r"metering/origin/(?P<meter>[^/]+)"
_CONTRACT = r"metering/derived/(?P<contract>[^/]+)"
_NUMBER = r"[0-9]{1,9}"

VIEWS = {
    r"systeminformations": api.SystemInformations,
    r"metering/origin": api.Meters,
    rf"{_METER}/extended": api.LatestExtended,
    rf"{_METER}/(?P<months_back>{_NUMBER})": api.OriginalMonth,
    rf"{_METER}/record/(?P<target_time>[^/]+)": api.OriginalRecord,
    _METER: api.LatestShort,
    r"metering/derived": api.Contracts,
    rf"{_CONTRACT}/billingperiods": api.BillingPeriods,
    rf"{_CONTRACT}/billingperiods/(?P<index>{_NUMBER})": api.BillingPeriod,
    rf"{_CONTRACT}/daily": api.Daily,
    _CONTRACT: api.Contract,
    rf"conlogbook/(?P<months_back>{_NUMBER})": api.ConsumerLog,
    r"realtimedata": api.RealtimeData,
    r"certificate/signature": api.SignatureCertificate,
}

urlpatterns: list[URLPattern] = [
    *(re_path(rf"^{path}/?\Z", view.as_view()) for path, view in VIEWS.items()),
    re_path(r"", api.Nothing.as_view()),
]
