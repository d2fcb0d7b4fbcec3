"""The sentences of the services in German; `{}` stands for what changes in them.

A sentence that has none here is shown in English, and a test fails.
"""

from collections.abc import Mapping

GERMAN: Mapping[str, str] = {
    # of form
    "is needed": "Das wird gebraucht.",
    "is needed for TAF2": "Das braucht TAF 2.",
    "unknown member": "Das gibt es hier nicht.",
    "unknown member; known are {}": "Das gibt es hier nicht; bekannt sind {}.",
    "must be a text, not empty, without control characters": (
        "Ein Text ohne Steuerzeichen wird gebraucht."
    ),
    "a text with a character that is none": "Darin ist ein Zeichen, das es nicht gibt.",
    "half a character in a text": "Darin ist ein halbes Zeichen.",
    "must be a whole number": "Das muss eine ganze Zahl sein.",
    "must be true or false": "Das muss true oder false sein.",
    "must be a list": "Das muss eine Liste sein.",
    "must be a list of texts": "Das muss eine Liste von Texten sein.",
    "must be an object": "Das muss ein Objekt sein.",
    "must be a JSON object": "Das muss ein JSON-Objekt sein.",
    "nested too deeply": "Das ist zu tief verschachtelt.",
    "not JSON: {}": "Das ist kein JSON: {}.",
    "must be a time with offset: {}": (
        "Das muss ein Zeitpunkt mit Zeitzone sein, etwa {}."
    ),
    "must be a duration in days to seconds: PT15M": (
        "Das muss eine Dauer sein, etwa PT15M."
    ),
    "must be a time of day: 06:00": "Das muss eine Uhrzeit sein, etwa 06:00.",
    "must be a day of the year: 04-01": "Das muss ein Tag im Jahr sein, etwa 04-01.",
    "{} is neither {} nor a date: 2026-12-24": "{} ist weder {} noch ein Datum.",
    "{} is none of {}": "{} gehört nicht zu {}.",
    "is none of {}": "Erlaubt sind {}.",
    "one of {}": "Erlaubt sind {}.",
    "must be one of {}": "Erlaubt sind {}.",
    "{} to {}": "Erlaubt ist {} bis {}.",
    "must be {} to {}": "Erlaubt ist {} bis {}.",
    "must be from {} to {}": "Erlaubt ist {} bis {}.",
    "at most {}": "Höchstens {}.",
    "at most {} characters": "Höchstens {} Zeichen.",
    "{} to {} characters": "{} bis {} Zeichen.",
    "{} to {} bytes": "{} bis {} Bytes.",
    "{} hex digits": "{} Hex-Ziffern.",
    "hex digits, two for each byte": "Hex-Ziffern, zwei für jedes Byte.",
    "must not be empty": "Das darf nicht leer sein.",
    "{} to {} of the characters A-Z a-z 0-9 _ -": (
        "{} bis {} der Zeichen A–Z, a–z, 0–9, _ und -."
    ),
    "{} to {} of A-Z, a-z, 0-9, _ and -": (
        "{} bis {} der Zeichen A–Z, a–z, 0–9, _ und -."
    ),
    "1 to 63 of a-z, 0-9, . and -": "1 bis 63 der Zeichen a–z, 0–9, Punkt und -.",
    '1 to 32 printable ASCII, without : " \\': (
        '1 bis 32 druckbare ASCII-Zeichen ohne : " \\.'
    ),
    "exactly 33 letters and digits": "Genau 33 Buchstaben und Ziffern.",
    "not with default": "Das passt nicht zur Standardregel.",
    "must name a day, or be left out for every day": (
        "Einen Tag nennen, oder weglassen für jeden Tag."
    ),
    "login by certificate is not built yet": "Das gibt es hier noch nicht.",
    "{}; there are {}": "{}; es gibt {}.",
    # profiles
    "only for {}": "Das gibt es nur bei {}.",
    "stands in his communication profile": "Der Weg steht im Kommunikationsprofil.",
    "a profile {} exists already": "Ein Profil {} gibt es schon.",
    "there is no consumer {}": "Einen Letztverbraucher {} gibt es nicht.",
    "there is no market participant {}": "Einen Marktteilnehmer {} gibt es nicht.",
    "there is no participant {}": "Einen Marktteilnehmer {} gibt es nicht.",
    "there is no such participant": "Diesen Marktteilnehmer gibt es nicht.",
    "a market participant {} exists already": "Einen Marktteilnehmer {} gibt es schon.",
    "must be the absolute path of a folder": "Das muss ein absoluter Pfad sein.",
    "there is no TAF{}; there are {}": "TAF {} gibt es nicht; es gibt {}.",
    "TAF{} is not supported by this gateway; there are {}": (
        "TAF {} kann dieses Gateway nicht; es kann {}."
    ),
    "must be before the year 3000": "Das muss vor dem Jahr 3000 liegen.",
    "must be after valid_from": "Das Ende muss nach dem Beginn liegen.",
    "must not be in the past": "Das darf nicht in der Vergangenheit liegen.",
    "no quarter hour lies between valid_from and it": (
        "Zwischen Beginn und Ende liegt keine Viertelstunde."
    ),
    "must be a multiple of 15 minutes (900 s)": (
        "Das muss ein Vielfaches von 15 Minuten sein."
    ),
    "must divide a day evenly": "Ein Tag muss ohne Rest darin aufgehen.",
    "TAF{}: at least {} s": "TAF {}: mindestens {} Sekunden.",
    "TAF{}: whole minutes that divide an hour evenly": (
        "TAF {}: ganze Minuten, in denen eine Stunde ohne Rest aufgeht."
    ),
    "must be day, week or month": "Erlaubt sind Tag, Woche oder Monat.",
    "{} to {} for the unit {}": "{} bis {} bei der Einheit {}.",
    "TAF{} is billed every 1, 2, 3, 6 or 12 months from day 1": (
        "TAF {} wird alle 1, 2, 3, 6 oder 12 Monate ab dem 1. abgerechnet."
    ),
    "at least one input": "Mindestens ein Eingang wird gebraucht.",
    "must be 1 or -1": "Das Vorzeichen ist 1 oder -1.",
    "TAF{} lists readings as they are: 1": (
        "TAF {} listet Messwerte, wie sie sind; abgezogen wird nichts."
    ),
    "TAF2 splits totals (group E = 0)": (
        "TAF 2 teilt Gesamtwerte auf (OBIS-Gruppe E = 0)."
    ),
    "there is no meter {}": "Einen Zähler {} gibt es nicht.",
    "meter {} does not belong to consumer {}": (
        "Der Zähler {} gehört nicht dem Letztverbraucher {}."
    ),
    "{} is no counter (its group D or F)": (
        "{} ist kein Zählwerk (OBIS-Gruppe D oder F)."
    ),
    "the list of meter {} does not hold {}": (
        "In der Liste des Zählers {} gibt es {} nicht."
    ),
    "{} of meter {} stands twice": "{} des Zählers {} steht zweimal da.",
    "{} is no quantity of TAF{}": "{} ist keine Größe von TAF {}.",
    "meter {} cannot be read at instants of a profile's own": (
        "Der Zähler {} lässt sich nicht zu eigenen Zeitpunkten ablesen."
    ),
    "TAF{} lists the registers of one meter": (
        "TAF {} listet die Register eines einzigen Zählers."
    ),
    "the meters' billing days start at different hours (gas: 06:00)": (
        "Die Abrechnungstage der Zähler beginnen verschieden (Gas: 06:00 Uhr)."
    ),
    "an OBIS code has six groups, not {}": "Eine OBIS-Kennzahl hat sechs Gruppen.",
    "not an OBIS code: {}": "{} ist keine OBIS-Kennzahl.",
    "OBIS group above 255: {}": "In {} ist eine Gruppe größer als 255.",
    "not a 14-character device id: {}": "{} ist keine Zähler-ID mit 14 Zeichen.",
    "not a meter id: {}": "{} ist keine Zähler-ID.",
    "must have five fields: minute, hour, day of the month, month, day of the week, "
    "as in 15 1 * * *": (
        "Der Sendeplan braucht fünf Felder: Minute, Stunde, Tag, Monat, Wochentag."
    ),
    "no day fits it": "Kein Tag passt dazu.",
    "{} is no {} of a schedule": "{} passt nicht in einen Sendeplan ({}).",
    "does not change while a profile runs: end it and make another": (
        "Das ändert sich nicht, solange das Profil läuft: beenden und neu anlegen."
    ),
    # tariff of TAF2
    "either rules or a list of switches": "Entweder Regeln oder Umschaltungen.",
    "{} to {} stages": "{} bis {} Stufen.",
    "stage {} stands twice": "Die Stufe {} steht zweimal da.",
    "there is no stage {}": "Eine Stufe {} gibt es nicht.",
    "only one rule is the default": "Nur eine Regel ist die Standardregel.",
    "another switch at the same instant": (
        "Zum selben Zeitpunkt gibt es schon eine Umschaltung."
    ),
    "must lie on the grid of the registration period of {} s": (
        "Das muss im Raster der Registrierperiode von {} Sekunden liegen."
    ),
    "{}: stages {} at the same time": "{}: die Stufen {} gelten zugleich.",
    "{}: no stage": "{}: keine Stufe gilt.",
    "{}: in the second coming of an hour": (
        "{}: in der Stunde, die es bei der Zeitumstellung zweimal gibt."
    ),
    # instantaneous values
    "must not hold the id of a meter or consumer": (
        "Darin darf keine ID eines Zählers oder Letztverbrauchers stehen."
    ),
    "is needed without pseudonym: the contract": (
        "Ohne Pseudonym wird der Vertrag gebraucht, der die Namen erlaubt."
    ),
    "not together with pseudonymise false": (
        "Ein Pseudonym passt nicht zu „nicht pseudonymisieren“."
    ),
    "TAF{} has no trigger {}: {}": "TAF {} hat keinen Anlass {}; es gibt {}.",
    "are needed for the trigger threshold": "Der Anlass Schwellwert braucht Schwellen.",
    "must name threshold where there are thresholds": (
        "Wo es Schwellen gibt, gehört der Anlass Schwellwert dazu."
    ),
    "TAF14 has no aggregates": "TAF 14 hat keine Aggregate.",
    "{} is no input of the profile": "{} ist kein Eingang des Profils.",
    "the {} of {} stands twice": "{} von {} steht zweimal da.",
    "must be a multiple of the registration period and divide a day": (
        "Das Fenster ist ein Vielfaches der Registrierperiode und teilt einen Tag."
    ),
    "must be over or under": "Erlaubt sind over und under.",
    'must be an exact number as text: "5000"': (
        'Das muss eine Zahl als Text sein, etwa "5000".'
    ),
    'must be a number from 0 on: "100"': "Das muss eine Zahl ab 0 sein.",
    "up to a day": "Höchstens ein Tag.",
    # consumers and their access
    "there is a consumer {} already": "Einen Letztverbraucher {} gibt es schon.",
    "there is a user {} already": "Einen Benutzer {} gibt es schon.",
    "password, certificate or both": "Passwort, Zertifikat oder beides.",
    "the consumer has meters": "Dem Letztverbraucher gehören Zähler.",
    "the consumer has no account": "Der Letztverbraucher hat keine Anmeldung.",
    "needed for a consumer, and only for him": (
        "Das braucht ein Letztverbraucher, und nur er."
    ),
    "certificates of the HAN only": "Nur Zertifikate für das HAN.",
    "not a consumer's account": "Das ist keine Anmeldung eines Letztverbrauchers.",
    "at least {} months, not {}": "Mindestens {} Monate, nicht {}.",
    # meters
    "there is a meter {} already": "Einen Zähler {} gibt es schon.",
    "another meter has this server id": "Ein anderer Zähler hat diese Server-ID.",
    "a device /dev/..., socket://host:port or a file": (
        "Ein Gerät /dev/…, socket://name:port oder eine Datei."
    ),
    "only meters on the wired LMN speak TLS": (
        "Nur Zähler am drahtgebundenen LMN sprechen TLS."
    ),
    "tls or plain": "Erlaubt sind tls und plain.",
    "TLS needs a meter with 14 characters, 10 bytes": (
        "TLS braucht eine Zähler-ID mit 14 Zeichen, 10 Bytes."
    ),
    'needed, unless the security is "plain"': "Das wird gebraucht, außer bei plain.",
    "{} is taken by another meter": "Der Anschluss {} gehört schon zu einem Zähler.",
    "at {} there is an {}": "An {} ist ein Funkmodul {}.",
    "the bus {} runs at another speed": (
        "Der Bus {} läuft mit anderer Geschwindigkeit."
    ),
    "only wireless meters have it": "Das gibt es nur bei Funkzählern.",
    "a meter read in plain has none": "Ein ungesichert gelesener Zähler hat keinen.",
    "the meter has values: switch it off instead": (
        "Von diesem Zähler gibt es Werte: nur stilllegen, nicht löschen."
    ),
    "a profile reads it": "Ein Auswerteprofil liest ihn.",
    "{} does not change; make another meter": (
        "{} ändert sich nicht; dafür gibt es einen neuen Zähler."
    ),
    "the M-Bus address of the meter is needed": "Die M-Bus-Adresse wird gebraucht.",
    "an M-Bus address has 8 bytes": "Eine M-Bus-Adresse hat 8 Bytes.",
    "it is another address than the id": "Das ist eine andere Adresse als die ID.",
    "it does not follow from the address": "Das ergibt sich nicht aus der Adresse.",
    "a profile sends to him": "Ein Auswerteprofil liefert an ihn.",
    # ways and proxies
    "{} to {} of host:port": "{} bis {} Adressen der Form name:port.",
    "must be host:port": "Das muss die Form name:port haben.",
    "must be an absolute path": "Der Pfad beginnt mit / und hat keine Leerzeichen.",
    "must be a host name": "Das muss ein Hostname sein.",
    "must be direct or via_gwa": "Erlaubt sind direkt und über den GWA.",
    "only the GWA manages": "Verwaltet wird nur vom Gateway-Administrator.",
    "the GWA is always reached directly": (
        "Der Gateway-Administrator wird immer direkt erreicht."
    ),
    "there is a way to the GWA already": (
        "Einen Weg zum Gateway-Administrator gibt es schon."
    ),
    "there is a way to him already": "Zu ihm gibt es schon einen Weg.",
    "must be HKS3, HKS4 or HKS5": "Erlaubt sind HKS3, HKS4 und HKS5.",
    "is needed when the gateway calls the CLS": (
        "Das wird gebraucht, wenn das Gateway das CLS anruft."
    ),
    "another profile has this name": "Ein anderes Profil hat diesen Namen.",
    "something else still refers to it": "Etwas anderes verweist noch darauf.",
    # device, firmware, certificates, keys
    "the device is not locked down": "Das Gerät ist nicht gesperrt.",
    "that is known already": "Das ist schon bekannt.",
    "nothing was marked": "Es war nichts gemeldet.",
    "no time service is configured": "Es ist kein Zeitdienst eingerichtet.",
    "it was acknowledged before": "Der Alarm war schon quittiert.",
    "package {} is {}": "Das Paket {} ist im Zustand {}.",
    "it is here already": "Es ist schon da.",
    "the package was announced with {} bytes": (
        "Das Paket war mit {} Bytes angekündigt."
    ),
    "{} bytes have come so far": "Bisher kamen {} Bytes an.",
    "the last piece needs Repr-Digest: sha-256=:...:": "Die Prüfsumme fehlt.",
    "the digest is another; send the package again": (
        "Die Prüfsumme passt nicht; das Paket bitte noch einmal hochladen."
    ),
    "Content-Range: bytes first-last/size": "Der Umfang des Stücks fehlt.",
    "the range does not have the length of the content": (
        "Das Stück hat eine andere Länge als angekündigt."
    ),
    "it is the one that you come with": "Mit diesem sind Sie gerade verbunden.",
    "the gateway's own end with the renewal of its keys": (
        "Die eigenen Zertifikate enden mit der Erneuerung der Schlüssel."
    ),
    "it is not in force": "Es ist nicht in Kraft.",
    "another GWA has to be announced: administrator-change": (
        "Ein anderer GWA muss zuerst angekündigt werden."
    ),
    "this is the GWA in office": "Das ist der amtierende GWA.",
    "a change is announced already": "Ein Wechsel ist schon angekündigt.",
    "no change is announced": "Es ist kein Wechsel angekündigt.",
    "the test connection failed: {}": "Die Probeverbindung gelang nicht: {}.",
    "there is no communication profile of the GWA": (
        "Es gibt kein Kommunikationsprofil des Gateway-Administrators."
    ),
    "no address": "Es gibt keine Adresse.",
    "no renewal is under way, or its keys are not complete": (
        "Es läuft keine Erneuerung, oder ihre Schlüssel sind nicht vollständig."
    ),
    "no new certificate: {}": "Es fehlt ein neues Zertifikat: {}.",
    "this certificate is another holder's": (
        "Dieses Zertifikat gehört einem anderen Inhaber."
    ),
    "this certificate was revoked": "Dieses Zertifikat wurde gesperrt.",
    "this certificate was ended": "Dieses Zertifikat wurde außer Kraft gesetzt.",
    "not a certificate of a key of this gateway": (
        "Das ist kein Zertifikat eines Schlüssels dieses Gateways."
    ),
    "no certificate of the SM-PKI": "Das ist kein Zertifikat der SM-PKI.",
    "hard lock-down: the device must be exchanged": (
        "Hard Lock-Down: Das Gerät muss getauscht werden."
    ),
}
"""English sentence, German sentence. Longer ones win over shorter ones."""
