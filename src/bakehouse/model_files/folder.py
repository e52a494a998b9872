"""A folder as Hugging Face's hub has them: every shard of the index present, each as long as its header says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bakehouse.formatting import count, size
from bakehouse.model_files import safetensors
from bakehouse.model_files.finding import CheckedModel, ModelFinding, error, ok, warning

INDEX = "*.safetensors.index.json"
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors")
_UNFINISHED = (".incomplete", ".part", ".aria2", ".crdownload", ".tmp")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tekken.json", "vocab.json", "spiece.model")
_DOWNLOAD = "Download what is missing again: hf download REPO --local-dir FOLDER goes on where it stopped."
_SHOWN = 5


def check_folder(folder: Path) -> CheckedModel:
    """Raises OSError where the folder cannot be read."""
    findings = [*_configuration(folder), *_tokenizer(folder), *_unfinished(folder)]
    shards, wanted = _shards(folder)
    if isinstance(shards, ModelFinding):
        return CheckedModel(findings=(shards, *findings))
    read: dict[str, safetensors.Weights] = {}
    for name in sorted(shards):
        found = _read(folder / name)
        if isinstance(found, ModelFinding):
            findings.insert(0, found)
        else:
            read[name] = found
    findings = [*_against_index(read, wanted), *findings]
    weight_bytes = sum(one.bytes for one in read.values())
    if len(read) == len(shards):
        findings.append(
            ok(f"{count(len(shards), 'file')} with {size(weight_bytes)} of weights, each as its header says")
        )
    return CheckedModel(findings=tuple(findings), weight_bytes=weight_bytes)


def _shards(folder: Path) -> tuple[set[str] | ModelFinding, Mapping[str, str]]:
    """Names of the files with weights, and what the index says: tensor to file."""
    indexes = sorted(folder.glob(INDEX))
    if indexes:
        index = _json(indexes[0])
        places = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
            return error(f"{indexes[0].name} is no index: it has no weight_map", _DOWNLOAD), {}
        if outside := [name for name in places.values() if Path(name).name != name]:
            return error(f"{indexes[0].name} names a file outside the folder: {outside[0]}"), {}
        return set(places.values()), places
    found = {path.name for path in folder.glob("*.safetensors")}
    if not found:
        others = sorted(path.name for path in folder.glob("*.bin"))
        said = f"; {others[0]} is a checkpoint of PyTorch, which runs code when it is read" if others else ""
        return error(f"there is no .safetensors file in {folder}{said}", _DOWNLOAD), {}
    return found | _numbered(found), {}


def _numbered(found: set[str]) -> set[str]:
    """All files of a series of which some are there: `model-00001-of-00013.safetensors`."""
    series = {(shard["stem"], shard["count"]) for name in found if (shard := _SHARD.fullmatch(name))}
    return {f"{stem}-{number:05}-of-{last}.safetensors" for stem, last in series for number in range(1, int(last) + 1)}


def _read(path: Path) -> safetensors.Weights | ModelFinding:
    if path.is_symlink() and not path.exists():
        return error(f"{path.name} is a link to nothing: {path.readlink()}", _DOWNLOAD)
    try:
        return safetensors.read(path)
    except FileNotFoundError:
        return error(f"{path.name} is missing", _DOWNLOAD)
    except safetensors.BrokenFileError as broken:
        return error(f"{path.name}: {broken}", _DOWNLOAD)


def _against_index(read: Mapping[str, safetensors.Weights], wanted: Mapping[str, str]) -> Iterator[ModelFinding]:
    """Tensors that the index promises in a file that is whole, and that are not in it."""
    missing = [name for name, file in wanted.items() if file in read and name not in read[file].tensors]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        named = ", ".join(f"{name} in {wanted[name]}" for name in missing[:_SHOWN])
        yield error(
            f"the index names tensors that are not there: {named}{more}", "Index and files are of two versions."
        )


def _configuration(folder: Path) -> Iterator[ModelFinding]:
    path = folder / "config.json"
    if not path.is_file():
        yield error("config.json is missing: no server knows the model's shape without it", _DOWNLOAD)
        return
    found = _json(path)
    if not isinstance(found, dict):
        yield error("config.json is no JSON", _DOWNLOAD)
        return
    if not found.get("architectures"):
        yield warning("config.json names no architecture: servers may not know how to run it")
    quantised = found.get("quantization_config")
    method = f", quantised by {quantised.get('quant_method')}" if isinstance(quantised, dict) else ""
    yield ok(f"{', '.join(map(str, found.get('architectures') or ['a model']))}{method}")


def _tokenizer(folder: Path) -> Iterator[ModelFinding]:
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        yield warning(f"there is no tokenizer: none of {', '.join(_TOKENIZERS)}", _DOWNLOAD)


def _unfinished(folder: Path) -> Iterator[ModelFinding]:
    places = (folder, folder / ".cache/huggingface/download")
    found = [path for place in places if place.is_dir() for path in place.iterdir() if path.suffix in _UNFINISHED]
    if found:
        yield warning(f"{count(len(found), 'download')} did not end: {found[0].name}", _DOWNLOAD)


def _json(path: Path) -> Any:
    """None for what is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None
