"""Reading a start and a duration: of a block, a reading or a billing period."""

from lxml import etree

from tariffs.trudi.elements import UINT32, ElementReader
from tariffs.trudi.model import Interval


def read_interval(elements: ElementReader, parent: etree._Element) -> Interval:
    """The interval that an element holds."""
    interval = Interval()
    for name, element in elements.children(parent):
        if name == "duration":
            interval.duration = elements.integer(element, UINT32)
        elif name == "start":
            interval.start = elements.moment(element)
        else:
            elements.unsupported(name, element)
    return interval
