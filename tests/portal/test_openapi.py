"""The OpenAPI documents: as published, whole, and true of what is answered."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client

from hardware.gateway import Gateway
from portal.con_query import DETACHED
from portal.openapi import DOCUMENTS, con_rest, han_json
from portal.urls import urlpatterns
from tests.access_matrix import routes_of
from tests.portal.certificates import issued_der, showing
from tests.portal.conftest import NOW

FOLDER = Path(__file__).parents[2] / "docs" / "openapi"
IDS = {
    "meter": "1emh0000000001",
    "months_back": "0",
    "index": "0",
    "target_time": "2026-06-22T13:00:00Z",
    "device": "eemh0009264154",
}
CONTRACTS = {
    "/json/": [f"hks2-taf{n}.eemh0009264154.sm" for n in (1, 7)],
    "/smgw/": ["hks2-taf1", "hks2-taf7"],
}


@pytest.fixture
def program(han: Gateway) -> Client:
    return showing(han, issued_der(han, "hks2", now=NOW))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_published_document_is_the_one_of_the_code(name: str) -> None:
    """`./casa manage openapi` writes it."""
    assert json.loads((FOLDER / name).read_text()) == DOCUMENTS[name]()


def test_every_route_is_in_its_document() -> None:
    routes = routes_of(urlpatterns)
    for start, document in (("/json/", han_json()), ("/smgw/", con_rest())):
        wanted = {r for r in routes if r.startswith(start)} - {f"{start}..."}
        assert set(document["paths"]) == wanted


@pytest.mark.parametrize(
    ("document", "template"),
    [(d, path) for d in (han_json(), con_rest()) for path in d["paths"]],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_answer_fits_its_schema(
    han: Gateway, program: Client, document: dict[str, Any], template: str
) -> None:
    """Of every resource, for every contract; and its error when it has JSON ones."""
    operations = document["paths"][template]
    (method,) = operations
    for path in addresses(template):
        answer = getattr(program, method)(path, b"", content_type="application/json")
        check(document, operations[method], answer)
        if template.startswith("/smgw/"):
            refused = getattr(showing(program.defaults["casa.gateway"], b""), method)(
                path
            )
            check(document, operations[method], refused)
            assert refused.status_code == 401


def addresses(template: str) -> list[str]:
    """The address with ids filled in, once per contract, plain and signed."""
    found = [
        template.format(contract=contract, **IDS)
        for contract in CONTRACTS[template[:6]]
    ]
    if "/exp/" in template and not template.endswith("/"):
        found += [f"{path}?q.signed={DETACHED}" for path in found]
    return list(dict.fromkeys(found))


def check(document: dict[str, Any], operation: dict[str, Any], answer: Any) -> None:
    response = operation["responses"][str(answer.status_code)]
    kind = answer["Content-Type"].partition(";")[0]
    schema = response["content"][kind]["schema"]
    if kind == "application/json":
        whole = {"components": document["components"], **schema}
        jsonschema_rs.validate(whole, json.loads(answer.getvalue()))
