"""What SML messages say: one class per kind, both directions (lmn-wired.md 7.3).

`message_of(body, transaction_id)` makes the message of a body, `body_of(message)` the
body of a message. The fields of a class stand in the order of the wire; the annotation
of each tells how it becomes an element and back, and None that it may be left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, TypeAlias, cast, get_args

from hardware.errors import FrameUndecodable
from hardware.sml import (
    SmlElement,
    SmlMessage,
    list_of,
    number_of,
    u8,
    u32,
    u64,
)
from hardware.sml_lists import (
    GET_LIST_RESPONSE,
    GetListResponse,
    SmlTime,
    get_list_response,
    list_response_element,
    sml_time,
    time_element,
)
from hardware.sml_tree import (
    PeriodEntry,
    Tree,
    period_element,
    read_period_entry,
    read_tree,
    tree_element,
)

TreePath: TypeAlias = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """How one kind of field is written and read."""

    write: Callable[[Any], SmlElement]
    read: Callable[[SmlElement], Any]


def _octets(element: SmlElement) -> bytes:
    if not isinstance(element, bytes):
        raise FrameUndecodable("no octet string where an SML message has one")
    return element


def _boolean(element: SmlElement) -> bool:
    if not isinstance(element, bool):
        raise FrameUndecodable("no boolean where an SML message has one")
    return element


def _each(
    write: Callable[[Any], SmlElement], read: Callable[[SmlElement], Any]
) -> _Form:
    return _Form(
        lambda values: tuple(write(value) for value in values),
        lambda element: tuple(read(part) for part in list_of(element)),
    )


_Octets = Annotated[bytes, _Form(bytes, _octets)]
_Bool = Annotated[bool, _Form(bool, _boolean)]
_U8 = Annotated[int, _Form(u8, number_of)]
_U32 = Annotated[int, _Form(u32, number_of)]
_U64 = Annotated[int, _Form(u64, number_of)]
_Time = Annotated[SmlTime, _Form(time_element, sml_time)]
_OctetList = Annotated[tuple[bytes, ...], _each(bytes, _octets)]
_Tree = Annotated[Tree, _Form(tree_element, read_tree)]
_Periods = Annotated[tuple[PeriodEntry, ...], _each(period_element, read_period_entry)]
_Elements = Annotated[tuple[SmlElement, ...], _Form(tuple, list_of)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicOpenRequest:
    """Opens a request file; `request_file_id` comes back in the answer."""

    tag: ClassVar[int] = 0x0100
    codepage: _Octets | None = None
    client_id: _Octets
    request_file_id: _Octets
    server_id: _Octets | None = None
    username: _Octets | None = None
    password: _Octets | None = None
    sml_version: _U8 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicOpenResponse:
    """Opens an answer file; `ref_time` is the meter's clock at sending."""

    tag: ClassVar[int] = 0x0101
    codepage: _Octets | None = None
    client_id: _Octets | None = None
    request_file_id: _Octets
    server_id: _Octets
    ref_time: _Time | None = None
    sml_version: _U8 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicCloseRequest:
    """Ends a request file."""

    tag: ClassVar[int] = 0x0200
    global_signature: _Octets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicCloseResponse:
    """Ends an answer file."""

    tag: ClassVar[int] = 0x0201
    global_signature: _Octets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProfilePackRequest:
    """Asks for stored periods, to come in one message."""

    tag: ClassVar[int] = 0x0300
    server_id: _Octets | None = None
    username: _Octets | None = None
    password: _Octets | None = None
    with_rawdata: _Bool | None = None
    begin_time: _Time | None = None
    end_time: _Time | None = None
    path: _OctetList
    objects: _OctetList | None = None
    details: _Tree | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProfilePackResponse:
    """Stored periods in one message; heads and periods are left as elements."""

    tag: ClassVar[int] = 0x0301
    server_id: _Octets
    act_time: _Time
    period_s: _U32
    path: _OctetList
    heads: _Elements
    periods: _Elements
    rawdata: _Octets | None = None
    signature: _Octets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProfileListRequest:
    """Asks for stored periods, to come in one message each."""

    tag: ClassVar[int] = 0x0400
    server_id: _Octets | None = None
    username: _Octets | None = None
    password: _Octets | None = None
    with_rawdata: _Bool | None = None
    begin_time: _Time | None = None
    end_time: _Time | None = None
    path: _OctetList
    objects: _OctetList | None = None
    details: _Tree | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProfileListResponse:
    """One stored period."""

    tag: ClassVar[int] = 0x0401
    server_id: _Octets
    act_time: _Time
    period_s: _U32
    path: _OctetList
    val_time: _Time
    status: _U64
    periods: _Periods
    rawdata: _Octets | None = None
    signature: _Octets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProcParameterRequest:
    """Asks for one parameter tree."""

    tag: ClassVar[int] = 0x0500
    server_id: _Octets | None = None
    username: _Octets | None = None
    password: _Octets | None = None
    path: _OctetList
    attribute: _Octets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProcParameterResponse:
    """One parameter tree."""

    tag: ClassVar[int] = 0x0501
    server_id: _Octets
    path: _OctetList
    tree: _Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProcParameterRequest:
    """Writes one parameter tree; the answer is an Attention."""

    tag: ClassVar[int] = 0x0600
    server_id: _Octets | None = None
    username: _Octets | None = None
    password: _Octets | None = None
    path: _OctetList
    tree: _Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class GetListRequest:
    """Asks for a list of registers."""

    tag: ClassVar[int] = 0x0700
    client_id: _Octets
    server_id: _Octets | None = None
    username: _Octets | None = None
    password: _Octets | None = None
    list_name: _Octets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """The answer that is no data: an error, or that a command was carried out."""

    tag: ClassVar[int] = 0xFF01
    server_id: _Octets
    number: _Octets
    text: _Octets | None = None
    details: _Tree | None = None


Body: TypeAlias = (
    PublicOpenRequest
    | PublicOpenResponse
    | PublicCloseRequest
    | PublicCloseResponse
    | GetProfilePackRequest
    | GetProfilePackResponse
    | GetProfileListRequest
    | GetProfileListResponse
    | GetProcParameterRequest
    | GetProcParameterResponse
    | SetProcParameterRequest
    | GetListRequest
    | GetListResponse
    | Attention
)

_KINDS: dict[int, Any] = {
    GET_LIST_RESPONSE: GetListResponse,
    **{kind.tag: kind for kind in get_args(Body) if kind is not GetListResponse},
}


def message_of(
    body: Body, transaction_id: bytes, *, group_no: int = 0, abort_on_error: int = 0
) -> SmlMessage:
    """Return the message that carries a body."""
    if isinstance(body, GetListResponse):
        element = list_response_element(body)
    else:
        element = tuple(
            None if (value := getattr(body, name)) is None else form.write(value)
            for name, form, _is_needed in _FIELDS[body.tag]
        )
    return SmlMessage(transaction_id, group_no, abort_on_error, body.tag, element)


def body_of(message: SmlMessage) -> Body:
    """Read the body of a message; raises FrameUndecodable, also for unknown kinds."""
    kind = _KINDS.get(message.tag)
    if kind is None:
        raise FrameUndecodable(f"no SML message has the tag {message.tag:04x}")
    if kind is GetListResponse:
        return get_list_response(message)
    wanted = _FIELDS[message.tag]
    elements = list_of(message.body, len(wanted))
    values = {
        name: _read_field(form, element, is_needed)
        for (name, form, is_needed), element in zip(wanted, elements, strict=True)
    }
    return cast(Body, kind(**values))


def _read_field(form: _Form, element: SmlElement, is_needed: bool) -> object:
    if element is not None:
        return form.read(element)
    if is_needed:
        raise FrameUndecodable("an SML message lacks an element that it needs")
    return None


def _fields_of(kind: Any) -> tuple[tuple[str, _Form, bool], ...]:
    """Name, form and whether it is needed, of each field in the order of the wire."""
    found = []
    for field in fields(kind):
        options = get_args(field.type)
        is_optional = type(None) in options
        annotated: Any = options[0] if is_optional else field.type
        found.append((field.name, annotated.__metadata__[0], not is_optional))
    return tuple(found)


_FIELDS = {
    tag: _fields_of(kind) for tag, kind in _KINDS.items() if kind is not GetListResponse
}
