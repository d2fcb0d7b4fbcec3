"""A whole wired meter: registers, SML application and station on the bus."""

from hardware.lmn_addresses import SAP_PLAIN
from hardware.simulator.bus_station import BusStation
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.secondary_link import Manners, ServicePoint
from hardware.simulator.sml_answers import SmlApplication


class SimulatedStation(BusStation):
    """A simulated meter on the bus that speaks plain SML.

    It answers after `answer_delay_s` (`manners` say it in more detail), with values
    that were taken `value_age_s` before.
    """

    def __init__(
        self,
        meter: SimulatedMeter,
        *,
        answer_delay_s: float = 0.0,
        manners: Manners | None = None,
        value_age_s: int = 0,
    ) -> None:
        self.meter = meter
        self.application = SmlApplication(meter, value_age_s=value_age_s)
        super().__init__(
            meter.server_id,
            {SAP_PLAIN: ServicePoint(self.application)},
            manners or Manners(answer_delay_s),
        )
