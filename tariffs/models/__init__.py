"""Evaluation profiles, derived lists, dispatches."""

from tariffs.models.derived import DerivedRecord
from tariffs.models.dispatch import Dispatch
from tariffs.models.participant import MarketParticipant
from tariffs.models.profile import EvaluationProfile, ProfileInput

__all__ = [
    "DerivedRecord",
    "Dispatch",
    "EvaluationProfile",
    "MarketParticipant",
    "ProfileInput",
]
