"""What TAF9, TAF10 and TAF14 have beside their inputs: aggregates and triggers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal

PERIODIC, THRESHOLD, ON_DEMAND, AD_HOC = "periodic", "threshold", "on_demand", "ad_hoc"
DEFAULT_TRIGGERS = (PERIODIC, ON_DEMAND)
FUNCTIONS = ("min", "max", "mean")
LEAST_PAUSE_S = 60

Direction = Literal["over", "under"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Minimum, maximum or mean of an input over windows of `window_s` seconds."""

    obis: str
    function: str
    window_s: int = 900


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit of an input, in its unit; exact numbers as text (tafs.md 9).

    Back inside is `hysteresis` on the other side of the limit; `min_hold` valid values
    in a row must be outside; after it fired it is quiet for `min_interval_s`.
    """

    obis: str
    direction: str
    limit: str
    hysteresis: str = "0"
    min_hold: int = 1
    min_interval_s: int = LEAST_PAUSE_S

    @property
    def exact_limit(self) -> Decimal:
        """The limit as a number."""
        return Decimal(self.limit)

    @property
    def exact_hysteresis(self) -> Decimal:
        """The hysteresis as a number."""
        return Decimal(self.hysteresis)


@dataclass(frozen=True, slots=True)
class InstantSpec:
    """Aggregates, thresholds, and what sends values; OBIS codes in any written form."""

    aggregates: tuple[Aggregate, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    triggers: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON; `instant_spec_of` reads it."""
        return {
            "aggregates": [asdict(one) for one in self.aggregates],
            "thresholds": [asdict(one) for one in self.thresholds],
            "triggers": list(self.triggers),
        }


def instant_spec_of(document: Mapping[str, Any]) -> InstantSpec:
    """The spec that was stored as this document."""
    return InstantSpec(
        aggregates=tuple(Aggregate(**one) for one in document.get("aggregates", ())),
        thresholds=tuple(Threshold(**one) for one in document.get("thresholds", ())),
        triggers=tuple(document.get("triggers", ())),
    )
