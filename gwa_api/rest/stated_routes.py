"""`route` of a recipient in a profile's body (rest-gwa.md 4.1): stated, not set.

Whether a participant is reached directly or by the GWA stands in his communication
profile, once for all profiles. A body may say what it counts on; it is refused when
that is not the case, and when it would let a pseudonym go over the direct way.
"""

from collections.abc import Iterator

from gwa_api.models import CommunicationProfile
from gwa_api.partners import way_to
from gwa_api.rest.declaration import Json
from gwa_api.rest.problem import invalid
from tariffs.instant_tafs import INSTANT_TAFS
from tariffs.problem import Problem
from tariffs.profile_spec import ProfileInvalid

_DIRECT = CommunicationProfile.Route.DIRECT


def without_routes(body: Json) -> Json:
    """The body without what it states; raises ApiProblem when that is not so."""
    delivery = body.get("delivery") or {}
    recipients = delivery.get("recipients") or []
    problems = [
        Problem(f"/delivery/recipients/{position}/route", message)
        for position, one in enumerate(recipients)
        if "route" in one
        for message in _problems(body, one["participant"], one["route"])
    ]
    if problems:
        raise invalid(problems, ProfileInvalid.code)
    if not recipients:
        return body
    bare = [{"participant": one["participant"]} for one in recipients]
    return {**body, "delivery": {**delivery, "recipients": bare}}


def _problems(body: Json, participant: str, route: str) -> Iterator[str]:
    way = way_to(participant)
    if way is None:
        yield "he has no communication profile yet"
    elif way.route != route:
        yield f"his communication profile says {way.route}"
    hides = body.get("taf") in INSTANT_TAFS and body.get("pseudonymise", True)
    if hides and route == _DIRECT:
        yield "a pseudonym goes by the GWA only"
