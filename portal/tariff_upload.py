"""What a consumer uploads: held in memory, within a limit, and not kept.

A file may come again with a form of the page it led to: packed into a field of that
page, so that the browser keeps it and not the gateway.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from portal.request import PortalRequest

LARGEST = 8 * 1024 * 1024
"""Bytes of one file."""


class NotUsable(Exception):
    """There is no file that can be used; the message is one sentence."""


class InMemory(FileUploadHandler):
    """Keeps a file in memory up to one byte more than is allowed; the rest is dropped.

    Nothing touches the disk. That it was too large is told by `content_of`.
    """

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request)
        self._pieces: list[bytes] = []
        self._size = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin with a file; no other handler sees it."""
        super().new_file(*args, **kwargs)
        self._pieces, self._size = [], 0
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece while there is room."""
        room = LARGEST + 1 - self._size
        if room > 0:
            self._pieces.append(raw_data[:room])
            self._size += min(room, len(raw_data))

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        """The file as it was kept."""
        return SimpleUploadedFile(self.file_name or "file", b"".join(self._pieces))


View = Callable[..., HttpResponseBase]


def in_memory(view: View) -> View:
    """A view whose uploads stay in memory.

    The check against forged forms reads the body, so it comes after that is set; what
    stands above this decorator (`consumer_required`) comes before the body is read.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def prepared(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.upload_handlers = [InMemory(request)]
        return protected(request, *args, **kwargs)

    return prepared


def content_of(upload: "UploadedFile[Any] | None") -> bytes:
    """The bytes of an upload; raises NotUsable."""
    if upload is None:
        raise NotUsable(_("Bitte wählen Sie eine Datei aus."))
    content: bytes = upload.read()
    if not content:
        raise NotUsable(_("Die Datei ist leer."))
    if len(content) > LARGEST:
        raise NotUsable(too_large_text())
    return content


def too_large_text() -> str:
    """That a file is larger than is allowed."""
    text = _("Die Datei ist größer als %(largest)d MiB.")
    return text % {"largest": LARGEST // 2**20}


def packed(content: bytes) -> str:
    """The content as the text of a form field."""
    return b64encode(zlib.compress(content, 9)).decode()


def unpacked(text: str) -> bytes:
    """What was packed; raises NotUsable, also for what grows beyond the limit."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(b64decode(text, validate=True), LARGEST + 1)
    except (ValueError, zlib.error):
        raise NotUsable(_("Bitte wählen Sie die Datei noch einmal aus.")) from None
    if len(content) > LARGEST or not unpacker.eof:
        raise NotUsable(too_large_text())
    return content
