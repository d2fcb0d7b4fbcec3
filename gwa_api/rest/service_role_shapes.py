"""The schemas of the service role's bodies (`gwa_api.rest.schemas` takes them in)."""

from gwa_api.rest.shapes import Schema, one_of, or_null, thing, whole
from meters.service_roles import SERVICE_ROLES

_HOLDERS = thing("*", accounts=whole(), with_certificate=whole())

SERVICE_ROLE: dict[str, Schema] = {
    "ServiceRoleBody": thing("*", active=one_of(SERVICE_ROLES)),
    "ServiceRole": thing(
        "*",
        active=or_null(one_of(SERVICE_ROLES)),
        **{role.value: _HOLDERS for role in SERVICE_ROLES},
    ),
}
