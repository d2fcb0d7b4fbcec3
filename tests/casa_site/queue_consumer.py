"""A consumer in a process of its own, for test_fsbroker.py.

Arguments: folder, node, how many messages, "yes" to acknowledge. It prints the number
in each message it takes; without acknowledging it then stays in its task for ever.
"""

import sys
from pathlib import Path
from typing import Any

from kombu import Connection, Consumer, Queue

from casa_site.broker import FILE_BROKER_URL, file_options


def main(folder: str, node: str, how_many: str, acknowledges: str) -> None:
    taken: list[Any] = []

    def take(body: Any, message: Any) -> None:
        taken.append(body)
        print(body["n"], flush=True)
        if acknowledges == "yes":
            message.ack()
        else:
            sys.stdin.read()

    options = {**file_options(Path(folder)), "node": node, "polling_interval": 0.01}
    with (
        Connection(FILE_BROKER_URL, transport_options=options) as connection,
        Consumer(connection, [Queue("tariff")], callbacks=[take], accept=["json"]),
    ):
        while len(taken) < int(how_many):
            try:
                connection.drain_events(timeout=1)
            except TimeoutError:
                return  # the other consumer has taken the rest


if __name__ == "__main__":
    main(*sys.argv[1:])
