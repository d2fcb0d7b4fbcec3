"""The lights: a function of the state, and devices that show it."""

from dataclasses import replace
from pathlib import Path

import pytest

from hardware.device_state_file import Mode
from hardware.led_devices import LedDevices, parse_mapping
from hardware.leds import Channel, LedFacts, Leds, Light, Phase, leds

READY = LedFacts()


@pytest.mark.req("R10", "R11", "R12", "R13")
@pytest.mark.parametrize(
    ("mode", "phase", "light"),
    [
        (Mode.NORMAL, Phase.INITIALISING, Light.OFF),
        (Mode.NORMAL, Phase.STARTING, Light.BLINK),
        (Mode.NORMAL, Phase.READY, Light.ON),
        (Mode.SOFT, Phase.INITIALISING, Light.OFF),
        (Mode.SOFT, Phase.STARTING, Light.HEARTBEAT),
        (Mode.SOFT, Phase.READY, Light.HEARTBEAT),
    ],
)
def test_the_power_light(mode: Mode, phase: Phase, light: Light) -> None:
    """R10 off, R11 blink, R12 on, R13 heartbeat."""
    assert leds(replace(READY, mode=mode, phase=phase)).pwr is light


@pytest.mark.req("R14")
@pytest.mark.parametrize(
    ("channel", "light"),
    [
        (Channel.DOWN, Light.OFF),
        (Channel.CONNECTING, Light.BLINK),
        (Channel.QUALITY_SEAL, Light.BLINK),
        (Channel.OPERATIONAL, Light.ON),
    ],
)
def test_the_light_of_the_channel(channel: Channel, light: Light) -> None:
    """R14: all four."""
    assert leds(replace(READY, channel=channel)).tls is light


@pytest.mark.req("R15", "R18", "R19")
@pytest.mark.parametrize(
    ("facts", "light"),
    [
        ({}, Light.OFF),
        ({"has_addresses": True}, Light.ON),
        ({"time_invalid": True}, Light.OFF),
        ({"has_addresses": True, "time_invalid": True}, Light.BLINK),
        ({"is_overloaded": True}, Light.HEARTBEAT),
        (
            {"is_overloaded": True, "has_addresses": True, "time_invalid": True},
            Light.HEARTBEAT,
        ),
    ],
)
def test_the_light_of_the_meters(facts: dict[str, bool], light: Light) -> None:
    """R15 an address, R18 overload, R19 invalid time but only with an address."""
    assert leds(replace(READY, **facts)).lmc is light  # type: ignore[arg-type]


@pytest.mark.req("R16", "R17")
def test_wireless_records_flash_and_all_blink_when_it_is_over() -> None:
    """R16: with each record; R17: all four, whatever else holds."""
    assert leds(replace(READY, telegram_came=True)).wmt is Light.FLASH
    assert leds(READY).wmt is Light.OFF
    over = leds(
        LedFacts(Mode.HARD, Phase.INITIALISING, Channel.OPERATIONAL, True, True)
    )
    assert over == Leds(Light.BLINK, Light.BLINK, Light.BLINK, Light.BLINK)


@pytest.fixture
def class_device(tmp_path: Path) -> Path:
    folder = tmp_path / "leds" / "pwr"
    folder.mkdir(parents=True)
    for name in ("trigger", "brightness", "delay_on", "delay_off", "shot"):
        (folder / name).write_text("")
    (folder / "max_brightness").write_text("255\n")
    return folder


def written(folder: Path) -> dict[str, str]:
    found = {path.name: path.read_text() for path in folder.iterdir()}
    for path in folder.iterdir():
        if path.name != "max_brightness":
            path.write_text("")
    return {name: text for name, text in found.items() if text != "255\n" and text}


def shown(light: Light) -> Leds:
    return Leds(pwr=light, tls=Light.OFF, lmc=Light.OFF, wmt=Light.OFF)


def test_a_light_of_the_kernel_uses_its_triggers(class_device: Path) -> None:
    devices = LedDevices({"pwr": class_device})
    blink = {"trigger": "timer", "delay_on": "500", "delay_off": "500"}
    for light, files in [
        (Light.OFF, {"trigger": "none", "brightness": "0"}),
        (Light.BLINK, blink),
        (Light.BLINK, {}),  # it blinks already
        (Light.ON, {"trigger": "none", "brightness": "255"}),
        (Light.HEARTBEAT, {"trigger": "heartbeat"}),
        (Light.FLASH, {"trigger": "oneshot", "delay_on": "80", "shot": "1"}),
        (Light.FLASH, {"shot": "1"}),
        (Light.OFF, {"trigger": "none", "brightness": "0"}),
    ]:
        devices.show(shown(light), tick=0)
        assert written(class_device) == files, light


def test_a_plain_line_is_switched(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("")
    devices = LedDevices({"pwr": tmp_path})

    def course(light: Light) -> str:
        values = []
        for tick in range(8):
            devices.show(shown(light), tick=tick)
            values.append((tmp_path / "value").read_text())
        return "".join(values)

    assert course(Light.ON) == "11111111"
    assert course(Light.OFF) == "00000000"
    assert course(Light.BLINK) == "10101010"
    assert course(Light.HEARTBEAT) == "10001000"


def test_a_light_that_is_gone_is_told_once_and_shown_when_it_is_back(
    class_device: Path, caplog: pytest.LogCaptureFixture
) -> None:
    devices = LedDevices({"pwr": class_device, "tls": class_device.parent / "none"})
    for _ in range(3):
        devices.show(shown(Light.ON), tick=0)
    assert len(caplog.records) == 1
    away = class_device.rename(class_device.parent / "away")
    devices.show(shown(Light.BLINK), tick=0)
    away.rename(class_device)
    devices.show(shown(Light.BLINK), tick=0)
    assert written(class_device)["trigger"] == "timer"


def test_the_mapping_is_read_strictly() -> None:
    text = "pwr=/sys/class/leds/pwr, wmt=/sys/class/leds/wmt,"
    assert parse_mapping(text) == {
        "pwr": Path("/sys/class/leds/pwr"),
        "wmt": Path("/sys/class/leds/wmt"),
    }
    for wrong in ("pwr", "xyz=/a", "pwr=a", "pwr=/a,pwr=/b"):
        with pytest.raises(ValueError, match=r"pwr|xyz"):
            parse_mapping(wrong)
