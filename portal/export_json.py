"""The JSON file of a billing period: everything that checking a bill needs (R125).

Its schema is documented in docs/exports.md. It carries the certificates whose keys
signed the readings, so that it can be checked without asking the gateway again.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hardware.gateway import Gateway
from portal import local_time, readings
from portal.measurement_table import row_word
from portal.readings import json_text
from portal.sent_marks import SENT, SentMarks
from tariffs.calendar import Period
from tariffs.list_row import ListRow

FORMAT = "casa-readings-v1"
ALGORITHM = "ECDSA, SHA-256, DER"


def values_json(
    gateway: Gateway,
    contract: Mapping[str, Any],
    period: Period,
    rows: Sequence[ListRow],
    marks: SentMarks,
    certificates: Mapping[str, str],
    *,
    now: datetime,
) -> Iterator[str]:
    """The file in pieces; `rows` ascending, `certificates` PEM texts by SKI."""
    yield json_text(
        {
            "format": FORMAT,
            **readings.system_informations(gateway, now=now),
            "contract": contract,
            "period": readings.billing_periods([period])[0],
            "signature_algorithm": ALGORITHM,
            "certificates": [
                {"ski": ski, "pem": pem} for ski, pem in certificates.items()
            ],
        }
    ).removesuffix("}")
    yield ', "readings": '
    write = _RowWriter(gateway.huid, rows, marks)
    yield from readings.json_array(map(write.row, rows))
    yield "}\n"


def signers(rows: Sequence[ListRow]) -> list[str]:
    """The SKIs of the keys that signed the rows, in the order of their first row."""
    return list(dict.fromkeys(row.signer_ski for row in rows if row.is_signed))


class _RowWriter:
    """Writes rows as JSON: the signed record, its verdict, whether it was sent."""

    def __init__(self, huid: str, rows: Sequence[ListRow], marks: SentMarks) -> None:
        self._huid = huid
        self._marks = marks
        self._verdicts = {
            (row.status, bool(row.signature)): row_word(row).key for row in rows
        }

    def row(self, row: ListRow) -> str:
        """One element of `readings`."""
        verdict = self._verdicts[row.status, bool(row.signature)]
        sent = "true" if self._marks.mark(row) is SENT else "false"
        more = f', "verdict": "{verdict}", "sent": {sent}'
        return readings.signed_record(self._huid, row.subject, row, more=more)


def file_stem(huid: str, profile_id: str, period: Period) -> str:
    """A file name that sorts by gateway, contract and time, without its ending."""
    begin, end = (
        local_time.page_time(instant).replace(" ", "T").replace(":", "")
        for instant in (local_time.just_after(period.begin), period.end)
    )
    return f"{huid}_{profile_id}_{begin}_{end}"
