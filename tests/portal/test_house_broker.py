"""What a real broker receives while a consumer's order stands, and what it keeps."""

import asyncio
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest
from asgiref.sync import sync_to_async

from hardware.gateway import Gateway
from portal import house_push
from portal.house_publisher import publish
from portal.house_push import PushSpec
from tests.portal.conftest import NOW
from tests.portal.installation import install
from tests.portal.mqtt_broker import BINARY, mosquitto

HUID = "eemh0009264154"


@pytest.mark.services
@pytest.mark.skipif(BINARY is None, reason="mosquitto is not installed")
@pytest.mark.django_db(transaction=True)
def test_a_broker_receives_values_after_the_order_and_nothing_else(
    gateway: Gateway, tmp_path: Path
):
    """Nothing before, discovery and values while it stands, removed at its end."""
    install(gateway, NOW)
    with mosquitto(tmp_path, user="ha", password="streng geheim") as port:
        spec = PushSpec("127.0.0.1", port, False, "", "ha", "streng geheim")
        seen, kept = asyncio.run(_course(gateway, spec, port))
    assert seen["before"] == []
    own = ("1emh0000000001", "1emh0000000002")
    states = {topic for topic in seen["while"] if topic.endswith("/state")}
    assert states == {f"casa/{HUID}/{meter}/state" for meter in own}
    assert any(topic.startswith("homeassistant/sensor/") for topic in seen["while"])
    assert not any("1emh0000000003" in topic for topic in seen["while"])
    assert kept == []


async def _course(
    gateway: Gateway, spec: PushSpec, port: int
) -> tuple[dict[str, list[str]], list[str]]:
    stop = asyncio.Event()
    seen: dict[str, list[str]] = {"before": [], "while": []}
    stage, news = "before", asyncio.Event()
    async with asyncio.timeout(30):
        listener = await _listener(port)

        async def listen() -> None:
            async for message in listener.messages:
                if message.payload:
                    seen[stage].append(str(message.topic))
                    news.set()

        listening = asyncio.create_task(listen())
        publishing = asyncio.create_task(publish(gateway, stop=stop, period_s=0.05))
        assert await _kept(port) == []
        stage = "while"
        await sync_to_async(house_push.order)(gateway, "hks2", spec, now=NOW)
        while sum(topic.endswith("/state") for topic in seen["while"]) < 4:
            news.clear()
            await news.wait()
        await sync_to_async(house_push.revoke)(gateway, "hks2", now=NOW)
        while await _kept(port):
            pass  # each look waits by itself for what the broker still keeps
        stop.set()
        await publishing
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await listener.__aexit__(None, None, None)
        return seen, await _kept(port)


async def _listener(port: int) -> aiomqtt.Client:
    client = aiomqtt.Client("127.0.0.1", port, username="ha", password="streng geheim")
    await client.__aenter__()
    await client.subscribe("#")
    return client


async def _kept(port: int) -> list[str]:
    """Topics whose messages the broker keeps."""
    found: list[str] = []
    async with aiomqtt.Client(
        "127.0.0.1", port, username="ha", password="streng geheim"
    ) as client:
        await client.subscribe("#")
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                async for message in client.messages:
                    if message.retain:
                        found.append(str(message.topic))
    return found
