"""The paths below /smgw/: listings and lists end with a slash, entities do not."""

from django.urls import URLPattern, re_path

from portal import con_api

_METER = r"(?P<meter>[^/]+)"
_CONTRACT = r"(?P<contract>[^/]+)"
_CON = r"con/v1/"

LISTINGS = {
    r"": ("con/",),
    r"con/": ("v1/",),
    _CON: ("exp/", "fas/", "rts/"),
    rf"{_CON}rts/": ("contracts/", "device/", "log/", "meters/", "readings/"),
    rf"{_CON}exp/": ("contracts/", "log/", "readings/"),
    rf"{_CON}exp/log/": (con_api.OWN_LOG,),
    rf"{_CON}fas/": ("selftest",),
}
VIEWS = {
    rf"{_CON}rts/device/": con_api.Devices,
    rf"{_CON}rts/device/(?P<device>[^/]+)": con_api.Device,
    rf"{_CON}rts/meters/": con_api.Meters,
    rf"{_CON}rts/meters/{_METER}": con_api.LatestOfMeter,
    rf"{_CON}rts/readings/": con_api.Meters,
    rf"{_CON}rts/readings/{_METER}": con_api.Readings,
    rf"{_CON}rts/contracts/": con_api.Contracts,
    rf"{_CON}rts/contracts/{_CONTRACT}": con_api.Contract,
    rf"{_CON}rts/log/": con_api.Log,
    rf"{_CON}exp/readings/": con_api.Meters,
    rf"{_CON}exp/readings/{_METER}": con_api.ReadingsExport,
    rf"{_CON}exp/contracts/": con_api.Contracts,
    rf"{_CON}exp/contracts/{_CONTRACT}": con_api.ContractExport,
    rf"{_CON}exp/log/{con_api.OWN_LOG}": con_api.LogExport,
    rf"{_CON}fas/selftest": con_api.SelfTest,
}

urlpatterns: list[URLPattern] = [
    *(
        re_path(rf"^{path}\Z", con_api.Listing.as_view(names=names))
        for path, names in LISTINGS.items()
    ),
    *(re_path(rf"^{path}\Z", view.as_view()) for path, view in VIEWS.items()),
    re_path(r"", con_api.Nothing.as_view()),
]
