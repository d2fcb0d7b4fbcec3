"""The embedded broker: messages are files in the state folder (decisions D3).

kombu's own file transport loses a task whose worker is killed and breaks on files
that are half written. Here a message is written beside and moved into its queue
folder; a consumer claims it by moving it into the in-flight folder of its node, and
the file goes only when the task was acknowledged. `recover` puts what a killed node
left in flight back into the queues when that node starts again. So nothing is lost,
a task may run twice, and two consumers never get one message.

Layout below the folder, all of mode 0700, on one file system:

    <queue>/<nanoseconds>_<uuid>.msg        waiting, oldest first
    in-flight/<node>/<queue>@<file name>    claimed, not yet acknowledged
    unreadable/<queue>@<file name>          not JSON; kept for a look, never delivered
"""

import json
import logging
import os
import time
import uuid
from collections import deque
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual

logger = logging.getLogger(__name__)

IN_FLIGHT = "in-flight"
UNREADABLE = "unreadable"
_NOT_QUEUES = frozenset({IN_FLIGHT, UNREADABLE})
_SUFFIX = ".msg"
_NO_NODE = "nameless"


def put(folder: Path, queue: str, payload: bytes) -> None:
    """Add a message to a queue; it is on the disk when this returns."""
    queue_folder = _made(folder / queue)
    name = f"{time.time_ns():020d}_{uuid.uuid4().hex}{_SUFFIX}"
    unfinished = queue_folder / f".{name}"
    try:
        _write(unfinished, payload)
        unfinished.rename(queue_folder / name)
    except OSError:  # e.g. a full disk
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(queue_folder)


def waiting(folder: Path, queue: str) -> list[str]:
    """The names of the messages that wait in a queue, oldest first."""
    try:
        names = [path.name for path in (folder / queue).iterdir()]
    except FileNotFoundError:
        return []
    return sorted(
        name for name in names if name.endswith(_SUFFIX) and not name.startswith(".")
    )


def depths(folder: Path) -> dict[str, int]:
    """How many messages wait in each queue below `folder`."""
    if not folder.is_dir():
        return {}
    queues = [path.name for path in folder.iterdir() if path.is_dir()]
    return {
        queue: len(waiting(folder, queue))
        for queue in sorted(queues)
        if queue not in _NOT_QUEUES
    }


def recover(folder: Path, node: str) -> int:
    """Give back what the node held when it died; only while the node does not run.

    Returns the number of messages.
    """
    claimed = list(_in_flight(folder, node).iterdir())
    for path in claimed:
        queue, _, name = path.name.partition("@")
        path.rename(_made(folder / queue) / name)
    return len(claimed)


def _in_flight(folder: Path, node: str) -> Path:
    return _made(folder / IN_FLIGHT / (node or _NO_NODE))


def _made(folder: Path) -> Path:
    """The folder; what is missing above it is the owner's alone as well."""
    if not folder.is_dir():
        _made(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _write(path: Path, payload: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Channel(virtual.Channel):
    """Delivers from and to the folders; options `folder` and `node` of the transport.

    Queues are addressed by name only (the default exchange, as Celery does).
    """

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        options = connection.client.transport_options
        self._folder = Path(options["folder"])
        self._node = str(options.get("node", ""))
        self._seen: dict[str, deque[str]] = {}
        self._claimed: dict[str, Path] = {}

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """The task is done: its file goes."""
        super().basic_ack(delivery_tag, multiple)
        self._forget(delivery_tag)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Back into the queue, or gone."""
        super().basic_reject(delivery_tag, requeue)
        self._forget(delivery_tag)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        put(self._folder, queue, json.dumps(message).encode())

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        while True:
            path = self._claim_next(queue)
            try:
                message: dict[str, Any] = json.loads(path.read_bytes())
                self._claimed[message["properties"]["delivery_tag"]] = path
            except (ValueError, KeyError, TypeError):
                self._set_aside(path)
                continue
            return message

    def _claim_next(self, queue: str) -> Path:
        """Move the oldest message into flight; raises Empty when none waits."""
        names = self._seen.get(queue)
        if not names:
            names = self._seen[queue] = deque(waiting(self._folder, queue))
        while names:
            name = names.popleft()
            path = _in_flight(self._folder, self._node) / f"{queue}@{name}"
            try:
                (self._folder / queue / name).rename(path)
            except FileNotFoundError:
                continue  # another node was faster
            return path
        raise Empty

    def _restore(self, message: Any) -> None:
        path = self._claimed.pop(message.delivery_tag, None)
        if path is None:
            super()._restore(message)
            return
        queue, _, name = path.name.partition("@")
        path.rename(self._folder / queue / name)

    def _set_aside(self, path: Path) -> None:
        logger.error("the message %s cannot be read and is set aside", path.name)
        path.rename(_made(self._folder / UNREADABLE) / path.name)

    def _forget(self, delivery_tag: str) -> None:
        if path := self._claimed.pop(delivery_tag, None):
            path.unlink(missing_ok=True)

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        _made(self._folder / queue)

    def _size(self, queue: str) -> int:
        return len(waiting(self._folder, queue))

    def _purge(self, queue: str) -> int:
        names = waiting(self._folder, queue)
        for name in names:
            (self._folder / queue / name).unlink(missing_ok=True)
        return len(names)


class Transport(virtual.Transport):
    """The transport of the URL `casafiles://localhost` (casa_site.broker)."""

    Channel = Channel
    # One process, one table of queues: as in every transport of this family.
    global_state = virtual.BrokerState()
    default_port = 0
    driver_type = "files"
    driver_name = "casa files"

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def driver_version(self) -> str:
        """There is no driver."""
        return "-"
