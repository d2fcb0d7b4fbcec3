"""`./casa manage retention`: how long a consumer's log is kept (R76)."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from logbooks.models import ConsumerLog
from logbooks.retention import RetentionTooShort, set_retention


class Command(BaseCommand):
    """Shows or sets the months that entries of a consumer's log are kept."""

    help = "Shows how long consumers' logs are kept, or sets it: at least 15 months."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Without months it only shows."""
        parser.add_argument("consumer", nargs="?")
        parser.add_argument("months", nargs="?", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        """Set it, then say what holds."""
        logs = ConsumerLog.objects.order_by("consumer_id")
        consumer, months = options["consumer"], options["months"]
        if consumer is not None:
            logs = logs.filter(consumer_id=consumer)
            if not logs.exists():
                raise CommandError(f"there is no consumer {consumer}")
        if months is not None:
            try:
                set_retention(consumer, months)
            except RetentionTooShort as error:
                raise CommandError(str(error)) from None
        for log in logs:
            self.stdout.write(f"{log.consumer_id}: {log.retention_months} months")
