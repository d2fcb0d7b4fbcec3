"""Wireless meters from the air to their lists."""

from datetime import datetime, timedelta

import pytest

from hardware.gateway import Gateway
from hardware.record import registers_of
from hardware.simulator.scenario import Fault, FaultKind, Scenario
from hardware.simulator.wireless_meter import SimulatedWirelessMeter
from hardware.status_word import (
    LATER_METER_ERROR,
    LATER_WIRELESS,
    NOT_FOR_BILLING,
    gateway_word,
    is_placeholder,
    ptb_status,
)
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.selectors import consumer_log
from meters.kept_telegrams import MOST_A_MINUTE
from meters.meter_changes import MeterChange, change_meter
from meters.models import (
    KeptTelegram,
    LiveReading,
    Meter,
    OriginalRecord,
    RadioPort,
    UnknownMeter,
    WirelessCounter,
    WirelessFormat,
)
from tests.meters.builders import NOON
from tests.meters.radio_plant import PORT, RadioPlant, a_sender, configured

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


def clock(instant: datetime) -> str:
    return f"{instant:%H:%M}"


def faults(
    sender: SimulatedWirelessMeter, *planned: tuple[FaultKind, int, int]
) -> Scenario:
    """Faults of one meter, from and to in minutes from noon."""
    who = sender.address.server_id
    return Scenario(
        Fault(kind, NOON + begin * MINUTE, NOON + end * MINUTE, who)
        for kind, begin, end in planned
    )


def a_plant(
    gateway: Gateway,
    sender: SimulatedWirelessMeter | None = None,
    scenario: Scenario | None = None,
    **more: object,
) -> tuple[RadioPlant, SimulatedWirelessMeter]:
    sender = sender or a_sender()
    plant = RadioPlant(gateway, [sender], scenario=scenario)
    configured(plant.gateway, sender, **more)
    plant.start()
    return plant, sender


def consumer_entries(plant: RadioPlant) -> list[tuple[str, int, int, str]]:
    entries = consumer_log("meier", begin=NOON - QUARTER, end=NOON + 20 * QUARTER)
    return [
        (f"{e.recorded_at:%H:%M:%S}", e.event_id, e.event_sub_id, e.text)
        for e in reversed(list(entries))
    ]


@pytest.mark.req("R9", "R5")
def test_four_media_come_into_their_lists(gateway: Gateway) -> None:
    """R9, R5: each boundary has the meter's exact counters, nearest telegram wins."""
    media = ("electricity", "gas", "heat", "water")
    senders = [a_sender(medium, n) for n, medium in enumerate(media, 1)]
    plant = RadioPlant(gateway, senders)
    for sender in senders:
        configured(plant.gateway, sender)
    plant.start()
    plant.run(NOON + QUARTER + MINUTE)
    for sender in senders:
        rows = plant.rows(sender)
        assert [row.target_time for row in rows] == [NOON, NOON + QUARTER]
        for row in rows:
            assert abs(row.capture_time - row.target_time) <= timedelta(seconds=11)
            assert registers_of(row.registers) == sender.registers_at(row.capture_time)
            assert row.later_bits == LATER_WIRELESS
            assert ptb_status(row.status) == 0
            assert not gateway_word(row.status) & NOT_FOR_BILLING
    assert plant.hints


def test_the_latest_value_is_shown_with_all_registers(gateway: Gateway) -> None:
    plant, sender = a_plant(gateway, a_sender("water"))
    plant.run(NOON - MINUTE)
    live = LiveReading.objects.get()
    (counter,) = sender.registers_at(live.captured_at)
    shown = registers_of(live.registers)
    assert counter in shown
    assert len(shown) == 2  # and the flow


def test_mode_5_is_taken_when_the_profile_says_so_and_not_for_billing(
    gateway: Gateway,
) -> None:
    plant, sender = a_plant(gateway, a_sender(mode=5))
    plant.run(NOON + MINUTE)
    (row,) = plant.rows(sender)
    assert gateway_word(row.status) & NOT_FOR_BILLING
    assert any("ohne LMN-Sicherung" in entry[3] for entry in consumer_entries(plant))


def test_mode_5_is_refused_where_mode_7_is_demanded(gateway: Gateway) -> None:
    plant, sender = a_plant(gateway, a_sender(mode=5), security="mode7")
    plant.run(NOON + MINUTE)
    assert not plant.rows(sender)
    assert not LiveReading.objects.exists()
    kept = KeptTelegram.objects.filter(reason__startswith="plain")
    assert {one.reason for one in kept} == {"plain: security mode 5, demanded is mode7"}
    assert not any(bytes(one.payload) for one in kept)


def test_a_meter_with_a_14_character_id_is_found_by_its_address(
    gateway: Gateway,
) -> None:
    sender = a_sender("gas")
    plant, sender = a_plant(
        gateway, sender, meter_id="7sim0000000001", server_id=sender.address.raw.hex()
    )
    plant.run(NOON + MINUTE)
    (row,) = plant.rows(sender)
    assert row.meter_id == "7sim0000000001"
    assert row.meter.medium == 7


def test_a_row_of_the_table_may_be_another_one(gateway: Gateway) -> None:
    rule = {"dib": "0C", "vib": "13", "obis": "7-0:3.1.0*255"}
    plant, sender = a_plant(gateway, obis_rules=[rule])
    plant.run(NOON + MINUTE)
    (row,) = plant.rows(sender)
    assert [str(r.obis) for r in registers_of(row.registers)] == ["7-0:3.1.0*255"]


# --- restarts -------------------------------------------------------------------------


def test_a_restart_takes_no_old_telegram_and_forgets_no_format(
    gateway: Gateway,
) -> None:
    plant, sender = a_plant(gateway)
    plant.run(NOON + 2 * MINUTE)
    counter = WirelessCounter.objects.get()
    assert counter.address == sender.address.meter_id
    assert WirelessFormat.objects.count() == 2  # with and without profile
    KeptTelegram.objects.all().delete()
    plant.start()  # nothing is in memory now
    plant.interface.step()
    plant.send_again([sender], NOON - 2 * MINUTE)
    plant.run(NOON + 3 * MINUTE)
    reasons = [kept.reason.split(":")[0] for kept in KeptTelegram.objects.all()]
    assert reasons == ["replay"] * MOST_A_MINUTE
    assert WirelessCounter.objects.get().value == counter.value + 60


def changed_key(plant: RadioPlant, sender: SimulatedWirelessMeter, key: bytes) -> None:
    meter = Meter.objects.get(server_id=sender.address.server_id.hex())
    change = MeterChange(
        meter.name, meter.port, meter.baudrate, False, True, master_key=key
    )
    change_meter(plant.gateway, meter.pk, change, now=plant.clock.now())
    plant.interface.spec = plant.spec()


@pytest.mark.req("R5")
def test_a_new_key_counts_at_once_and_its_counter_begins_anew(
    gateway: Gateway,
) -> None:
    """R5: the meter side goes on with the key that the administrator wrote last."""
    plant, sender = a_plant(gateway)
    plant.run(NOON + 2 * MINUTE)
    before = WirelessCounter.objects.get().value
    rekeyed = SimulatedWirelessMeter(
        sender.address, bytes(16), installed_at=NOON - QUARTER
    )
    changed_key(plant, sender, rekeyed.key)
    plant.send_again([rekeyed], plant.clock.now())
    plant.run(NOON + 16 * MINUTE)
    assert 0 < WirelessCounter.objects.get().value < before
    last = plant.rows(sender)[-1]
    assert last.target_time == NOON + QUARTER
    assert not is_placeholder(last.status)


def test_the_same_key_written_again_opens_no_door_to_old_telegrams(
    gateway: Gateway,
) -> None:
    plant, sender = a_plant(gateway)
    plant.run(NOON + 2 * MINUTE)
    counter = WirelessCounter.objects.get().value
    changed_key(plant, sender, sender.key)
    assert WirelessCounter.objects.get().value == counter
    KeptTelegram.objects.all().delete()
    plant.send_again([sender], NOON - 2 * MINUTE)
    plant.run(NOON + 2 * MINUTE + timedelta(seconds=5))
    reasons = {kept.reason.split(":")[0] for kept in KeptTelegram.objects.all()}
    assert reasons == {"replay"}


def test_a_wait_that_ended_during_an_outage_gives_placeholders(
    gateway: Gateway,
) -> None:
    plant, sender = a_plant(gateway)
    plant.run(NOON + MINUTE)
    plant.clock.set(NOON + 6 * QUARTER)
    plant.start()
    plant.run(NOON + 6 * QUARTER + 5 * MINUTE)
    rows = plant.rows(sender)
    shown = [(clock(row.target_time), is_placeholder(row.status)) for row in rows]
    # What is still open is filled by the first profile; the last one was heard itself.
    assert shown == [
        ("12:00", False),
        ("12:15", True),
        ("12:30", True),
        ("12:45", True),
        ("13:00", False),
        ("13:15", False),
        ("13:30", False),
    ]


# --- boundaries -----------------------------------------------------------------------


@pytest.mark.req("R31")
def test_a_profile_fills_boundaries_that_are_open(gateway: Gateway) -> None:
    """R31: silent over two boundaries, the profile brings both with their own times."""
    sender = a_sender()
    plant, sender = a_plant(gateway, sender, faults(sender, (FaultKind.SILENCE, 5, 35)))
    plant.run(NOON + 34 * MINUTE)
    assert len(plant.rows(sender)) == 1
    plant.run(NOON + 40 * MINUTE)
    rows = plant.rows(sender)
    assert [row.target_time for row in rows] == [NOON + n * QUARTER for n in range(3)]
    for row in rows[1:]:
        assert row.capture_time == row.target_time
        assert registers_of(row.registers) == sender.registers_at(row.target_time)
    assert not any(is_placeholder(row.status) for row in rows)


def test_after_three_periods_the_placeholder_is_final(gateway: Gateway) -> None:
    sender = a_sender()
    plant, sender = a_plant(gateway, sender, faults(sender, (FaultKind.SILENCE, 5, 62)))
    plant.run(NOON + 59 * MINUTE)
    assert len(plant.rows(sender)) == 1
    plant.run(NOON + 61 * MINUTE)
    first, gap = plant.rows(sender)
    assert (gap.target_time, is_placeholder(gap.status)) == (NOON + QUARTER, True)
    assert gap.registers == first.registers
    assert gap.later_bits == LATER_WIRELESS
    plant.run(NOON + 70 * MINUTE)
    shown = [is_placeholder(row.status) for row in plant.rows(sender)]
    assert shown == [False, True, False, False, False]
    gaps = [entry for entry in consumer_entries(plant) if "kein Messwert" in entry[3]]
    assert [entry[:3] for entry in gaps] == [("13:00:00", 19006, 1)]


@pytest.mark.req("R24")
def test_lasting_silence_is_an_alarm_that_ends(gateway: Gateway) -> None:
    """R24: four boundaries in a row without a value."""
    sender = a_sender()
    silence = faults(sender, (FaultKind.SILENCE, 5, 125))
    plant, sender = a_plant(gateway, sender, silence)
    plant.run(NOON + 104 * MINUTE)
    assert not open_alarms().filter(kind=AlarmKind.METER_ABSENT)
    plant.run(NOON + 106 * MINUTE)
    (alarm,) = open_alarms().filter(kind=AlarmKind.METER_ABSENT)
    assert (alarm.subject, alarm.code) == (sender.address.meter_id, 100706)
    plant.run(NOON + 136 * MINUTE)
    assert not open_alarms()


# --- what is told ---------------------------------------------------------------------


@pytest.mark.req("R27")
@pytest.mark.parametrize(
    ("bits", "sub_id", "verdict", "later"),
    [
        (0x08, 2, 4, LATER_WIRELESS | LATER_METER_ERROR),
        (0x10, 1, 1, LATER_WIRELESS),
        (0x03, 1, 1, LATER_WIRELESS | LATER_METER_ERROR),
        (0x04, None, 0, LATER_WIRELESS),
    ],
)
def test_the_status_byte_is_told_and_marked(
    gateway: Gateway, bits: int, sub_id: int | None, verdict: int, later: int
) -> None:
    """R27: permanent is fatal (1011/2), other errors temporary (1011/1), once each."""
    sender = a_sender()
    who = sender.address.server_id
    begin, end = NOON - MINUTE, NOON + MINUTE
    fault = Fault(FaultKind.STATUS, begin, end, who, bits=bits)
    plant, sender = a_plant(gateway, sender, Scenario([fault]))
    plant.run(NOON + QUARTER + MINUTE)
    first, second = plant.rows(sender)
    assert (ptb_status(first.status), first.later_bits) == (verdict, later)
    assert (ptb_status(second.status), second.later_bits) == (0, LATER_WIRELESS)
    told = [entry[1:3] for entry in consumer_entries(plant) if entry[1] == 1011]
    assert told == ([] if sub_id is None else [(1011, sub_id)])


@pytest.mark.req("R25")
def test_replay_wrong_key_noise_and_silence_are_told_exactly(
    gateway: Gateway,
) -> None:
    """R25: refused telegrams are told once each, repeated ones raise an alarm."""
    sender = a_sender()
    scenario = faults(
        sender,
        (FaultKind.REPLAY, 2, 4),
        (FaultKind.WRONG_KEY, 5, 14),
        (FaultKind.NOISE, 16, 17),
        (FaultKind.SILENCE, 18, 80),
    )
    plant, sender = a_plant(gateway, sender, scenario)
    plant.run(NOON + 90 * MINUTE - MINUTE)
    meter = sender.address.meter_id
    refused = f"Telegramm des Zählers {meter} abgewiesen: "
    gap = f"kein Messwert im Empfangszeitfenster (Zähler {meter})"
    told = [entry for entry in consumer_entries(plant) if entry[1] == 19006]
    assert [(at, sub_id, text.split(": ", 1)[1]) for at, _, sub_id, text in told] == [
        (at, 1, text)
        for at, text in [
            *[(told[0][0], f"{refused}Nachrichtenzähler schon verwendet")],
            *[(told[1][0], f"{refused}Prüfwert der Nachricht (MAC) falsch")],
            ("13:15:00", gap),
        ]
    ]
    assert [told[0][0][:5], told[1][0][:5]] == ["12:02", "12:05"]
    assert [
        (clock(row.target_time), is_placeholder(row.status))
        for row in plant.rows(sender)
    ] == [
        ("12:00", False),
        ("12:15", False),
        ("12:30", True),
        ("12:45", False),
        ("13:00", False),
        ("13:15", False),
    ]
    reasons = {kept.reason.split(":")[0] for kept in KeptTelegram.objects.all()}
    assert reasons == {"replay", "mac"}
    for row in plant.rows(sender):
        if not is_placeholder(row.status):
            counted = sender.registers_at(row.capture_time)
            assert registers_of(row.registers) == counted


def test_repeated_refusals_are_an_alarm_that_ends(gateway: Gateway) -> None:
    sender = a_sender()
    scenario = faults(sender, (FaultKind.WRONG_KEY, 1, 9))
    plant, sender = a_plant(gateway, sender, scenario)
    plant.run(NOON + 9 * MINUTE)
    (alarm,) = open_alarms()
    assert alarm.kind == AlarmKind.TRANSPORT_ERRORS
    assert alarm.subject == sender.address.meter_id
    plant.run(NOON + 30 * MINUTE)
    assert not open_alarms()


@pytest.mark.req("R16")
def test_each_good_telegram_of_ours_is_counted(gateway: Gateway) -> None:
    """R16: three telegrams, three flashes of wMT to come."""
    plant, _ = a_plant(gateway)
    plant.run(NOON + MINUTE)
    before = RadioPort.objects.get(pk=PORT).received
    plant.run(NOON + 2 * MINUTE)
    assert RadioPort.objects.get(pk=PORT).received == before + 3


def test_meters_of_others_are_listed_and_not_decoded(gateway: Gateway) -> None:
    own, other = a_sender(number=1), a_sender("water", number=2)
    plant = RadioPlant(gateway, [own, other])
    configured(plant.gateway, own)
    plant.start()
    plant.run(NOON + 2 * MINUTE)
    (unknown,) = UnknownMeter.objects.all()
    assert unknown.server_id == other.address.server_id.hex()
    assert unknown.port == PORT
    assert unknown.rssi_dbm is not None and unknown.rssi_dbm < -40
    assert {row.meter_id for row in OriginalRecord.objects.all()} == {
        own.address.meter_id
    }
    heads = {kept.header for kept in KeptTelegram.objects.all()}
    assert all(own.address.raw.hex() in head for head in heads)


# --- the module -----------------------------------------------------------------------


def told_codes(plant: RadioPlant) -> list[int]:
    return [code for _, code in plant.system_log() if 200_000 < code < 201_000]


@pytest.mark.req("R29")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_silent": True}, 200504),
        ({"answers_short": True}, 200507),
        ({"module": 0x42}, 200505),
        ({"firmware": 0x13}, 200506),
        ({"firmware": 0xFF}, 200509),
        ({"refuses_mode": True}, 200702),
    ],
)
def test_a_module_that_fails_is_told_once_and_comes_back(
    gateway: Gateway, changes: dict[str, int], code: int
) -> None:
    """R29: one code per fault, and an alarm until it works."""
    plant, _ = a_plant(gateway)
    sound = {name: getattr(plant.faults, name) for name in changes}
    for name, value in changes.items():
        setattr(plant.faults, name, value)
    plant.run(NOON + 30 * timedelta(seconds=1))
    assert told_codes(plant) == [code]
    (alarm,) = open_alarms()
    assert (alarm.kind, alarm.subject) == (AlarmKind.INTERFACE_MISSING, PORT)
    for name, value in sound.items():
        setattr(plant.faults, name, value)
    plant.run(NOON + 2 * MINUTE)
    assert not open_alarms()
    assert LiveReading.objects.exists()


@pytest.mark.req("R26", "R29")
def test_a_stick_that_is_pulled_comes_back_by_itself(gateway: Gateway) -> None:
    """R26, R29: 200701, an alarm, and the meter is heard again."""
    unplugged = Fault(FaultKind.UNPLUGGED, NOON + MINUTE, NOON + 3 * MINUTE)
    plant, sender = a_plant(gateway, None, Scenario([unplugged]))
    plant.run(NOON + 2 * MINUTE)
    assert told_codes(plant) == [200701]
    assert open_alarms().count() == 1
    plant.run(NOON + QUARTER + MINUTE)
    assert told_codes(plant) == [200701]
    assert not open_alarms()
    assert len(plant.rows(sender)) == 2


@pytest.mark.req("R29")
def test_a_module_that_falls_silent_is_restarted(gateway: Gateway) -> None:
    """R29: asked after a minute, restarted; 200504, and 200710 when that fails."""
    plant, _ = a_plant(gateway)
    plant.run(NOON)
    plant.faults.is_silent = True
    plant.run(NOON + 2 * MINUTE)
    assert told_codes(plant)[:2] == [200504, 200710]
    plant.faults.is_silent = False
    plant.run(NOON + 4 * MINUTE)
    assert not open_alarms()
    assert LiveReading.objects.get().captured_at > NOON + 2 * MINUTE


def test_quiet_air_is_no_fault(gateway: Gateway) -> None:
    sender = a_sender()
    silence = faults(sender, (FaultKind.SILENCE, -1, 20))
    plant, _ = a_plant(gateway, sender, silence)
    plant.run(NOON + 10 * MINUTE)
    assert told_codes(plant) == []
    assert not open_alarms()


@pytest.mark.req("R29")
def test_an_amb8465_that_answers_wrong_is_told_and_comes_back(
    gateway: Gateway,
) -> None:
    """R29: 200507, and an alarm until it answers as it should."""
    sender = a_sender()
    plant = RadioPlant(gateway, [sender], stick="amb8465")
    configured(plant.gateway, sender, stick="amb8465")
    plant.faults.answers_short = True
    plant.start()
    plant.run(NOON)
    assert told_codes(plant) == [200507]
    (alarm,) = open_alarms()
    assert (alarm.kind, alarm.subject) == (AlarmKind.INTERFACE_MISSING, PORT)
    plant.faults.answers_short = False
    plant.run(NOON + 2 * MINUTE)
    assert not open_alarms()
    assert told_codes(plant) == [200507]
    assert LiveReading.objects.exists()


@pytest.mark.parametrize("stick", ["amb8465", "cul"])
def test_other_sticks_do_the_same(gateway: Gateway, stick: str) -> None:
    sender = a_sender()
    plant = RadioPlant(gateway, [sender], stick=stick)
    configured(plant.gateway, sender, stick=stick)
    plant.start()
    plant.run(NOON + MINUTE)
    (row,) = plant.rows(sender)
    assert registers_of(row.registers) == sender.registers_at(row.capture_time)
