"""The addresses of the service listener."""

from django.urls import path

from portal import (
    service_checklist_views,
    service_errors,
    service_log_views,
    service_settings,
    service_views,
    session_views,
)

urlpatterns = [
    path("", service_views.device, name="device"),
    path("telegramme/", service_views.telegrams, name="telegrams"),
    path("typenschild/", service_views.nameplate, name="nameplate"),
    path("log/", service_log_views.log, name="log"),
    path("log/csv/", service_log_views.log_as_csv, name="log_csv"),
    path("einstellungen/", service_settings.settings_page, name="settings"),
    path("pruefliste/", service_checklist_views.checklist, name="checklist"),
    path("pruefliste/<int:number>/", service_checklist_views.report, name="report"),
    path("sprache/", session_views.language, name="language"),
]

handler400 = service_errors.bad_request
handler403 = service_errors.forbidden
handler404 = service_errors.not_found
handler500 = service_errors.server_error
