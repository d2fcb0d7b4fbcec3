"""What the security module refuses, each kind with its fault code of ch. 9.4 (R154).

A refusal leaves everything as it was. The text says what was asked for; it never
holds a key or the PIN.
"""


class SecurityModuleFault(Exception):
    """The security module refuses; `code` is the manual's fault code."""

    code = 1600257

    def __init__(self, reason: str, *, code: int | None = None) -> None:
        super().__init__(reason)
        if code is not None:
            self.code = code


class ModuleUnreachable(SecurityModuleFault):
    """The files of the module cannot be reached: no connection to it."""

    code = 1600255


class ModuleFailed(SecurityModuleFault):
    """The module was reached, and an operation broke off (reading or writing)."""

    code = 1600257


class KeySlotEmpty(SecurityModuleFault, LookupError):
    """There is no key in this slot; nothing can be signed or agreed with it."""

    code = 1600058


class KeySlotTaken(SecurityModuleFault):
    """There is a key in this slot already; a key is never overwritten."""

    code = 1600237


class KeyUnreadable(SecurityModuleFault):
    """The key file was changed, or it belongs to another device key or slot."""

    code = 1600257


class ChannelRefused(KeyUnreadable):
    """The channel to the module is closed, or the PIN does not open it."""

    code = 1600246


class KeyNotMade(SecurityModuleFault):
    """A key pair cannot be made: unknown curve, or the module is out of service."""

    code = 1600123


class BanksOccupied(SecurityModuleFault):
    """Both key banks hold keys, or the second one was not made yet."""

    code = 1600122


class KeyInUse(SecurityModuleFault):
    """Keys that are in force cannot be deactivated."""

    code = 1600201


class LifeCycleRefused(SecurityModuleFault):
    """The life cycle of the module does not go there from where it is."""

    code = 1600086


class RootRefused(SecurityModuleFault):
    """A root certificate that is not taken, or not given up; `code` says why."""

    code = 1600051


class RequestNotMade(SecurityModuleFault):
    """No certificate request could be made."""

    code = 1600116
