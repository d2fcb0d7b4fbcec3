"""What the processes know of themselves, gathered for the technician's pages."""

from collections.abc import Mapping

from casa_site import status
from casa_site.due_work import oldest_due
from casa_site.led_role import facts_of
from casa_site.service_network import ServiceNetwork
from hardware.gateway import Gateway
from hardware.leds import LedFacts
from portal.service_facts import ProcessFact, ServiceFacts


def service_facts(gateway: Gateway, listening: Mapping[str, str]) -> ServiceFacts:
    """The facts of a running gateway; `listening` says where it can be reached."""
    return ServiceFacts(
        led_facts=lambda: _led_facts(gateway),
        processes=lambda: _processes(gateway),
        queues=status.queue_depths,
        oldest_due=lambda now: oldest_due(now=now),
        is_encrypted=status.is_encrypted,
        listening=listening,
        han_network=ServiceNetwork(),
    )


def _led_facts(gateway: Gateway) -> LedFacts:
    return facts_of(
        gateway.state,
        time_is_valid=gateway.clock.is_valid,
        supply_input=gateway.supply_input,
    )


def _processes(gateway: Gateway) -> list[ProcessFact]:
    return [
        ProcessFact(one["name"], one["state"], one["starts"])
        for one in status.services(gateway.state)
    ]
