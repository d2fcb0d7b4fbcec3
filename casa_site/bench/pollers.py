"""Clients in the house that poll the HAN interface, as a process of their own.

Each does once a second what the busiest known integration does (han-json-api.md 8,
HA2): the list of meters, then each meter, every one of them with a challenge first. A
process of its own, so that they do not hold up whoever measures beside them.

    python -m casa_site.bench.pollers < JSON

The JSON object has `url`, `user`, `password`, `meters` and `clients`. After each round
of a client a line is printed: the seconds that it took.
"""

import json
import sys
import threading
import time
from typing import Any

import httpx

EVERY_S = 1.0


def paths(meters: list[str]) -> list[str]:
    """What is asked for in each round."""
    listed = "/json/metering/origin/"
    return [listed, *(f"{listed}{meter}/extended" for meter in meters)]


def main(order: dict[str, Any]) -> None:
    """Poll until the process is ended; ends it itself when an answer is wrong."""
    count = order["clients"]
    threads = [
        threading.Thread(target=_client, args=(order, EVERY_S * number / count))
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(1)


def _client(order: dict[str, Any], begin_after_s: float) -> None:
    """One client; it keeps its connection, and its seconds do not drift."""
    deadline = time.monotonic() + begin_after_s
    with httpx.Client(base_url=order["url"], verify=False) as client:
        while True:
            time.sleep(max(0.0, deadline - time.monotonic()))
            begin = time.monotonic()
            for path in paths(order["meters"]):
                login = httpx.DigestAuth(order["user"], order["password"])
                client.get(path, auth=login).raise_for_status()
            print(f"{time.monotonic() - begin:.4f}", flush=True)
            deadline += EVERY_S


if __name__ == "__main__":
    main(json.load(sys.stdin))
