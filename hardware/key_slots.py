"""The key slots of the security module: three purposes in two banks (wan.md 3).

"sig" names the signature key in force, "sig-1" and "sig-2" the ones in the two banks;
so do "tls" and "enc". Other slots have no bank.
"""

import re

TLS_SLOT, ENCRYPTION_SLOT, SIGNATURE_SLOT = "tls", "enc", "sig"
PURPOSES = (TLS_SLOT, ENCRYPTION_SLOT, SIGNATURE_SLOT)
"""What the gateway has a certificate of the SM-PKI for; a key of its own for each."""

BANKS = (1, 2)

_SLOT = re.compile(r"[a-z][a-z0-9-]{0,15}")


def other_bank(bank: int) -> int:
    """The bank that is not this one."""
    return BANKS[0] if bank == BANKS[1] else BANKS[1]


def slot_in(bank: int, purpose: str) -> str:
    """The slot of a purpose in a bank, e.g. "sig-2"."""
    if purpose not in PURPOSES or bank not in BANKS:
        raise ValueError(f"not the name of a key slot: {purpose!r} in bank {bank}")
    return f"{purpose}-{bank}"


def file_of(slot: str) -> str:
    """The name of the file of a slot; a key file is also sealed for this name.

    The keys of the first bank are named after the purpose alone: so they were before
    there was a second bank. Raises ValueError for what cannot be a slot's name.
    """
    if not _SLOT.fullmatch(slot):
        raise ValueError(f"not the name of a key slot: {slot!r}")
    purpose, _, bank = slot.partition("-")
    return purpose if purpose in PURPOSES and bank == "1" else slot
