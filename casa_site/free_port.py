"""Whether a program of this user could listen somewhere."""

import socket


def obstacle(host: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> str:
    """Why nobody can begin to listen there now; "" when somebody can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:  # of datagrams it would let two share it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""
