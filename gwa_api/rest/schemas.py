"""The schemas of all bodies (JSON Schema 2020-12), for checking and for OpenAPI."""

from gwa_api.rest.certificate_shapes import CERTIFICATES
from gwa_api.rest.delivery_shapes import DELIVERIES
from gwa_api.rest.device_shapes import DEVICE
from gwa_api.rest.house_shapes import HOUSE
from gwa_api.rest.log_shapes import LOGS
from gwa_api.rest.partner_shapes import PARTNERS
from gwa_api.rest.problem import TITLES
from gwa_api.rest.service_role_shapes import SERVICE_ROLE
from gwa_api.rest.shapes import CODE, Schema, many, one_of, text, thing, whole

SCHEMAS: dict[str, Schema] = {
    "Problem": thing(
        "type title status instance",
        type=one_of(f"urn:casa:problem:{slug}" for slug in TITLES),
        title=text(200),
        status=whole(400, 599),
        detail=text(2000, 0),
        instance=text(64),
        fault_code=CODE,
        errors=many(thing("*", pointer=text(2000, 0), code=text(), message=text(4000))),
        current_version=text(64),
        standing_codes=many(CODE),
    ),
    "Nothing": thing(),
    **DEVICE,
    **HOUSE,
    **PARTNERS,
    **DELIVERIES,
    **CERTIFICATES,
    **SERVICE_ROLE,
    **LOGS,
}
