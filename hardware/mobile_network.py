"""Why the modem was logged off from its cell (manual ch. 9.4, 901000 to 901014; R164).

The manual names the reasons; how they follow from what a modem shows is our reading.
The numbers of states are those of ModemManager (MMModemState, MMModemStateFailedReason,
MMModem3gppRegistrationState, MMModem3gppPacketServiceState).
"""

from dataclasses import dataclass
from enum import IntEnum


class LogOff(IntEnum):
    """The reason, as its fault code."""

    UNKNOWN = 901000
    NO_CARRIER = 901001
    DEREGISTRATION = 901002
    DETACH = 901003
    ONLY_EMERGENCY = 901004
    NO_NETWORK_REGISTRATION = 901005
    BAD_SIGNAL_STRENGTH = 901006
    BAD_SIGNAL_QUALITY = 901007
    BAD_IP_QUALITY = 901008
    MISSING_IP_ADDRESS = 901009
    TX_RX_ERROR = 901010
    SIM_ERROR = 901011
    MODEM_ERROR = 901012
    PPP_IDLE_TIME = 901013
    CONFIG_CHANGED = 901014


FAILED, LOCKED, REGISTERED, CONNECTED = -1, 2, 8, 11
_SIM_FAULTS = frozenset({2, 3, 5})
"""No SIM, SIM error, eSIM without profiles."""
_IDLE, _EMERGENCY_ONLY, _DETACHED = 0, 8, 1
_NOT_REGISTERED = frozenset({2, 3, 4})
WEAKEST_PERCENT, WORST_QUALITY_DB = 10, -16.0
"""A signal below these (strength; RSRQ) is the reason when the network is lost."""

_BY_ERROR = {
    "Connection.NoCarrier": LogOff.NO_CARRIER,
    "MobileEquipment.NoNetwork": LogOff.NO_NETWORK_REGISTRATION,
    "MobileEquipment.NetworkTimeout": LogOff.NO_NETWORK_REGISTRATION,
    "MobileEquipment.NetworkNotAllowed": LogOff.ONLY_EMERGENCY,
    "MobileEquipment.PhoneFailure": LogOff.MODEM_ERROR,
}
_BY_KIND_OF_ERROR = {
    "MobileEquipment.Sim": LogOff.SIM_ERROR,
    "Serial.": LogOff.TX_RX_ERROR,
}
_ERRORS = "org.freedesktop.ModemManager1.Error."


@dataclass(frozen=True, slots=True)
class Modem:
    """What a modem shows; None where it says nothing.

    `has_address`: one of its connections has an IP address or gets one; `error` is the
    D-Bus name of the error that ended a connection, "" for none.
    """

    state: int
    failed_reason: int = 0
    registration: int | None = None
    packet_service: int | None = None
    signal_percent: int | None = None
    quality_db: float | None = None
    has_address: bool = True
    error: str = ""

    @property
    def is_online(self) -> bool:
        """Whether packets can go."""
        return self.state == CONNECTED and self.has_address


def log_off(before: Modem, after: Modem | None, *, is_wanted: bool) -> LogOff | None:
    """The reason why it is offline `after` it was online `before`; None when neither.

    `after` is None when the modem is gone; `is_wanted`: somebody on this machine has
    asked for it.
    """
    if not before.is_online or (after is not None and after.is_online):
        return None
    if after is None or after.state in (FAILED, LOCKED):
        return _of_the_device(after)
    if is_wanted:
        return LogOff.CONFIG_CHANGED
    if (told := _told(after.error)) is not None:
        return told
    if after.state == CONNECTED:
        return LogOff.MISSING_IP_ADDRESS
    return _of_the_network(before, after)


def _of_the_device(after: Modem | None) -> LogOff:
    if after is None:
        return LogOff.MODEM_ERROR
    is_sim = after.state == LOCKED or after.failed_reason in _SIM_FAULTS
    return LogOff.SIM_ERROR if is_sim else LogOff.MODEM_ERROR


def _told(error: str) -> LogOff | None:
    """What the error says by itself."""
    if not error.startswith(_ERRORS):
        return None
    name = error.removeprefix(_ERRORS)
    kinds = (code for kind, code in _BY_KIND_OF_ERROR.items() if name.startswith(kind))
    return _BY_ERROR.get(name) or next(kinds, None)


def _of_the_network(before: Modem, after: Modem) -> LogOff:
    if after.registration == _EMERGENCY_ONLY:
        return LogOff.ONLY_EMERGENCY
    if after.state >= REGISTERED:
        detached = after.packet_service == _DETACHED
        return LogOff.DETACH if detached else LogOff.NO_CARRIER
    if before.signal_percent is not None and before.signal_percent < WEAKEST_PERCENT:
        return LogOff.BAD_SIGNAL_STRENGTH
    if before.quality_db is not None and before.quality_db < WORST_QUALITY_DB:
        return LogOff.BAD_SIGNAL_QUALITY
    if after.registration in _NOT_REGISTERED:
        return LogOff.NO_NETWORK_REGISTRATION
    return LogOff.DEREGISTRATION if after.registration == _IDLE else LogOff.UNKNOWN
