"""The addresses of the portal's files; `portal.urls` includes them."""

from django.urls import URLPattern, path

from portal import export_views

_PROFILE = "messwertliste/<str:profile_id>"

urlpatterns: list[URLPattern] = [
    path(f"{_PROFILE}/<int:number>/csv", export_views.values_csv, name="values_csv"),
    path(f"{_PROFILE}/<int:number>/json", export_views.values_json, name="values_json"),
    path(
        f"{_PROFILE}/wert/<str:key>/text", export_views.record_text, name="record_text"
    ),
    path(
        f"{_PROFILE}/wert/<str:key>/signatur",
        export_views.record_signature,
        name="record_signature",
    ),
    path("log/csv", export_views.log_csv, name="log_csv"),
    path("signatur-zertifikat", export_views.certificate, name="signature_certificate"),
]
