"""Many virtual gateways in one installation, for test laboratories: `./casa fleet`.

Each has its own identity, keys, clock, HAN certificate and port, and a schema of its
own in one PostgreSQL database; the processes are shared by all (decisions D4).
"""
