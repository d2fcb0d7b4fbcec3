"""The addresses of the HAN: the pages, their files, and the JSON interface."""

from django.urls import include, path

from portal import (
    bill_view,
    consumption_views,
    cost_views,
    downloads,
    error_pages,
    house_push_view,
    live_views,
    recipients_views,
    record_files,
    self_test_view,
    session_views,
    views,
)

_PROFILE = "messwertliste/<str:profile_id>/"
_PERIOD = f"{_PROFILE}<int:number>/"
_RECORD = f"{_PROFILE}wert/<str:key>/"

urlpatterns = [
    path("", views.start, name="start"),
    path("anmelden/", session_views.login, name="login"),
    path(
        "anmelden/zertifikat/",
        session_views.certificate_login,
        name="certificate_login",
    ),
    path("sitzung/", session_views.time_left, name="time_left"),
    path("sitzung/verlaengern/", session_views.stay, name="stay"),
    path("abmelden/", session_views.logout, name="logout"),
    path("sprache/", session_views.language, name="language"),
    path(
        "signatur-zertifikat/",
        downloads.signature_certificate,
        name="signature_certificate",
    ),
    path("live/", live_views.live, name="live"),
    path("live/heute/", live_views.live_curve, name="live_curve"),
    path("verbrauch/", consumption_views.consumption, name="consumption"),
    path(
        "verbrauch/csv/", consumption_views.consumption_as_csv, name="consumption_csv"
    ),
    path(
        "verbrauch/json/",
        consumption_views.consumption_as_json,
        name="consumption_json",
    ),
    path("datenempfaenger/", recipients_views.recipients, name="recipients"),
    path(
        "datenempfaenger/csv/",
        recipients_views.recipients_as_csv,
        name="recipients_csv",
    ),
    path(
        "datenempfaenger/json/",
        recipients_views.recipients_as_json,
        name="recipients_json",
    ),
    path("log/", views.log, name="log"),
    path("log/csv/", downloads.log, name="log_csv"),
    path("messwertliste/", views.taf_list, name="taf_list"),
    path(_PROFILE, views.period_list, name="period_list"),
    path(_PERIOD, views.values, name="values"),
    path(f"{_PERIOD}csv/", downloads.values_as_csv, name="values_csv"),
    path(f"{_PERIOD}json/", downloads.values_as_json, name="values_json"),
    path(f"{_PERIOD}trudi/", downloads.values_for_trudi, name="values_trudi"),
    path(f"{_PERIOD}tarif/", downloads.tariff_for_trudi, name="values_tariff"),
    path(_RECORD, views.record, name="record"),
    path(f"{_RECORD}text/", record_files.text, name="record_text"),
    path(f"{_RECORD}signatur/", record_files.signature, name="record_signature"),
    path(f"{_RECORD}zertifikat/", record_files.certificate, name="record_certificate"),
    path(f"{_PERIOD}kosten/", cost_views.costs, name="costs"),
    path(f"{_PERIOD}kosten/csv/", cost_views.costs_as_csv, name="costs_csv"),
    path("einstellungen/preise/", cost_views.price_list, name="price_list"),
    path("einstellungen/preise/<str:profile_id>/", cost_views.prices, name="prices"),
    path("rechnung/", bill_view.bill, name="bill"),
    path("selbsttest/", self_test_view.self_test_page, name="self_test"),
    path("smart-home/", house_push_view.house_push_page, name="house_push"),
    path("mehr/", views.more, name="more"),
    path("hilfe/", views.help_, name="help"),
    path("hilfe/fehler/", views.fault_help, name="fault_help"),
    path("json/", include("portal.api_urls")),
    path("smgw/", include("portal.con_urls")),
]

handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler500 = error_pages.server_error
