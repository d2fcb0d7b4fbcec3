"""Parameter trees and profile entries of SML (lmn-wired.md 7.3)."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from hardware.errors import FrameUndecodable
from hardware.obis import Obis
from hardware.sml import SmlElement, SmlInteger, byte_of, i8, list_of, u8
from hardware.sml_lists import SmlTime, sml_time, time_element

_VALUE, _PERIOD, _TUPLE, _TIME = u8(1), u8(2), u8(3), u8(4)


class PeriodEntry(NamedTuple):
    """One register of a stored period."""

    obis: Obis
    unit: int
    scaler: int
    value: SmlElement
    value_signature: bytes | None = None


class TupleEntry(NamedTuple):
    """A tuple of 23 elements (TupelEntry), left as it is."""

    elements: SmlElement


TreeValue: TypeAlias = SmlElement | PeriodEntry | TupleEntry | SmlTime


@dataclass(frozen=True, slots=True)
class Tree:
    """A parameter: a name, perhaps a value, perhaps children."""

    name: bytes
    value: TreeValue = None
    children: tuple["Tree", ...] = ()

    def child(self, name: bytes) -> "Tree | None":
        """The first child with that name."""
        return next((child for child in self.children if child.name == name), None)


def tree_element(tree: Tree) -> SmlElement:
    """Return the element of a tree."""
    children = tuple(tree_element(child) for child in tree.children)
    return (tree.name, _value_element(tree.value), children or None)


def _value_element(value: TreeValue) -> SmlElement:
    if value is None:
        return None
    if isinstance(value, SmlTime):
        return (_TIME, time_element(value))
    if isinstance(value, PeriodEntry):
        return (_PERIOD, period_element(value))
    if isinstance(value, TupleEntry):
        return (_TUPLE, value.elements)
    return (_VALUE, value)


def period_element(entry: PeriodEntry) -> SmlElement:
    """Return the element of one register of a stored period."""
    head = (entry.obis.groups, u8(entry.unit), i8(entry.scaler))
    return (*head, entry.value, entry.value_signature)


def read_tree(element: SmlElement) -> Tree:
    """Read a tree; raises FrameUndecodable."""
    name, value, children = list_of(element, 3)
    if not isinstance(name, bytes):
        raise FrameUndecodable("an SML tree without name")
    below = () if children is None else list_of(children)
    return Tree(name, _read_value(value), tuple(read_tree(child) for child in below))


def _read_value(element: SmlElement) -> TreeValue:
    if element is None:
        return None
    kind, value = list_of(element, 2)
    if kind == _VALUE:
        return value
    if kind == _TIME:
        return sml_time(value)
    if kind == _PERIOD:
        return read_period_entry(value)
    if kind == _TUPLE:
        return TupleEntry(value)
    raise FrameUndecodable("an SML tree value of an unknown kind")


def read_period_entry(element: SmlElement) -> PeriodEntry:
    """Read one register of a stored period; raises FrameUndecodable."""
    name, unit, scaler, value, signature = list_of(element, 5)
    if not isinstance(name, bytes) or len(name) != 6:
        raise FrameUndecodable("a period entry without an OBIS code")
    if not isinstance(signature, bytes | None):
        raise FrameUndecodable("the signature of a period entry is none")
    return PeriodEntry(Obis(name), byte_of(unit), byte_of(scaler), value, signature)


def tree_number(tree: Tree | None) -> SmlInteger | None:
    """The number that a tree holds; None without one."""
    value = None if tree is None else tree.value
    return value if isinstance(value, SmlInteger) else None
