"""Readouts in the shapes that makers send, with numbers of our own.

Shapes: EasyMeter Q3D (mode D), Hager and EMH eHZ (mode D, energies without a unit),
EMH household meter on demand (mode C, with letters in codes and a slash in a unit).
"""

from functools import reduce
from operator import xor

PUSHED = (
    b"/ESY5Q3DA1004 V3.04\r\n\r\n"
    b"1-0:0.0.0*255(11604711)\r\n"
    b"1-0:1.8.0*255(00001504.9023619*kWh)\r\n"
    b"1-0:2.8.0*255(00000376.0128508*kWh)\r\n"
    b"1-0:21.7.0*255(-000115.94*W)\r\n"
    b"1-0:1.7.255*255(000247.37*W)\r\n"
    b"1-0:96.5.5*255(82)\r\n"
    b"0-0:96.1.255*255(1ESY1160012345)\r\n"
    b"!\r\n"
)
WITHOUT_UNITS = (
    b"/HAG5eHZ010C_EHZ1ZA22\r\n\r\n"
    b"1-0:0.0.0*255(331200-5003001)\r\n"
    b"1-0:1.8.1*255(001720.4816)\r\n"
    b"1-0:96.5.5*255(82)\r\n"
    b"0-0:96.1.255*255(0000140001)\r\n"
    b"1-0:32.7.0*255(238.39*V)\r\n"
    b"1-0:31.7.0*255(000.67*A)\r\n"
    b"1-0:61.7.0*255(+02568*W)\r\n"
    b"1-0:96.50.0*0(EE)\r\n"
    b"!\r\n"
)
_LINES = (
    b"1-0:1.8.0*255(010192.57*kWh)\r\n"
    b"1-0:2.8.0*255(000000.00*kWh)\r\n"
    b"1-0:3.8.0*255(000012.3*kvarh)\r\n"
    b"1-0:1.8.0*01(009870.11*kWh)\r\n"
    b"1-0:1.6.0*255(0004.21*kW)(260303114500)\r\n"
    b"0-0:F.F.0*255(00000000)\r\n"
    b"1-0:0.0.1*255()\r\n"
    b"0-0:C.1.0*255(03870001)\r\n"
    b"1-0:0.8.4*255(15*min)\r\n"
    b"1-0:0.3.0*255(6.00*Imp/kWh)\r\n"
    b"1-0:0.2.1*1(121120??)\r\n"
    b"!\r\n\x03"
)
PULLED = b"/EMH5\\@D4SHAPE--\r\n\x02" + _LINES + bytes([reduce(xor, _LINES)])
"""The exclusive or is made here by itself: 0x02 is not in it, 0x03 is."""
