"""The alarms that a head-end got from its gateways (R162): each once, as JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gwa_api.peers.delivery_request import RequestRefused, read_alarm, refused
from gwa_api.peers.https_server import Answer, Request, problem
from gwa_api.peers.peer_keys import PeerKeys
from hardware.cms_error import CmsRefused
from hardware.cms_signed import open_signed
from hardware.private_files import make_once
from hardware.record import zulu

FOLDER = "alarms"
SCHEMA = "casa-alarm-v1"


@dataclass(frozen=True, slots=True)
class AlarmBook:
    """Takes what is POSTed to `/alarms`; `tell` is given a line for each new one."""

    keys: PeerKeys
    clock: Callable[[], datetime]
    tell: Callable[[str], None] = print

    def prepare(self) -> None:
        """Make the folder."""
        (self.keys.state / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)

    def take(self, request: Request) -> Answer:
        """200 for a new alarm, 409 for one that is known."""
        try:
            message_id = read_alarm(request)
            alarm = self._opened(request.body)
            if alarm["alarm_id"] != str(message_id):
                raise refused(422, "content", "alarm_id is not the Idempotency-Key.")
        except RequestRefused as refusal:
            return refusal.answer
        path = self.keys.state / FOLDER / f"{message_id}.json"
        text = json.dumps(alarm, indent=1).encode()
        if path.exists() or make_once(path, text) != text:
            return problem(409, "duplicate", "It is known already.")
        self.tell(f"alarm of {alarm['gateway']}: {alarm['kind']} {alarm['code']}")
        return Answer(200, {"alarm_id": str(message_id), "at": zulu(self.clock())})

    def _opened(self, body: bytes) -> dict[str, Any]:
        try:
            signed = open_signed(body, self.keys.signer)
            alarm = json.loads(signed.content)
        except (CmsRefused, ValueError, RecursionError) as error:
            raise refused(422, "cms", str(error)) from None
        wanted = {"schema", "alarm_id", "gateway", "kind", "code"}
        if not isinstance(alarm, dict) or not wanted <= alarm.keys():
            raise refused(422, "content", "This is no alarm.")
        if alarm["schema"] != SCHEMA:
            raise refused(422, "content", "Another schema.")
        return alarm
