"""That a consumer's credentials were changed, whoever changed them and by what way."""

from datetime import datetime

from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import log_event


def note_new_credentials(
    gateway: Gateway, consumer: str, *, now: datetime, profile: str = ""
) -> None:
    """Tell the consumer and the GWA (20033); call it in the change's transaction.

    `profile` is the communication profile that holds them; without one it is his
    access to the consumer interface, which bears his id.
    """
    log_event(
        gateway,
        Event.CREDENTIALS_UPDATED,
        profile or consumer,
        now=now,
        consumers=[consumer],
    )
