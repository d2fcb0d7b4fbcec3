"""A consumer in a process of its own, for tests of the brokers.

Arguments: broker URL, its transport options as JSON, how many messages, "yes" to
acknowledge. It prints the number in each message it takes; without acknowledging it
then stays in its task for ever.
"""

import json
import sys
from typing import Any

from kombu import Connection, Consumer, Queue

from casa_site import broker


def main(url: str, options: str, how_many: str, acknowledges: str) -> None:
    assert broker.FILE_BROKER_URL  # its import makes the file transport known
    taken: list[Any] = []

    def take(body: Any, message: Any) -> None:
        taken.append(body)
        print(body["n"], flush=True)
        if acknowledges == "yes":
            message.ack()
        else:
            sys.stdin.read()

    with (
        Connection(url, transport_options=json.loads(options)) as connection,
        connection.channel() as channel,
    ):
        channel.basic_qos(0, 1, False)  # as Celery's worker_prefetch_multiplier = 1
        queues = [Queue("tariff")]
        with Consumer(channel, queues, callbacks=[take], accept=["json"]):
            while len(taken) < int(how_many):
                try:
                    connection.drain_events(timeout=1)
                except TimeoutError:
                    return  # the other consumer has taken the rest


if __name__ == "__main__":
    main(*sys.argv[1:])
