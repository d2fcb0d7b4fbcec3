"""Faults of the radio module, with their codes of the manual, ch. 9.4.

Two pairs of codes have one text each. Here the first of a pair means that the module
gives no answer, or too old a firmware; the second that it answers with something else.
"""

from hardware.errors import LmnError


class StickPortNotOpen(LmnError):
    """The port of the radio module cannot be opened, or was lost."""

    code = 200701


class StickMisconfigured(LmnError):
    """The module did not take the settings that the gateway needs."""

    code = 200702


class StickSilent(LmnError):
    """The module gives no answer."""

    code = 200504


class StickAnswerWrong(LmnError):
    """The module refuses a command, or its answer is malformed."""

    code = 200507


class StickTypeWrong(LmnError):
    """Another module than the configured one is attached."""

    code = 200505


class StickFirmwareTooOld(LmnError):
    """The module's firmware cannot do what is needed."""

    code = 200506


class StickFirmwareUnknown(LmnError):
    """The module does not tell a firmware that can be understood."""

    code = 200509


class StickRestartFailed(LmnError):
    """The module does not come back after a restart."""

    code = 200710
