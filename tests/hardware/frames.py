"""Frames of the LMN as tests write them down: gateway 1, one meter."""

from hardware.hdlc import encode_frame
from hardware.lmn_addresses import SAP_PLAIN

STATION = 3


def sent(control: int, info: bytes = b"", *, station: int = STATION) -> bytes:
    """A frame from the gateway to a meter."""
    return encode_frame(
        destination=(SAP_PLAIN, station),
        source=(SAP_PLAIN, 1),
        control=control,
        info=info,
    )


def heard(
    control: int, info: bytes = b"", *, station: int = STATION, sap: int = SAP_PLAIN
) -> bytes:
    """A frame from a meter to the gateway."""
    return encode_frame(
        destination=(sap, 1), source=(sap, station), control=control, info=info
    )
