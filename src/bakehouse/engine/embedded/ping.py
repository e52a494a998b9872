"""Asks whether an engine answers on a Unix socket, without a client program."""

from __future__ import annotations

import socket
from pathlib import Path

_TIMEOUT = 5.0
_ASK = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"


def engine_answers(path: Path) -> bool:
    """Whether a Docker engine behind this socket says that it is ready (`GET /_ping`). Never raises."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(str(path))
            connection.sendall(_ASK)
            answer = connection.recv(64)
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 200")
