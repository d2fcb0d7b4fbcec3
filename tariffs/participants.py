"""Market participants: who may receive values, and where his inbox is."""

from django.db import transaction

from tariffs import profile_spec
from tariffs.models import MarketParticipant
from tariffs.profile_spec import ProfileInvalid


def create_participant(
    participant_id: str, *, name: str = "-", inbox: str = ""
) -> MarketParticipant:
    """Make a market participant; raises ProfileInvalid.

    `inbox` is the folder where his deliveries are put as files; without one nothing is
    sent to him.
    """
    problems = list(profile_spec.participant_problems(participant_id, name, inbox))
    if problems:
        raise ProfileInvalid(problems)
    return MarketParticipant.objects.create(id=participant_id, name=name, inbox=inbox)


@transaction.atomic
def change_participant(
    participant_id: str, *, name: str, inbox: str
) -> MarketParticipant:
    """Change name and inbox; raises ProfileInvalid, MarketParticipant.DoesNotExist."""
    found = MarketParticipant.objects.select_for_update().get(pk=participant_id)
    problems = list(
        profile_spec.participant_problems(participant_id, name, inbox, is_new=False)
    )
    if problems:
        raise ProfileInvalid(problems)
    found.name, found.inbox = name, inbox
    found.save(update_fields=["name", "inbox"])
    return found
