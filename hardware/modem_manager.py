"""The modems of this machine, as ModemManager shows them over D-Bus.

Only read, never changed. A signal says that something has changed; what is the case
then is asked for, so nothing hangs on the order of signals.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from typing import Any

from jeepney import (
    DBusAddress,
    DBusErrorResponse,
    MatchRule,
    Message,
    Properties,
    message_bus,
    new_method_call,
)
from jeepney.io.asyncio import DBusRouter, open_dbus_router
from jeepney.io.common import RouterClosed
from jeepney.wrappers import unwrap_msg

from hardware.mobile_network import LogOff, Modem, log_off

NAME, ROOT = "org.freedesktop.ModemManager1", "/org/freedesktop/ModemManager1"
SYSTEM_BUS = "SYSTEM"
_MODEM, _BEARER = f"{NAME}.Modem", f"{NAME}.Bearer"
_3GPP, _SIGNAL = f"{_MODEM}.Modem3gpp", f"{_MODEM}.Signal"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_USER_REQUESTED = 1
_MOST_WAITING = 256
ANSWER_S, LOOK_EVERY_S, SETTLES_S = 10.0, 60.0, 1.0

Modems = Mapping[str, Modem]
"""By object path."""


class BusFailed(Exception):
    """There is no bus, or it has gone."""


async def log_offs(
    bus: str = SYSTEM_BUS, *, settles_s: float = SETTLES_S
) -> AsyncIterator[LogOff | None]:
    """The reason of each log-off from now on; None once, when it is looked at all.

    `settles_s` is how long it must be quiet before the state is read. Raises BusFailed
    when the bus is not there or not any more; where ModemManager is not, nothing comes.
    """
    try:
        async with open_dbus_router(bus) as router:
            async for reason in _watched(router, settles_s):
                yield reason
    except (OSError, EOFError, RouterClosed, TimeoutError) as error:
        raise BusFailed(str(error) or type(error).__name__) from None


async def _watched(
    router: DBusRouter, settles_s: float
) -> AsyncIterator[LogOff | None]:
    signals: asyncio.Queue[Message] = asyncio.Queue(_MOST_WAITING)
    with ExitStack() as filters:
        for told, seen in _rules():
            filters.enter_context(router.filter(seen, queue=signals))
            await _ask(router, message_bus.AddMatch(told))
        before = await modems(router)
        yield None
        while True:
            wanted = await _changed(signals, settles_s)
            after = await modems(router)
            for path, modem in before.items():
                is_wanted = path in wanted
                reason = log_off(modem, after.get(path), is_wanted=is_wanted)
                if reason is not None:
                    yield reason
            before = after


def _rules() -> list[tuple[MatchRule, MatchRule]]:
    """What the bus shall tell, and how it is known when it comes.

    The bus checks the sender's name; what comes bears his number instead.
    """
    told = MatchRule(type="signal", sender=NAME, path_namespace=ROOT)
    owner = MatchRule(
        type="signal", interface="org.freedesktop.DBus", member="NameOwnerChanged"
    )
    owner.add_arg_condition(0, NAME)
    return [(told, MatchRule(type="signal", path_namespace=ROOT)), (owner, owner)]


async def _changed(signals: "asyncio.Queue[Message]", settles_s: float) -> set[str]:
    """Wait for signals and until they have ended; which modems were told to log off.

    Also now and then without any: a bus that has gone is noticed by asking.
    """
    wanted: set[str] = set()
    wait_s = LOOK_EVERY_S
    while True:
        try:
            async with asyncio.timeout(wait_s):
                signal = await signals.get()
        except TimeoutError:
            return wanted
        wait_s = settles_s
        if _is_wanted(signal):
            wanted.add(str(_field(signal, "path")))


def _is_wanted(signal: Message) -> bool:
    """StateChanged (old, new, reason) with the reason that somebody asked for it."""
    names = _field(signal, "interface"), _field(signal, "member")
    if names != (_MODEM, "StateChanged") or len(signal.body) != 3:
        return False
    return bool(signal.body[2] == _USER_REQUESTED)


def _field(message: Message, name: str) -> Any:
    fields = {key.name: value for key, value in message.header.fields.items()}
    return fields.get(name)


async def modems(router: DBusRouter) -> Modems:
    """Every modem as it is now; empty without ModemManager."""
    manager = DBusAddress(ROOT, bus_name=NAME, interface=_OBJECTS)
    try:
        (found,) = await _ask(router, new_method_call(manager, "GetManagedObjects"))
        return {
            path: await _modem(router, interfaces)
            for path, interfaces in found.items()
            if _MODEM in interfaces
        }
    except DBusErrorResponse:
        return {}


async def _modem(
    router: DBusRouter, interfaces: Mapping[str, Mapping[str, Any]]
) -> Modem:
    """From `{interface: {property: (signature, value)}}`."""
    shown = _values(interfaces[_MODEM])
    network = _values(interfaces.get(_3GPP, {}))
    bearers = [await _bearer(router, path) for path in shown.get("Bearers", ())]
    percent, _is_recent = shown.get("SignalQuality", (None, False))
    return Modem(
        state=shown.get("State", 0),
        failed_reason=shown.get("StateFailedReason", 0),
        registration=network.get("RegistrationState"),
        packet_service=network.get("PacketServiceState"),
        signal_percent=percent,
        quality_db=_quality(_values(interfaces.get(_SIGNAL, {}))),
        has_address=any(_has_address(one) for one in bearers),
        error=next((one for one in map(_error, bearers) if one), ""),
    )


async def _bearer(router: DBusRouter, path: str) -> dict[str, Any]:
    """What a connection shows; nothing when it has just gone."""
    address = DBusAddress(path, bus_name=NAME, interface=_BEARER)
    try:
        (found,) = await _ask(router, Properties(address).get_all())
    except DBusErrorResponse:
        return {}
    return _values(found)


def _has_address(bearer: Mapping[str, Any]) -> bool:
    """Given (static), or to be fetched by PPP or DHCP (MMBearerIpMethod 1 to 3)."""
    configurations = (
        _values(bearer.get(name, {})) for name in ("Ip4Config", "Ip6Config")
    )
    return bool(bearer.get("Connected")) and any(
        one.get("address") or one.get("method") in (1, 3) for one in configurations
    )


def _error(bearer: Mapping[str, Any]) -> str:
    name, _message = bearer.get("ConnectionError", ("", ""))
    return str(name)


def _quality(signal: Mapping[str, Any]) -> float | None:
    """RSRQ in dB of 4G or 5G, where the modem measures it."""
    found = (_values(signal.get(name, {})).get("rsrq") for name in ("Lte", "Nr5g"))
    return next((one for one in found if one is not None), None)


def _values(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Without the signatures that D-Bus puts beside the values of a{sv}."""
    return {name: value for name, (_signature, value) in properties.items()}


async def _ask(router: DBusRouter, message: Message) -> tuple[Any, ...]:
    async with asyncio.timeout(ANSWER_S):
        body: tuple[Any, ...] = unwrap_msg(await router.send_and_get_reply(message))
    return body
