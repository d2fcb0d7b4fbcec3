"""The administrator at his console in tests: pages, forms with their token, links."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx

from tests.gwa_api.head_end import HeadEnd

PREFIX = "/gwa/console/"
_INPUT = re.compile(r"<input[^>]*>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_TEXTAREA = re.compile(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?([^<]*)</textarea>')
_SELECT = re.compile(r'<select[^>]*name="([^"]+)".*?</select>', re.DOTALL)
_SELECTED = re.compile(r'<option value="([^"]*)" selected')
_OPTION = re.compile(r'<option value="([^"]*)"')
_LINK = re.compile(r'<a [^>]*href="([^"]+)"')


@dataclass
class Visitor:
    """Asks for pages below `PREFIX` with the certificate of the head-end."""

    gwa: HeadEnd
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    language: str = "de"

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; cookies are kept."""
        headers = {"Accept-Language": self.language, "Referer": "https://gwa/"}
        headers |= more.pop("headers", {})
        transport = httpx.WSGITransport(app=self.gwa.wsgi)
        with httpx.Client(
            transport=transport, base_url="https://gwa", cookies=self.cookies
        ) as client:
            address = path if path.startswith("/") else PREFIX + path
            answer = client.request(method, address, headers=headers, **more)
            self.cookies = client.cookies
        return answer

    def get(self, path: str) -> str:
        """The text of a page that there is."""
        answer = self("GET", path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer.text

    def send(self, path: str, **given: Any) -> httpx.Response:
        """Fill in the form of a page and send it; what is not given stays as shown."""
        return self.confirm(path, self.get(path), **given)

    def confirm(self, path: str, page: str, **given: Any) -> httpx.Response:
        """Send the form of a page that is there already."""
        data = {**form_of(page), **given}
        sent = {name: value for name, value in data.items() if value is not None}
        return self("POST", path, data=sent)


def form_of(page: str) -> dict[str, Any]:
    """What the form of a page would send as it is shown."""
    found: dict[str, Any] = {}
    for text in _INPUT.findall(page.partition('method="post"')[2]):
        one = dict(_ATTRIBUTE.findall(text))
        if one.get("type") == "checkbox" and " checked" not in text:
            continue
        if "name" in one:
            _add(found, one["name"], unescape(one.get("value", "")))
    for name, value in _TEXTAREA.findall(page):
        found[name] = unescape(value)
    for match in _SELECT.finditer(page):
        chosen = _SELECTED.search(match[0]) or _OPTION.search(match[0])
        found[match[1]] = unescape(chosen[1]) if chosen else ""
    return found


def _add(found: dict[str, Any], name: str, value: str) -> None:
    there = found.get(name)
    if there is None:
        found[name] = value
    else:
        found[name] = [*there, value] if isinstance(there, list) else [there, value]


def links_of(page: str) -> list[str]:
    """Where a page leads to inside the console, style sheets left out."""
    found = [unescape(link) for link in _LINK.findall(page)]
    return [link for link in found if link.startswith(PREFIX)]
