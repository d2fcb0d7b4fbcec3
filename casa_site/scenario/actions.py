"""What the words of a step do: a function for each, with what the file says of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from casa_site.scenario.installation import Installation
from casa_site.scenario.listeners import Answer, answer_of, digest, log_in
from casa_site.scenario.tampering import tamper
from hardware.simulator.time_server import Mischief
from logbooks.storage import measured

Given = dict[str, Any]

_BALLAST_BYTES = 256 * 1024 * 1024


def login(site: Installation, given: Given) -> str:
    """By the form; without a password the right one."""
    user = given["user"]
    password = given.get("password") or site.passwords.get(user, "")
    return _answered(site, log_in(site.browser(user), user, password))


def logout(site: Installation, given: Given) -> str:
    """By the button that is on each page."""
    browser = site.browser(given["user"])
    return _answered(site, answer_of(browser.post("/abmelden/")))


def get(site: Installation, given: Given) -> str:
    """A page of the portal, by whoever has logged in."""
    browser = site.browser(given.get("user", ""))
    return _answered(site, answer_of(browser.get(given["path"])))


def post(site: Installation, given: Given) -> str:
    """A form of the portal."""
    browser = site.browser(given.get("user", ""))
    form = {name: str(value) for name, value in (given.get("form") or {}).items()}
    return _answered(site, answer_of(browser.post(given["path"], form)))


def get_by_digest(site: Installation, given: Given) -> str:
    """A document of the HAN JSON interface."""
    user = given["user"]
    password = given.get("password") or site.passwords.get(user, "")
    return _answered(site, digest(site.browser(""), given["path"], user, password))


def gwa(site: Installation, given: Given) -> str:
    """A request of the administrator."""
    answer = site.administrator.request(
        site.gateway,
        site.partners.identity(given.get("certificate", "own")),
        given["method"],
        given["path"],
        given.get("body"),
    )
    return _answered(site, answer)


def technician(site: Installation, given: Given) -> str:
    """A page of the service access."""
    return _answered(site, site.technician.get(site.gateway, given["path"]))


def partner(site: Installation, given: Given) -> str:
    """A partner on the WAN comes, goes, or answers something else."""
    one = site.partners.by_name[given["id"]]
    one.answers.extend(given.get("answers", ()))
    if "certificate" in given:
        site.partners.show(given["id"], given["certificate"])
    if "reachable" in given:
        (one.listen if given["reachable"] else one.go_away)()
    return "done"


def time_server(site: Installation, given: Given) -> str:
    """The time server comes, goes, or says something wrong."""
    server = site.partners.time_server
    assert server is not None
    if "seconds" in given:
        server.state.error = timedelta(seconds=given["seconds"])
    if "mischief" in given:
        server.state.mischief = Mischief(given["mischief"])
    if "reachable" in given:
        (server.listen if given["reachable"] else server.go_away)()
    return "done"


def clock(site: Installation, given: Given) -> str:
    """The host's clock jumps by so many seconds."""
    site.time.error += timedelta(seconds=given["seconds"])
    return f"the host's clock shows {site.time.host():%Y-%m-%dT%H:%M:%SZ}"


def restart(site: Installation, given: Given) -> str:
    """The gateway ends, is off for a while, and starts."""
    site.end(orderly=given["how"] == "orderly")
    if given["how"] == "power_loss":
        site.boots += 1
    site.run_to(site.time.now + given.get("off", timedelta()))
    site.start()
    return "started"


def change_row(site: Installation, given: Given) -> str:
    """Somebody changes the newest row of a list in the database itself."""
    return tamper(given["list"], given["change"])


def storage(site: Installation, given: Given) -> str:
    """The quota of the state folder becomes such that so many percent are free.

    An empty file of some size lies there, beside which what a scenario stores counts
    for little.
    """
    with (site.gateway.state / "ballast").open("wb") as file:
        file.truncate(_BALLAST_BYTES)
    used = measured(site.gateway).used
    quota = used * 100 // (100 - given["free_percent"])
    site.use(replace(site.gateway, storage_quota=quota))
    return f"{used} of {quota} bytes are used"


def radio(site: Installation, given: Given) -> str:
    """The module behind a port fails in these ways from now on."""
    faults = site.lines.modules[given["port"]]
    for word, name in _MODULE.items():
        if word in given:
            setattr(faults, name, given[word])
    return "done"


_MODULE = {
    "silent": "is_silent",
    "answers_short": "answers_short",
    "refuses_mode": "refuses_mode",
    "refuses_restart": "refuses_restart",
    "module": "module",
    "firmware": "firmware",
}

DO: dict[str, Callable[[Installation, Given], str]] = {
    "login": login,
    "logout": logout,
    "get": get,
    "post": post,
    "digest": get_by_digest,
    "gwa": gwa,
    "technician": technician,
    "partner": partner,
    "time_server": time_server,
    "clock": clock,
    "restart": restart,
    "tamper": change_row,
    "storage": storage,
    "radio": radio,
}
"""Word -> what it does; it comes back in words."""


def _answered(site: Installation, answer: Answer) -> str:
    site.answer = answer
    return f"status {answer.status}"
