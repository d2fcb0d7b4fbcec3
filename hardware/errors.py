"""Faults of the meter side; each kind carries its code of the manual, ch. 9.4."""


class LmnError(Exception):
    """A fault of the local metrological network; `code` is the manual's fault code."""

    code: int


class PortNotOpen(LmnError):
    """The serial port cannot be opened (RS485 enable state not as expected)."""

    code = 100702


class PortVanished(LmnError):
    """The serial port was lost while in use."""

    code = 100703


class MeterLost(LmnError):
    """No communication with the meter; the connection is built anew."""

    code = 100706


class FrameUndecodable(LmnError):
    """Bytes that looked like an HDLC frame (or an SML file) and were none.

    Where it is known, `header` is their head, which holds no value, and `length` how
    many they were: that is kept for the technician.
    """

    code = 103106

    def __init__(self, reason: str, *, header: bytes = b"", length: int = 0) -> None:
        super().__init__(reason)
        self.header = header
        self.length = length


class FrameUnexpected(LmnError):
    """A well-formed HDLC frame that does not fit the state of the conversation."""

    code = 103117


class MeterSilent(LmnError):
    """No byte of an answer after all retries."""

    code = 103118


class MeterNotReady(LmnError):
    """Read timeout while the meter said RNR."""

    code = 103190


class AnswerTimeout(LmnError):
    """The request was acknowledged, but the answer did not come in time."""

    code = 103191


class StoreUnreachable(LmnError):
    """Keys or certificates cannot be read or kept just now (database)."""

    code = 100701


class TlsFailed(MeterLost):
    """The TLS connection to the meter failed or ended; it is built anew."""


class TlsFallback(LmnError):
    """TLS failed repeatedly: back to pairing by the meter's key."""

    code = 103165
