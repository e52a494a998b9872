"""Opens the repository that a place's name stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bakehouse.errors import InputError
from bakehouse.registry.connection import Connection
from bakehouse.registry.credentials import Credentials
from bakehouse.registry.layout import LayoutFolder, open_layout_tar
from bakehouse.registry.location import Location
from bakehouse.registry.remote import Remote
from bakehouse.registry.store import Source, Store
from bakehouse.system.patience import Patience


class Registries:
    """Opens stores; those of one registry share a connection and its login. For one thread."""

    def __init__(self, environ: Mapping[str, str], *, patience: Patience | None = None) -> None:
        self._credentials = Credentials(environ=environ)
        self._patience = patience
        self._connections: dict[str, Connection] = {}

    def open(self, location: Location, *, image_name: str = "") -> Store:
        """To write to. Nothing is asked yet. `image_name`: what `docker load` calls the images of a folder.

        Raises InputError for a tar file.
        """
        match location.kind:
            case "registry":
                return Remote(connection=self._connection(location.host), path=location.path)
            case "oci":
                return LayoutFolder(Path(location.path), image_name=image_name)
            case "oci-archive":
                raise InputError(
                    f"{location} can only be read", hint=f"Write to a folder: oci:{location.path.removesuffix('.tar')}."
                )

    def read(self, location: Location) -> Source:
        """Raises InputError for a tar file that is none."""
        return open_layout_tar(Path(location.path)) if location.kind == "oci-archive" else self.open(location)

    def _connection(self, host: str) -> Connection:
        if host not in self._connections:
            self._connections[host] = Connection(host, credentials=self._credentials, patience=self._patience)
        return self._connections[host]

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
