"""Software updates: uploaded in pieces, verified, released and installed (R147)."""

from gwa_api import firmware_upload
from gwa_api.firmware_upload import NoRoom, Upload, UploadRefused
from gwa_api.models import Operation
from gwa_api.rest import operations
from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.problem import ApiProblem, conflict, not_found
from gwa_api.rest.query import instant_of
from gwa_api.rest.shown import at, at_or_null
from logbooks import firmware
from logbooks.models import FirmwarePackage

LARGEST_PIECE = 4 * 1024**2


def read(call: Call) -> Reply:
    """What runs, and what is staged."""
    release = firmware.running_release(call.gateway)
    rows = FirmwarePackage.objects.order_by("pk")
    installed = {"version": release.version, "number": release.number or 0}
    return Reply(
        body={"installed": installed, "packages": [shown(row) for row in rows]}
    )


def begin(call: Call) -> Reply:
    """Announce a package; its content follows."""
    try:
        upload = firmware_upload.begin(call.gateway, call.body["size"])
    except NoRoom:
        raise ApiProblem("storage-low") from None
    return Reply(
        status=201,
        body=_upload(upload),
        location=f"/firmware/packages/{upload.id}/content",
    )


def put_content(call: Call) -> Reply:
    """A piece of a package; with the last one it is verified (1300800, 1300804)."""
    upload = firmware_upload.found(call.gateway, call.ids["upload"])
    if upload is None:
        raise not_found()
    try:
        span = call.headers.get("content-range", "")
        firmware_upload.append(upload, call.content, span)
        if upload.received < upload.size:
            return Reply(body=_upload(upload))
        digest = call.headers.get("repr-digest", "")
        row = firmware_upload.complete(call.gateway, upload, digest, now=call.now)
    except UploadRefused as error:
        raise conflict(str(error)) from None
    return Reply(
        body={
            "id": upload.id,
            "received_bytes": upload.size,
            "size": upload.size,
            "package": row.pk,
        }
    )


def read_package(call: Call) -> Reply:
    """One package."""
    return Reply(body=shown(_found(call)))


def install(call: Call) -> Reply:
    """Release a verified package and install it, at once or at an instant."""
    row, when = _found(call), call.body.get("at")
    if row.state == FirmwarePackage.State.VERIFIED:
        firmware.release(row, now=call.now)
    instant = instant_of(when) if when else call.now
    firmware.schedule(row, at=instant, now=call.now)
    return operations.accepted(Operation.Kind.FIRMWARE, str(row.pk), now=call.now)


def shown(row: FirmwarePackage) -> Json:
    """A package as answered."""
    return {
        "id": row.pk,
        "state": row.state,
        "version": row.version,
        "received_at": at(row.received_at),
        "changed_at": at(row.changed_at),
        "install_at": at_or_null(row.install_at),
        "fault_code": row.fault,
        "reason": row.reason,
    }


def _upload(upload: Upload) -> Json:
    return {
        "id": upload.id,
        "received_bytes": upload.received,
        "size": upload.size,
        "package": None,
    }


def _found(call: Call) -> FirmwarePackage:
    found = FirmwarePackage.objects.filter(pk=int(call.ids["package"])).first()
    if found is None:
        raise not_found()
    return found


_PATH = "/firmware/packages"
ROUTES = (
    Route(
        method="GET",
        path="/firmware",
        answer=read,
        summary="What runs, and what is staged",
        replies={200: "Firmware"},
    ),
    Route(
        method="POST",
        path=_PATH,
        answer=begin,
        summary="Announce an update package",
        body="PackageBody",
        replies={201: "PackageUpload"},
        problems=(507,),
    ),
    Route(
        method="PUT",
        path=f"{_PATH}/{{upload}}/content",
        answer=put_content,
        summary="A piece of a package: Content-Range, and Repr-Digest with the last",
        body="Content",
        media="application/octet-stream",
        largest=LARGEST_PIECE,
        replies={200: "PackageUpload"},
        problems=(404, 409),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/{{package}}",
        answer=read_package,
        summary="One package",
        replies={200: "Package"},
        problems=(404,),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/{{package}}/install",
        answer=install,
        summary="Install a verified package, at once or at an instant",
        body="Install",
        replies={202: "Operation"},
        problems=(404, 409),
        writes=True,
    ),
)
