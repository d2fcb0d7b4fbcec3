"""What was verified, as a JSON document (decisions.md 4)."""

from typing import Any

from tariffs.trudi.findings import shortened
from tariffs.trudi.verification import Verification


def document(found: Verification) -> dict[str, Any]:
    """The document that `./casa verify --json` prints."""
    result, failure, signatures = found.result, found.failure, found.signatures
    return {
        "valid": found.is_valid,
        "errors": [finding._asdict() for finding in shortened(found.findings)],
        "taf": found.taf,
        "begin": result.begin.isoformat() if result else None,
        "end": result.end.isoformat() if result else None,
        "registers": [
            {
                "obis": str(register.obis),
                "tariff_id": register.tariff_id,
                "amount": register.amount,
            }
            for register in (result.registers if result else ())
        ],
        "signatures": {
            "checked": signatures.checked,
            "good": signatures.good,
            "bad": signatures.bad,
        },
        "exception": {"code": failure.code, "phase": failure.phase}
        if failure
        else None,
    }
