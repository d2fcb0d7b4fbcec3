"""What every group of figures gets: a gateway of its own, and how much to measure."""

from dataclasses import dataclass

from casa_site.bench.scale import Scale
from hardware.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmarks; `gateway` is new, its state folder goes afterwards."""

    gateway: Gateway
    scale: Scale
