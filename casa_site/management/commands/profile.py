"""`./casa manage profile list|show|end|delete`: the life of evaluation profiles.

Profiles are made and changed by `apply`, with `--change` for those that are there.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casa_site.gateways import open_configured_gateway
from hardware.gateway import GatewayNotOpened
from hardware.record import zulu
from tariffs.calendar import BERLIN
from tariffs.lifecycle import delete_profile, end_profile
from tariffs.models import EvaluationProfile, ProfileVersion
from tariffs.profile_spec import ProfileInvalid

_DELETED_NOTE = "its lists stay with the consumer until their time is over"


class Command(BaseCommand):
    """Shows profiles, ends them, deletes them; the gateway may run meanwhile."""

    help = "Lists evaluation profiles, shows their versions, ends and deletes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and with which profile."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="all profiles with state and validity")
        for name, text in (
            ("show", "every version of a profile, who made it and when"),
            ("delete", "delete a profile that has ended and owes nobody anything"),
        ):
            actions.add_parser(name, help=text).add_argument("id")
        end = actions.add_parser("end", help="end a profile, now or at an instant")
        end.add_argument("id")
        end.add_argument("--at", help="2026-12-31T23:00:00Z; local time without zone")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do it, or say in one line why not."""
        try:
            for line in self._lines(action, options):
                self.stdout.write(line)
        except GatewayNotOpened as error:
            raise CommandError(str(error)) from None
        except EvaluationProfile.DoesNotExist:
            raise CommandError(f"there is no profile {options['id']}") from None
        except ProfileInvalid as error:
            reasons = "; ".join(one.message for one in error.problems)
            raise CommandError(f"{options['id']}: {reasons}") from None

    def _lines(self, action: str, options: dict[str, Any]) -> Iterable[str]:
        if action == "list":
            return map(_line, EvaluationProfile.objects.order_by("pk"))
        if action == "show":
            return _versions(options["id"])
        gateway = open_configured_gateway()
        now = gateway.clock.now()
        if action == "delete":
            profile = delete_profile(gateway, options["id"], now=now)
            return [f"deleted: {profile.id}; {_DELETED_NOTE}"]
        at = _instant(options["at"]) if options["at"] else now
        return [_line(end_profile(gateway, options["id"], at=at, now=now))]


def _line(profile: EvaluationProfile) -> str:
    end = profile.valid_to
    return (
        f"{profile.id}: TAF{profile.taf}, {profile.state}, version {profile.version}, "
        f"{zulu(profile.valid_from)} to {zulu(end.astimezone(UTC)) if end else 'open'}"
    )


def _versions(profile_id: str) -> list[str]:
    profile = EvaluationProfile.objects.get(pk=profile_id)
    kept: Iterable[ProfileVersion] = profile.versions.order_by("version")
    return [
        f"version {one.version}, {zulu(one.made_at)}, {one.made_by}: "
        f"{json.dumps(one.document, ensure_ascii=False)}"
        for one in kept
    ]


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no instant: 2026-12-31T23:00:00Z") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=BERLIN)
