"""Images on their way to a host: the very ones that were built here, by their digest, and only those that it lacks."""

from __future__ import annotations

import contextlib
import json
import tarfile
from pathlib import Path

from bakehouse.engine.connection import Engine
from bakehouse.engine.docker import Docker, NoSuchObjectError
from bakehouse.errors import InfrastructureError
from bakehouse.prove.image.at_rest import SAVE_TIMEOUT, save_image
from bakehouse.system import process


def bring(image: str, *, name: str, here: Engine, there: Engine, folder: Path) -> tuple[str, bool]:
    """The image's ID on the host, and whether it had to be sent. `folder`: for a large temporary file.

    An engine of the other kind of store knows the same image by its configuration. Raises InfrastructureError.
    """
    with contextlib.suppress(NoSuchObjectError):
        return Docker(there).image(image).id, False
    archive = save_image(here, image, to=folder / "image.tar")
    try:
        process.stream(["docker", "load"], env=there.environment(), feed=archive, timeout=SAVE_TIMEOUT, check=True)
        found = _find(Docker(there), (image, configuration(archive)))
    finally:
        archive.unlink(missing_ok=True)
    _name(Docker(there), found, name)
    return found, True


def configuration(archive: Path) -> str:
    """What the older store calls the image of an archive. Raises InfrastructureError for an archive without one."""
    with tarfile.open(archive, "r:") as tar:
        try:
            file = tar.extractfile("manifest.json")
            first = json.load(file)[0] if file else {}
        except (KeyError, ValueError, IndexError):
            first = {}
    name = str(first.get("Config", ""))
    if not name:
        raise InfrastructureError("docker save wrote an archive without a manifest.json")
    return f"sha256:{name.rpartition('/')[2].removesuffix('.json')}"


def _find(images: Docker, names: tuple[str, str]) -> str:
    for name in names:
        with contextlib.suppress(NoSuchObjectError):
            return images.image(name).id
    raise InfrastructureError(
        f"the image {names[0]} was sent, and what arrived has neither its ID nor its configuration"
    )


def _name(images: Docker, image: str, name: str) -> None:
    """So that a person finds it there, and `docker image prune` does not take it. The one before gives way."""
    before = ""
    with contextlib.suppress(NoSuchObjectError):
        before = images.image(name).id
    images.tag(image, name)
    if before and before != image:
        with contextlib.suppress(InfrastructureError):  # a container still uses it, or it has another name
            images.untag([before])
