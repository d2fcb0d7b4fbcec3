"""Answers with a CSV file, and with other files that are sent in pieces."""

from collections.abc import Iterable

from django.http import StreamingHttpResponse

from portal.csv_text import FORMS, CsvForm, in_pieces
from portal.request import PortalRequest


def csv_form_of(request: PortalRequest) -> CsvForm | None:
    """The form of CSV that `?format=` asks for; None for one that is not known."""
    return FORMS.get(request.GET.get("format", ""))


def csv_response(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """A CSV file of that name."""
    response = in_pieces_response(in_pieces(lines), "text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def in_pieces_response(
    pieces: Iterable[bytes] | Iterable[str], content_type: str
) -> StreamingHttpResponse:
    """A file sent as it is made; nobody may keep a copy of it."""
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response["Cache-Control"] = "no-store"
    return response
