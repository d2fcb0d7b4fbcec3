"""The combined status word: 32 bits of the gateway, 32 bits of the meter.

Stored as one integer, gateway word in the upper half. What leaves the gateway is
the FNN dialect (decisions D12); bits 14..17 of the later dialect of the BSI detail
specification are kept apart as `later_bits`.
"""

GATEWAY_ALWAYS = 0x00000005
NOT_FOR_BILLING = 0x00000002
GATEWAY_FATAL = 0x00000100
TIME_INVALID = 0x00000200
WARNING = 0x00001000
TEMPORARY_ERROR = 0x00002000
CRITICAL_ERROR = 0x00004000
PLACEHOLDER = TEMPORARY_ERROR | CRITICAL_ERROR
"""Gateway bits 13 and 14: no value came in time (decisions D18)."""

METER_BASIC = 0x00000004
METER_MAGNETIC_TAMPER = 0x00000200
METER_MECHANICAL_TAMPER = 0x00000400
METER_FATAL = 0x00020000

LATER_TAMPER = 1 << 14
LATER_METER_ERROR = 1 << 15
LATER_TRIGGERED = 1 << 16
LATER_WIRELESS = 1 << 17


def combined(gateway_bits: int, meter_word: int) -> int:
    """The 64-bit word; the gateway bits that are always set are added."""
    return (gateway_bits | GATEWAY_ALWAYS) << 32 | meter_word & 0xFFFFFFFF


def gateway_word(status: int) -> int:
    """The upper 32 bits."""
    return status >> 32 & 0xFFFFFFFF


def meter_word(status: int) -> int:
    """The lower 32 bits."""
    return status & 0xFFFFFFFF


def is_placeholder(status: int) -> bool:
    """Whether no value came in time and the one before was repeated (D18)."""
    return gateway_word(status) & PLACEHOLDER == PLACEHOLDER


def ptb_status(status: int) -> int:
    """Verdict 0 ok, 1 warning, 2 temporary, 3 critical temporary, 4 fatal.

    The rule of TRuDI's StatusPTB (gateway-model.md 3.9), FNN dialect.
    """
    gateway = gateway_word(status)
    if meter_word(status) & METER_FATAL or gateway & GATEWAY_FATAL:
        return 4
    if gateway & (TIME_INVALID | CRITICAL_ERROR):
        return 3
    if gateway & TEMPORARY_ERROR:
        return 2
    return 1 if gateway & WARNING else 0


def hex_text(status: int) -> str:
    """16 hex digits, most significant bit first: signed text and TRuDI XML."""
    return f"{status:016x}"


def han_text(status: int) -> str:
    """16 hex digits as the HAN interface sends them: each half with bit 0 first."""
    return "".join(
        f"{int(f'{half:032b}'[::-1], 2):08x}"
        for half in (gateway_word(status), meter_word(status))
    )
