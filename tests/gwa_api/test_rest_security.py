"""Certificates, keys, roots, updates and the change of the administrator by the API."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from hardware import pki
from hardware.gateway import Gateway
from logbooks.certificate_store import Holder, Kind, active_certificates
from logbooks.models import SystemLogEntry
from tests.gwa_api.head_end import HeadEnd, head_end


@pytest.fixture
def gwa(gateway: Gateway, db: None) -> HeadEnd:
    """The head-end, and a gateway that trusts its PKI."""
    return head_end(gateway)


def pem_of(der: bytes) -> str:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


@pytest.mark.req("R69", "R99")
def test_a_partners_certificate_is_imported_read_and_ended(gwa: HeadEnd) -> None:
    """Only with a path to the root; the administrator cannot end the one he uses."""
    gwa.create("/market-participants/emt-1", {})
    der, _key = gwa.lab.partner("emt-1")
    body = {"holder": "EMT", "holder_id": "emt-1", "kind": "TLS"}
    made = gwa("POST", "/certificates", json={**body, "certificate": pem_of(der)})
    assert made.status_code == 201, made.text
    id_ = made.json()["id"]
    assert id_ == hashlib.sha256(der).hexdigest()
    assert "BEGIN CERTIFICATE" in gwa.get(f"/certificates/{id_}")["certificate"]
    assert gwa("DELETE", f"/certificates/{id_}").status_code == 204
    assert gwa("DELETE", f"/certificates/{id_}").status_code == 409
    own = hashlib.sha256(gwa.certificate).hexdigest()
    assert gwa("DELETE", f"/certificates/{own}").status_code == 409
    foreign, _key = type(gwa.lab)(gwa.lab.now).partner("emt-1")
    refused = gwa(
        "POST", "/certificates", json={**body, "certificate": pem_of(foreign)}
    )
    assert refused.status_code == 422
    code = refused.json()["fault_code"]
    assert code == 2300306
    assert SystemLogEntry.objects.filter(event_id=code).exists()


@pytest.mark.req("R90")
def test_the_next_administrator_takes_over_with_his_first_request(
    gwa: HeadEnd,
) -> None:
    """Announced, cancelled (700034), announced again, complete: there is only one."""
    der, _key = gwa.lab.partner("gwa-0002")
    body = {"holder_id": "gwa-0002", "certificate": pem_of(der)}
    assert gwa.get("/administrator-change")["state"] == "none"
    other = {"holder": "GWA", "kind": "TLS", **body}
    assert gwa("POST", "/certificates", json=other).status_code == 409
    assert gwa("POST", "/administrator-change", json=body).status_code == 201
    assert gwa("POST", "/administrator-change", json=body).status_code in (409, 422)
    cancelled = gwa("DELETE", "/administrator-change")
    assert cancelled.json()["state"] == "cancelled"
    assert SystemLogEntry.objects.filter(event_id=700034).exists()
    der, _key = gwa.lab.partner("gwa-0002")
    body = {"holder_id": "gwa-0002", "certificate": pem_of(der)}
    assert gwa("POST", "/administrator-change", json=body).status_code == 201
    assert gwa.get("/administrator-change")["state"] == "announced"
    following = HeadEnd(gwa.gateway, der, gwa.lab)
    assert following.get("/administrator-change")["state"] == "complete"
    assert gwa("GET", "/device").status_code == 403
    (only,) = active_certificates(Holder.GWA, Kind.TLS)
    assert only.holder_id == "gwa-0002"


@pytest.mark.req("R69")
def test_the_last_root_stays_and_a_renewal_goes_step_by_step(gwa: HeadEnd) -> None:
    """1600245 for the last root; 1600122 while the second bank holds new keys."""
    anchors = gwa.get("/trust-anchors")["items"]
    assert [one["kind"] for one in anchors] == ["root", "authority"]
    last = gwa("DELETE", f"/trust-anchors/{anchors[0]['id']}")
    assert (last.status_code, last.json()["fault_code"]) == (409, 1600245)
    assert gwa("DELETE", f"/trust-anchors/{'0' * 64}").status_code == 404
    requests = gwa("POST", "/keys/requests")
    assert requests.status_code == 201, requests.text
    assert set(requests.json()) == {"tls", "enc", "sig"}
    again = gwa("POST", "/keys/requests")
    assert (again.status_code, again.json()["fault_code"]) == (409, 1600122)
    for purpose, request in requests.json().items():
        pem = gwa.lab.issued(request, f"{gwa.gateway.huid}.smgw", purpose)
        body = {"holder": "SMGW", "certificate": pem.decode()}
        made = gwa("POST", "/certificates", json=body)
        assert made.json()["state"] == "pending", made.text
    activated = gwa("POST", "/keys/activate")
    assert activated.status_code == 409
    assert "test connection" in activated.json()["detail"]


def test_a_sub_ca_and_garbage_as_trust_anchors(gwa: HeadEnd) -> None:
    sub = gwa.lab.pki.sub.certificate.public_bytes(Encoding.PEM).decode()
    assert gwa("POST", "/trust-anchors", json={"authority": sub}).status_code == 201
    for member in ("root", "authority", "revocation_list"):
        refused = gwa("POST", "/trust-anchors", json={member: "nonsense"})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == f"/{member}"


@pytest.mark.req("R69", "R99")
def test_the_administrator_cannot_give_up_the_anchor_that_he_stands_on(
    gwa: HeadEnd,
) -> None:
    """Else his next request were refused, and nobody could come in any more."""
    root, sub = (one["id"] for one in gwa.get("/trust-anchors")["items"])
    following = pki.make_root(gwa.lab.now, number=2)
    link = pki.link_certificate(gwa.lab.pki.root, following)
    body = {
        name: one.public_bytes(Encoding.PEM).decode()
        for name, one in (("root", following.certificate), ("link", link))
    }
    made = gwa("POST", "/trust-anchors", json=body)
    assert made.status_code == 201, made.text
    for anchor in (root, sub):
        assert gwa("DELETE", f"/trust-anchors/{anchor}").status_code == 409
        assert gwa("GET", "/device").status_code == 200
    assert gwa("DELETE", f"/trust-anchors/{made.json()['id']}").status_code == 204


@pytest.mark.req("R147")
def test_a_package_comes_in_pieces_and_garbage_is_refused(gwa: HeadEnd) -> None:
    """Pieces go on where they ended; a wrong digest begins anew; 1300800."""
    content = bytes(range(256)) * 4
    begun = gwa("POST", "/firmware/packages", json={"size": len(content)})
    path = begun.headers["Location"].removeprefix("/gwa/v1")

    def put(first: int, last: int, **headers: str) -> object:
        return gwa(
            "PUT",
            path,
            content=content[first:last],
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {first}-{last - 1}/{len(content)}",
                **headers,
            },
        )

    assert put(0, 100).json()["received_bytes"] == 100  # type: ignore[attr-defined]
    assert put(0, 100).json()["received_bytes"] == 100  # type: ignore[attr-defined]
    assert put(200, 300).status_code == 409  # type: ignore[attr-defined]
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    done = put(100, len(content), **{"Repr-Digest": f"sha-256=:{digest}:"})
    package = done.json()["package"]  # type: ignore[attr-defined]
    found = gwa.get(f"/firmware/packages/{package}")
    assert (found["state"], found["fault_code"]) == ("refused", 1300800)
    assert gwa("POST", f"/firmware/packages/{package}/install").status_code == 409
    assert gwa.get("/firmware")["packages"][0]["id"] == package
    much = gwa("POST", "/firmware/packages", json={"size": 512 * 1024**2})
    assert much.status_code in (201, 507)
