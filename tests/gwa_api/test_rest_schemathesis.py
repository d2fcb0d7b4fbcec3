"""Requests made up from the OpenAPI document: what it promises holds for each."""

import os
import time
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gwa_api.rest.declaration import PREFIX
from gwa_api.rest.routes import ALL
from hardware.gateway import Gateway
from logbooks.alarms import AlarmKind, raise_alarm
from tests.gwa_api.head_end import HeadEnd, head_end
from tests.gwa_api.test_rest_resources import (
    METER,
    METER_BODY,
    PROFILE,
    PROFILE_BODY,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
REFUSALS = (400, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, 503, 507)
"""What is longer than a schema allows may be too long for the route as well: 413."""
CONFIG = {
    "seed": 1,  # the same cases each time
    "checks": {"negative_data_rejection": {"expected-statuses": list(REFUSALS)}},
}
CASES = int(os.environ.get("CASA_TEST_API_CASES", "2400"))
KNOWN = {
    "meter": METER,
    "consumer": "meier",
    "participant": "emt-1",
    "profile": PROFILE,
    "alarm": "1",
    "selftest": "1",
}
"""Ids of what is there: with those of chance nearly every answer were 404."""


@pytest.fixture
def gwa(gateway: Gateway, db: None) -> HeadEnd:
    """A gateway that has one of most things."""
    made = head_end(gateway)
    made.create("/consumers/meier", {"auth": ["password"]})
    made.create(f"/meters/{METER}", METER_BODY)
    made.create("/market-participants/emt-1", {})
    made.create(f"/evaluation-profiles/{PROFILE}", PROFILE_BODY)
    way = {"participant": "emt-1", "addresses": ["emt.example:443"]}
    made.create(f"/communication-profiles/{PROFILE}", way)
    raise_alarm(AlarmKind.TIME_SERVICE, code=1500069, now=gateway.clock.now())
    made("POST", "/selftests")
    return made


@pytest.mark.slow
@pytest.mark.req("R91")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_the_interface_does_what_its_document_says(
    gwa: HeadEnd, mode: GenerationMode
) -> None:
    """No undocumented status, no invalid body, no 5xx but 503 and 507; what the
    document forbids is refused."""
    schema = schemathesis.openapi.from_wsgi(
        f"{PREFIX}/openapi.json", gwa.wsgi, config=SchemathesisConfig.from_dict(CONFIG)
    )
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == len(ALL) - 1  # it leaves out the document itself
    each = max(1, CASES // len(operations) // 2)
    count = [0]
    begun = time.monotonic()
    for operation in operations:
        _try_out(operation, mode, each, count)
    print(f"{mode}: {count[0]} cases in {time.monotonic() - begun:.0f} s")
    assert count[0] >= each * len(operations) * 0.5


def _try_out(operation: Any, mode: GenerationMode, each: int, count: list[int]) -> None:
    negative = mode is GenerationMode.NEGATIVE
    checks = [*CHECKS, negative_data_rejection] if negative else CHECKS

    @settings(
        max_examples=each,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        known=st.booleans(),
    )
    def send(case: Any, known: bool) -> None:
        if known and not negative:
            _aim(case)
        count[0] += 1
        with transaction.atomic():
            response = case.call()
            case.validate_response(response, checks=checks)
            transaction.set_rollback(True)

    with suppress(Unsatisfiable):  # nothing about it can be wrong
        send()


def _aim(case: Any) -> None:
    """At what is there, in whatever state it is."""
    for name in case.path_parameters or {}:
        if name in KNOWN:
            case.path_parameters[name] = KNOWN[name]
    if "If-Match" in (case.headers or {}):
        case.headers["If-Match"] = "*"
