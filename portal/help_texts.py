"""The help page: what status words and events mean, and what to do (portal design 3.9).

One entry per event id of the catalogue; the log links to it.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from portal import status_words
from portal.status_words import StatusWord

STATUS_HELP: tuple[tuple[StatusWord, Promise], ...] = (
    (
        status_words.OK,
        _l("Der Wert wurde rechtzeitig gelesen und ist gültig."),
    ),
    (
        status_words.WARNING,
        _l("Der Wert ist gültig. Gerät oder Zähler haben etwas Auffälliges gemeldet."),
    ),
    (
        status_words.NO_VALUE,
        _l(
            "Zu diesem Zeitpunkt kam kein Wert an. Die Lücke bleibt eine Lücke: "
            "Es wird nichts geschätzt und nichts ergänzt."
        ),
    ),
    (
        status_words.TEMPORARY,
        _l(
            "Der Wert ist vorübergehend fehlerhaft. Er kann als Ersatzwert dienen, "
            "zum Beispiel weil er kurz nach dem Zeitpunkt gelesen wurde."
        ),
    ),
    (
        status_words.ERROR,
        _l(
            "Der Wert ist fehlerhaft und wird nicht verrechnet. Dauert das an, "
            "wenden Sie sich bitte an Ihren Messstellenbetreiber."
        ),
    ),
    (
        status_words.TIME_INVALID,
        _l(
            "Die Uhrzeit des Geräts war ungültig. "
            "Solche Werte gelten nicht für die Abrechnung."
        ),
    ),
    (
        status_words.NOT_FOR_BILLING,
        _l(
            "Der Wert kam über eine ungesicherte Verbindung oder ist aus anderem Grund "
            "nicht für die Abrechnung bestimmt."
        ),
    ),
    (
        status_words.PROVISIONAL,
        _l(
            "Der Zeitraum läuft noch. Der Wert ist der heutige Stand, "
            "er wird nicht gespeichert und nicht signiert."
        ),
    ),
)

EVENT_HELP: Mapping[int, Promise] = {
    1011: _l(
        "Der Zähler meldet mit seinen Werten einen Fehler. Betroffene Werte stehen mit "
        "ihrem Status in der Messwertliste. Dauert das an, wenden Sie sich bitte an "
        "Ihren Messstellenbetreiber."
    ),
    5001: _l(
        "Jemand hat sich mit Ihrem Benutzernamen angemeldet oder es versucht. Waren "
        "Sie das nicht, bitten Sie Ihren Messstellenbetreiber um ein neues Passwort."
    ),
    5002: _l(
        "Jemand hat sich mit einem Zertifikat angemeldet oder es versucht. Waren Sie "
        "das nicht, wenden Sie sich bitte an Ihren Messstellenbetreiber."
    ),
    6001: _l("Das Gerät hat wieder Strom. In der Zwischenzeit fehlen Messwerte."),
    13001: _l(
        "Das Gerät kann sich auf seine Uhr nicht verlassen. Messwerte gelten "
        "bis auf Weiteres nicht für die Abrechnung."
    ),
    13002: _l("Die Uhr des Geräts wurde gestellt."),
    13003: _l("Die Uhr des Geräts wurde mit der gesetzlichen Zeit abgeglichen."),
    13005: _l(
        "Die Uhr des Geräts wich mehr von der gesetzlichen Zeit ab, als erlaubt ist."
    ),
    4294954294: _l("Beim Start wurde die Zeit aus der Uhr im Gerät übernommen."),
    15001: _l(
        "Das Ergebnis eines Selbsttests. Bei Fehlern ist Ihr Messstellenbetreiber "
        "zuständig; Sie müssen nichts tun."
    ),
    15002: _l("Ein Selbsttest wurde angefordert."),
    16001: _l(
        "Ein berechtigter Marktteilnehmer hat Messwerte dieses Zeitraums erhalten."
    ),
    16002: _l(
        "Ein berechtigter Marktteilnehmer hat den Zählerstand zu Beginn erhalten."
    ),
    16003: _l("Ein berechtigter Marktteilnehmer hat den Zählerstand am Ende erhalten."),
    16004: _l("Ein Marktteilnehmer hat Messwerte eines Tages angefordert."),
    16005: _l("Angeforderte Messwerte wurden übertragen."),
    19001: _l(
        "Das Gerät vertraut seiner Software oder seinen Daten nicht mehr. Wenden Sie "
        "sich bitte an Ihren Messstellenbetreiber."
    ),
    19004: _l("Das Gerät ist vollständig gestartet."),
    19005: _l("Das Gerät liest zurzeit keine Zähler aus."),
    19006: _l(
        "Der Messbetrieb hat begonnen, oder beim Lesen oder Verarbeiten von Messwerten "
        "ist etwas aufgefallen. Fehlende Werte stehen als „Kein Wert“ in der "
        "Messwertliste."
    ),
    19007: _l("Der Speicher ist voll. Das Gerät muss getauscht werden."),
    19008: _l("Das eichtechnische Logbuch ist voll. Das Gerät muss getauscht werden."),
    4294948294: _l("Alte Einträge dieses Logs wurden nach Ablauf der Frist gelöscht."),
    4294948293: _l(
        "Es gab zu viele fehlerhafte Anmeldungen. Der Zugang war fünf Minuten gesperrt."
    ),
    4294948286: _l(
        "Ein schwerer Fehler. Das Gerät ist gesperrt, bis der Gateway-Administrator "
        "es freigibt."
    ),
    4294948285: _l("Das Gerät wurde geordnet neu gestartet."),
    4294948284: _l("Ein Eintrag einer Log-Datei war nicht vollständig."),
    4294948266: _l(
        "Das Gerät ist zum ersten Mal oder unerwartet neu gestartet, zum Beispiel "
        "nach einem Stromausfall."
    ),
    20003: _l("Wohin Messwerte gesendet werden, wurde geändert."),
    20010: _l(
        "Für Sie wurde ein Auswerteprofil angelegt. Es legt fest, welche Werte wann "
        "und für wen gebildet werden."
    ),
    20011: _l("Ein Auswerteprofil wurde geändert."),
    20012: _l("Ein Auswerteprofil ist beendet. Es bildet keine neuen Werte mehr."),
    20013: _l("Ein beendetes Auswerteprofil wurde gelöscht."),
    20018: _l("Ein steuerbares Gerät wurde mit einem Marktteilnehmer verbunden."),
    20020: _l(
        "Die Verbindung eines steuerbaren Geräts zu einem Marktteilnehmer ist beendet."
    ),
    20029: _l("Der Gateway-Administrator hat die Einstellungen eines Profils gelesen."),
    20030: _l("Der Gateway-Administrator hat die Einstellungen eines Zählers gelesen."),
    20032: _l("Das Ende eines Auswerteprofils wurde verschoben."),
    20033: _l("Die Zugangsdaten für eine Verbindung wurden erneuert."),
    21002: _l("Ab diesem Zeitpunkt gilt eine andere Tarifstufe."),
    4294946295: _l("Ein Tarifierungsfall hat begonnen, Werte zu bilden."),
}
