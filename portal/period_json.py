"""A billing period as one JSON document: its records with text and signature."""

import json
from collections.abc import Iterable, Iterator

from portal import local_time, readings
from portal.measurement_table import row_word
from portal.sent_marks import NEVER, SentMarks
from tariffs.calendar import Period
from tariffs.list_row import ListRow


def period_json(
    huid: str, profile: str, period: Period, rows: Iterable[ListRow], marks: SentMarks
) -> Iterator[str]:
    """The document in pieces; records ascending, in the signed form (D56).

    `state` is the status word of the page, `sent` true, false, or null when the
    profile sends to nobody.
    """
    head = {
        "huid": huid,
        "profile": profile,
        "begin": local_time.iso(local_time.just_after(period.begin)),
        "end": local_time.iso(period.end),
    }
    yield json.dumps(head)[:-1] + ', "records": '
    yield from readings.json_array(
        readings.signed_record(huid, row.subject, row, more=_more(row, marks))
        for row in rows
    )
    yield "}"


def _more(row: ListRow, marks: SentMarks) -> str:
    mark = marks.mark(row)
    sent = None if mark == NEVER else mark.is_sent
    state = json.dumps(str(row_word(row).word), ensure_ascii=False)
    return f', "state": {state}, "sent": {json.dumps(sent)}'
