"""A BuildKit for buildx's remote driver, out of a Docker engine.

An engine's own BuildKit speaks gRPC behind `POST /grpc` of its socket (moby, api/server/router/grpc). This gives it a
socket of its own, as `buildkitd` has one: each connection is led through that door, and bytes pass both ways.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

_UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"
_PIECE = 1 << 16


@contextlib.contextmanager
def bridged(engine: Path, listening: Path) -> Iterator[str]:
    """Give the address of a BuildKit that is the engine's. `engine`, `listening`: sockets."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(listening))
        door.listen(16)
        threading.Thread(target=_serve, args=(door, engine), daemon=True).start()
        yield f"unix://{listening}"


def _serve(door: socket.socket, engine: Path) -> None:
    with contextlib.suppress(OSError):  # the door was closed
        while True:
            client, _ = door.accept()
            threading.Thread(target=_lead, args=(client, engine), daemon=True).start()


def _lead(client: socket.socket, engine: Path) -> None:
    with client, socket.socket(socket.AF_UNIX) as behind, contextlib.suppress(OSError):
        behind.connect(str(engine))
        behind.sendall(_UPGRADE)
        head = b""
        while not head.endswith(b"\r\n\r\n") and (byte := behind.recv(1)):
            head += byte
        assert b" 101 " in head.splitlines()[0], head
        threading.Thread(target=_pass_on, args=(client, behind), daemon=True).start()
        _pass_on(behind, client)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
