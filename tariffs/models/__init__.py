"""Evaluation profiles, derived lists, dispatches."""

from tariffs.models.derived import DerivedRecord
from tariffs.models.dispatch import Dispatch
from tariffs.models.on_demand import OnDemandDelivery
from tariffs.models.outbox import OWED_STATES, OutboxRow
from tariffs.models.participant import MarketParticipant
from tariffs.models.price import PriceRow, PriceSeries
from tariffs.models.profile import EvaluationProfile, ProfileInput
from tariffs.models.version import ProfileVersion

__all__ = [
    "OWED_STATES",
    "DerivedRecord",
    "Dispatch",
    "EvaluationProfile",
    "MarketParticipant",
    "OnDemandDelivery",
    "OutboxRow",
    "PriceRow",
    "PriceSeries",
    "ProfileInput",
    "ProfileVersion",
]
