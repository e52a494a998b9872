"""An image at rest: its configuration, layers and files, read from an archive of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from bakehouse.engine.connection import Engine
from bakehouse.model import report
from bakehouse.prove.image import dpkg
from bakehouse.prove.image.archive import Saved, open_slice, read_saved
from bakehouse.prove.image.elf import Elf, read_elf
from bakehouse.prove.image.layer import Entry, LayerAtRest, unpack
from bakehouse.prove.image.tree import Tree
from bakehouse.system import process

SAVE_TIMEOUT = 1800.0
"""Seconds. Images of several GiB on a slow disk."""


@dataclass(frozen=True, kw_only=True)
class ImageAtRest:
    """Open files by path, as often as needed: layers were unpacked once into the workspace."""

    digest: str
    """Of the manifest; of an image from an engine's older store, of its configuration."""
    document: dict[str, Any]
    """The whole configuration blob."""
    layers: tuple[LayerAtRest, ...]
    """From the lowest to the highest."""
    tree: Tree
    _elves: dict[str, Elf | None] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """What `docker inspect` calls Config: User, Env, Entrypoint, Healthcheck and so on."""
        return self.document.get("config") or {}

    @property
    def platform(self) -> str:
        return f"{self.document.get('os', 'linux')}/{self.document.get('architecture', '')}"

    @property
    def user(self) -> str:
        """As it was written; empty means root."""
        return self.config.get("User") or ""

    @property
    def command(self) -> tuple[str, ...]:
        """What starts by default: the entrypoint, then its arguments."""
        return (*self.entrypoint, *(self.config.get("Cmd") or ()))

    @property
    def entrypoint(self) -> tuple[str, ...]:
        return tuple(self.config.get("Entrypoint") or ())

    @property
    def environment(self) -> dict[str, str]:
        return dict(item.partition("=")[::2] for item in self.config.get("Env") or ())

    @property
    def ports(self) -> tuple[str, ...]:
        """`8080/tcp`."""
        return tuple(sorted(self.config.get("ExposedPorts") or ()))

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.config.get("Labels") or {})

    @property
    def healthcheck(self) -> tuple[str, ...]:
        """`("CMD", "/app/probe")`, `("CMD-SHELL", "...")`, `("NONE",)`, or nothing."""
        return tuple((self.config.get("Healthcheck") or {}).get("Test") or ())

    @property
    def history(self) -> tuple[dict[str, Any], ...]:
        return tuple(self.document.get("history") or ())

    @property
    def bytes_unpacked(self) -> int:
        return sum(layer.bytes_unpacked for layer in self.layers)

    @property
    def bytes_compressed(self) -> int:
        return sum(layer.bytes_compressed for layer in self.layers)

    def open(self, entry: Entry) -> BinaryIO:
        """The content of a file of the tree or of a layer, seekable."""
        return open_slice(self.layers[entry.layer].unpacked, offset=entry.offset, size=entry.size)

    def read(self, path: str) -> bytes | None:
        """The content of the file that a path leads to, or None."""
        entry = self.tree.follow(path)
        if entry is None or entry.kind != "file":
            return None
        with self.open(entry) as file:
            return file.read()

    def elf(self, path: str) -> Elf | None:
        """The ELF file that a path leads to; None for anything else. Raises BrokenElfError."""
        entry = self.tree.follow(path)
        if entry is None or entry.kind != "file":
            return None
        if entry.path not in self._elves:
            with self.open(entry) as file:
                self._elves[entry.path] = read_elf(file, path=entry.path)
        return self._elves[entry.path]

    def find_program(self, name: str) -> Entry | None:
        """The file that `exec` would run: by path, or on the image's PATH."""
        if "/" in name:
            places = [name if name.startswith("/") else f"{self.config.get('WorkingDir') or '/'}/{name}"]
        else:
            places = [f"{folder}/{name}" for folder in self.environment.get("PATH", "/usr/bin:/bin").split(":")]
        found = (self.tree.follow(place) for place in places)
        return next((entry for entry in found if entry and entry.kind == "file"), None)


def open_image(path: Path, *, workspace: Path, platform: str | None = None) -> ImageAtRest:
    """Read an archive of one image: a tar file from `docker save`, or a folder with an OCI layout.

    Layers are unpacked into `workspace`, which must exist and may be shared by images and by runs. Raises InputError
    and InfrastructureError.
    """
    saved = read_saved(path, platform=platform)
    authors = created_by(saved)
    layers = tuple(
        unpack(saved, blob, index=index, created_by=authors[index] if index < len(authors) else "", workspace=workspace)
        for index, blob in enumerate(saved.layers)
    )
    return ImageAtRest(digest=saved.digest, document=saved.config, layers=layers, tree=Tree(layers))


def save_image(engine: Engine, reference: str, *, to: Path) -> Path:
    """Write an archive of an image that the engine holds. No container is started."""
    process.run(
        ["docker", "image", "save", "--output", str(to), reference], env=engine.environment(), timeout=SAVE_TIMEOUT
    )
    return to


def compressed_size(path: Path, *, platform: str | None = None) -> int:
    """Bytes of all layers as an archive holds them, without unpacking any. Raises InputError."""
    return sum(layer.size for layer in read_saved(path, platform=platform).layers)


def created_by(saved: Saved) -> list[str]:
    """One line a layer: the history has further lines for instructions that made none."""
    history = saved.config.get("history") or []
    return [line.get("created_by", "") for line in history if not line.get("empty_layer")]


def to_report(image: ImageAtRest, *, reference: str) -> report.Image:
    return report.Image(
        reference=reference,
        digest=image.digest,
        bytes_unpacked=image.bytes_unpacked,
        bytes_compressed=image.bytes_compressed,
        layers=[
            report.Layer(
                digest=layer.digest,
                bytes_compressed=layer.bytes_compressed,
                bytes_unpacked=layer.bytes_unpacked,
                created_by=layer.created_by,
            )
            for layer in image.layers
        ],
        labels=image.labels,
        packages=packages(image),
    )


def packages(image: ImageAtRest) -> dict[str, str]:
    """Installed Debian packages: name to version. Distroless images keep one file a package."""
    sources = [image.read("/var/lib/dpkg/status")]
    sources += [
        image.read(entry.path)
        for entry in image.tree.children("/var/lib/dpkg/status.d")
        if not entry.path.endswith(".md5sums")
    ]
    found: dict[str, str] = {}
    for source in sources:
        found |= dpkg.installed((source or b"").decode("utf-8", errors="replace"))
    return dict(sorted(found.items()))
