"""The nameplate as a list of facts, every field of R2."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from hardware.gateway import Gateway
from hardware.nameplate import Nameplate, load_nameplate
from hardware.release import release_of


def nameplate_facts(gateway: Gateway) -> Sequence[tuple[str, str]]:
    """Name and value of each fact; "" where the nameplate does not say it."""
    plate = load_nameplate(gateway.state)
    return [
        (_("HUID"), gateway.huid.upper()),
        (_("Typbezeichnung"), plate.type_designation),
        (_("Typenschlüssel"), plate.type_key),
        (_("Softwareversion"), release_of().version),
        (_("Hardwareversion"), plate.hardware_version or str(gateway.hardware)),
        (_("Eigentümer"), plate.owner),
        *_marks(plate),
        *_ratings(plate),
    ]


def _marks(plate: Nameplate) -> list[tuple[str, str]]:
    return [
        (_("Konformitätskennzeichnung (Metrologie)"), plate.conformity_mark),
        (_("Baumusterprüfbescheinigung (PTB)"), plate.type_examination),
        (_("CE-Kennzeichnung"), plate.ce_mark),
        (_("BSI-Kennzeichnung"), plate.bsi_mark),
        (_("Seriennummer des Siegels"), plate.seal_number),
    ]


def _ratings(plate: Nameplate) -> list[tuple[str, str]]:
    return [
        (_("Schutzklasse"), plate.protection_class),
        (_("Schutzart"), plate.protection_degree),
        (_("Spannung"), plate.voltage),
        (_("Frequenz"), plate.frequency),
        (_("Stromstärke"), plate.current),
        (_("Temperaturbereich"), plate.temperature_range),
    ]
