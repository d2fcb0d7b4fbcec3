"""A whole wired meter with security: it pairs by SYM, then talks TLS only."""

from collections.abc import Sequence

from hardware.lmn_addresses import SAP_PLAIN, SAP_SYM, SAP_TLS
from hardware.simulator.bus_station import BusStation
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.meter_security import MeterSecurity
from hardware.simulator.secondary_link import Manners, ServicePoint
from hardware.simulator.sml_answers import SmlApplication
from hardware.simulator.sym_meter import GROUPS, SymMeter
from hardware.simulator.tls_meter import TlsMeter
from hardware.simulator.written_certificates import WrittenCertificates
from hardware.tls_records import frame_pieces


class SecuredStation(BusStation):
    """A simulated meter that holds a master key.

    Before it is paired it answers plain SML, afterwards TLS only; it can be paired
    again at any time by whoever has its key. `groups` are its TLS groups.
    """

    def __init__(
        self,
        meter: SimulatedMeter,
        security: MeterSecurity,
        *,
        groups: Sequence[int] = GROUPS,
        answer_delay_s: float = 0.0,
        manners: Manners | None = None,
    ) -> None:
        self.meter = meter
        self.security = security
        self.plain = SmlApplication(meter)
        self.secured = SmlApplication(meter, write=WrittenCertificates(security))
        self.tls = TlsMeter(security, self.secured)
        pairing = SymMeter(meter.server_id, security, groups)
        services = {
            SAP_PLAIN: ServicePoint(self.plain, is_open=lambda: not security.is_paired),
            SAP_TLS: ServicePoint(
                self.tls,
                is_open=lambda: security.is_paired,
                begin=self.tls.begin,
                cut=frame_pieces,
            ),
            SAP_SYM: ServicePoint(pairing),
        }
        super().__init__(meter.server_id, services, manners or Manners(answer_delay_s))
