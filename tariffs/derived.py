"""The derived records of the profiles as plain rows."""

from collections.abc import Iterator

from django.db.models import QuerySet

from tariffs.list_row import ListRow
from tariffs.models import DerivedRecord
from tariffs.originals import COLUMNS

_CHUNK = 2000


def own_rows(records: QuerySet[DerivedRecord]) -> Iterator[ListRow]:
    """The rows of these records, ascending; read as they are taken."""
    columns = records.order_by("target_time").values_list(*COLUMNS, "profile_id")
    return map(ListRow._make, columns.iterator(chunk_size=_CHUNK))
