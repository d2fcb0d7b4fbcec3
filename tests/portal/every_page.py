"""Every page of the portal, for tests that look at all of them.

Hand-written; `test_every_page.py` holds it against the URL configuration.
"""

PAGES = (
    "/",
    "/?zaehler=1emh0000000002",
    "/verbrauch/",
    "/verbrauch/?zeitraum=monat&vergleich=1",
    "/verbrauch/?zeitraum=jahr&werte=luecken",
    "/datenempfaenger/",
    "/smart-home/",
    "/log/",
    "/log/?von=2026-06-22&bis=2026-06-21",
    "/messwertliste/",
    "/messwertliste/hks2-taf7/",
    "/messwertliste/hks2-taf7/0/",
    "/messwertliste/hks2-taf7/0/?status=auffaellig",
    "/messwertliste/hks2-bill/1/",
    "/messwertliste/hks2-bill/1/kosten/",
    "/messwertliste/hks2-taf7/wert/2026-06-22T13:00:00Z/",
    "/rechnung/",
    "/einstellungen/preise/",
    "/einstellungen/preise/hks2-bill/",
    "/selbsttest/",
    "/mehr/",
    "/hilfe/",
    "/hilfe/fehler/",
    "/nichts/",
    "/abmelden/",
)
"""Addresses of a consumer who is logged in, with the contract `hks2-bill`."""

LOGIN_PAGE = "/anmelden/"

NO_PAGES = {
    "certificate_login": "a button of the login page",
    "language": "a button of every page",
    "stay": "a button of the warning before the automatic logout",
    "time_left": "a number for the script of that warning",
    "live": "numbers for the script of the start page",
    "live_curve": "a piece of the start page",
    "signature_certificate": "file",
    "consumption_csv": "file",
    "consumption_json": "file",
    "recipients_csv": "file",
    "recipients_json": "file",
    "log_csv": "file",
    "values_csv": "file",
    "values_json": "file",
    "values_trudi": "file",
    "values_tariff": "file",
    "costs_csv": "file",
    "record_text": "file",
    "record_signature": "file",
    "record_certificate": "file",
}
"""Names of the routes that a reader never looks at, and what they are."""
