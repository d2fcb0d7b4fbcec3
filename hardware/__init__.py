"""The device and its wires: bytes, ports, keys, clock. No Django in here."""
