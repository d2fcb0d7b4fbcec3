"""The JSON file of a billing period: everything that checking a bill needs (R125).

Its schema is documented in docs/exports.md. It carries the certificates whose keys
signed the readings, so that it can be checked without asking the gateway again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from hardware.gateway import Gateway
from logbooks import device_state
from logbooks.certificates import certificate_by_ski, certificate_pem
from portal import local_time, readings
from portal.measurement_table import row_word
from portal.readings import json_text
from portal.sent_marks import SentMarks
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile

FORMAT = "casa-readings-v1"
ALGORITHM = "ECDSA, SHA-256, DER"


def values_json(
    gateway: Gateway,
    profile: EvaluationProfile,
    period: Period,
    rows: Sequence[ListRow],
    marks: SentMarks,
    *,
    now: datetime,
) -> Iterator[str]:
    """The file in pieces; `rows` ascending, as they stand in the file.

    Raises Certificate.DoesNotExist when a signer's certificate is not in the store.
    """
    head = json_text(
        {
            "format": FORMAT,
            **readings.system_informations(gateway, now=now),
            "contract": readings.contract(gateway.huid, profile),
            "period": readings.billing_periods([period])[0],
            "signature_algorithm": ALGORITHM,
            **_integrity(gateway),
            "certificates": _certificates(rows),
        }
    )
    write = _RowWriter(gateway.huid, marks)
    return chain(
        (head.removesuffix("}"), ', "readings": '),
        readings.json_array(map(write.row, rows)),
        ("}\n",),
    )


def _integrity(gateway: Gateway) -> dict[str, bool]:
    """Said only while the integrity is broken (decisions D37)."""
    is_broken = device_state.setting_of(gateway).marks_values
    return {"not_for_billing": True} if is_broken else {}


def _certificates(rows: Sequence[ListRow]) -> list[dict[str, str]]:
    """The certificates of the keys that signed the rows, by their first row."""
    signers = dict.fromkeys(row.signer_ski for row in rows if row.is_signed)
    return [
        {"ski": ski, "pem": certificate_pem(certificate_by_ski(ski))} for ski in signers
    ]


class _RowWriter:
    """Writes rows as JSON: the signed record, its verdict, whether it was sent."""

    def __init__(self, huid: str, marks: SentMarks) -> None:
        self._huid = huid
        self._marks = marks
        self._not_sent = "false" if marks.acknowledged else "null"
        self._verdicts: dict[tuple[int, bool], str] = {}

    def row(self, row: ListRow) -> str:
        """One element of `readings`."""
        seen = (row.status, bool(row.signature))  # few different ones occur
        verdict = self._verdicts.get(seen)
        if verdict is None:
            verdict = self._verdicts[seen] = row_word(row).key
        sent = "true" if self._marks.mark(row).is_sent else self._not_sent
        more = f', "verdict": "{verdict}", "sent": {sent}'
        return readings.signed_record(self._huid, row.subject, row, more=more)


def file_stem(huid: str, profile_id: str, period: Period) -> str:
    """A file name that sorts by gateway, contract and time, without its ending."""
    begin, end = (
        local_time.page_time(instant).replace(" ", "T").replace(":", "")
        for instant in (local_time.just_after(period.begin), period.end)
    )
    return f"{huid}_{profile_id}_{begin}_{end}"
