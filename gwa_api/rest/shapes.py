"""The small parts that schemas are made of: texts, numbers, lists, objects."""

from typing import Any

Schema = dict[str, Any]

ID_PATTERN = "^[A-Za-z0-9_-]{1,32}$"
_PEM_LONGEST = 16_384


def text(most: int = 64, least: int = 1, **more: Any) -> Schema:
    """A text of so many characters."""
    return {"type": "string", "minLength": least, "maxLength": most, **more}


def whole(least: int = 0, most: int = 2**53 - 1, **more: Any) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most, **more}


def one_of(values: Any) -> Schema:
    """One of some texts."""
    return {"type": "string", "enum": [str(value) for value in values]}


def many(items: Schema, most: int = 1000, least: int = 0) -> Schema:
    """A list."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if isinstance(schema["type"], list):
        return schema
    found = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        found["enum"] = [*schema["enum"], None]
    return found


def thing(needed: str = "", /, **properties: Schema) -> Schema:
    """An object: `needed` names what must be there, nothing else may."""
    found: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    names = list(properties) if needed == "*" else needed.split()
    return {**found, "required": names} if names else found


def shown_of(properties: dict[str, Schema], **more: Schema) -> Schema:
    """What is answered: everything but what is only written."""
    open_ = {k: v for k, v in properties.items() if not v.get("writeOnly")}
    return thing("*", **more, **open_)


def patch_of(properties: dict[str, Schema]) -> Schema:
    """A merge patch (RFC 7396): any member, null to take it away."""
    return thing(**{name: or_null(one) for name, one in properties.items()})


def ref(name: str) -> Schema:
    """A schema of `gwa_api.rest.schemas` by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(name: str) -> Schema:
    """A page of a list."""
    return thing("*", items=many(ref(name)), next=or_null(text(1024)))


ID = text(32, pattern=ID_PATTERN)
AT: Schema = {"type": "string", "format": "date-time"}
FLAG: Schema = {"type": "boolean"}
OBIS = text(24)
CODE = whole(0, 2**32)
SHA256 = text(64, 64, pattern="^[0-9a-f]{64}$")
PEM = text(_PEM_LONGEST)
HOST_PORT = text(261)
METER_ID = text(40)
DURATION = text(24, pattern="^P")
UUID: Schema = {"type": "string", "format": "uuid"}
