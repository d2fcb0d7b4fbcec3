"""Tasks of the roof itself (queue maintenance)."""

from celery import shared_task
from django.core.management import call_command


@shared_task(expires=3600)
def forget_ended_logins(_gateway_id: str) -> None:
    """Delete the rows of logins that have ended by time."""
    call_command("clearsessions")
