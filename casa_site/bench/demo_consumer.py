"""The first consumer of a running demo, logged in over the network."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from casa_site.bench.figure import ResultWrong
from casa_site.bench.running_gateway import RunningGateway


@contextmanager
def consumer_of(gateway: RunningGateway) -> Iterator[httpx.Client]:
    """A client that is logged in by the form."""
    # The certificate is the gateway's own; we started it ourselves on this machine.
    with httpx.Client(base_url=gateway.url, verify=False) as client:
        _log_in(gateway, client)
        yield client


def _log_in(gateway: RunningGateway, client: httpx.Client) -> None:
    login = gateway.logins()[0]
    form = client.get("/anmelden/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    answer = client.post(
        "/anmelden/",
        data={
            "username": login["user"],
            "password": login["password"],
            "csrfmiddlewaretoken": token[1] if token else "",
        },
        headers={"Referer": gateway.url},
    )
    if answer.status_code != 303:
        raise ResultWrong(f"the login was refused: {answer.status_code}")
