"""What a consumer uses at a running gateway: a digest client and a browser."""

import json
import re
from html import unescape
from typing import Any

import httpx

from tests.flows.running import RunningGateway


class HanClient:
    """The HAN JSON interface and the pages, as one consumer sees them."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._login = {"username": user, "password": password}
        self._digest = httpx.Client(
            base_url=f"{url}/json",
            auth=httpx.DigestAuth(user, password),
            verify=False,
            trust_env=False,
            timeout=20,
        )
        self._browser = httpx.Client(
            base_url=url, verify=False, trust_env=False, timeout=20
        )

    def get(self, path: str) -> httpx.Response:
        """The answer to a JSON path, such as `/metering/origin`."""
        return self._digest.get(path)

    def json(self, path: str) -> Any:
        """The document at a JSON path."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def page(self, path: str) -> str:
        """What stands on a page, without its tags, after a login by the form."""
        form = self._browser.get("/anmelden/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token, form
        fields = self._login | {"csrfmiddlewaretoken": token[1]}
        headers = {"Referer": str(self._browser.base_url)}
        answer = self._browser.post("/anmelden/", data=fields, headers=headers)
        assert answer.status_code == 303, answer.text
        page = self._browser.get(path)
        assert page.status_code == 200
        return " ".join(unescape(re.sub("<[^>]+>", " ", page.text)).split())


def demo_client(gateway: RunningGateway, user: str) -> HanClient:
    """A consumer of the demo installation at this gateway."""
    demo = json.loads((gateway.state / "demo.json").read_text())
    (password,) = (one["password"] for one in demo["consumers"] if one["user"] == user)
    return HanClient(gateway.url, user, password)
