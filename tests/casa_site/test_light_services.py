"""Services of one process: who breaks off starts again, the first one ends all."""

import asyncio
import os
import signal

import pytest

from casa_site.light_services import serve


class Broken(Exception):
    """What the services of these tests raise."""


def test_a_service_that_breaks_off_starts_again_and_the_others_go_on() -> None:
    starts: list[int] = []
    withdrawn: list[str] = []

    async def breaking(stop: asyncio.Event) -> None:
        starts.append(len(starts))
        if len(starts) == 1:
            raise Broken
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()

    first_ended: list[bool] = []

    async def first(stop: asyncio.Event) -> None:
        await stop.wait()
        first_ended.append(True)

    asyncio.run(serve(first, {"house": breaking}, withdraw=withdrawn.append))
    assert starts == [0, 1]
    assert withdrawn == ["house"]
    assert first_ended == [True], "it has ended by the signal, not before"


def test_the_first_service_ends_the_process_when_it_breaks_off() -> None:
    cancelled: list[bool] = []

    async def first(_stop: asyncio.Event) -> None:
        raise Broken

    async def beside(stop: asyncio.Event) -> None:
        try:
            await stop.wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(serve(first, {"house": beside}, withdraw=lambda _name: None))
    assert raised.group_contains(Broken)
    assert cancelled == [True]
