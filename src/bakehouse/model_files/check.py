"""A model by its path: a folder of Hugging Face, a safetensors file or a GGUF, also one in several files."""

from __future__ import annotations

import re
from pathlib import Path

from bakehouse.errors import InputError
from bakehouse.formatting import count, size
from bakehouse.model_files import safetensors
from bakehouse.model_files.finding import CheckedModel, ModelFinding, error, ok
from bakehouse.model_files.folder import check_folder
from bakehouse.model_files.gguf.header import GgufError, read_header

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")


def check_model(path: Path) -> CheckedModel:
    """Raises InputError for a path where nothing is or that cannot be read."""
    try:
        if path.is_dir():
            ggufs = sorted(path.glob("*.gguf"))
            alone = ggufs and not any(path.glob("*.safetensors*"))
            return _ggufs(ggufs[0]) if alone else check_folder(path)
        if not path.exists():
            raise InputError(f"{path} does not exist", hint="Name a folder of Hugging Face, or a .gguf file.")
        return _safetensors(path) if path.suffix == ".safetensors" else _ggufs(path)
    except OSError as unreadable:
        raise InputError(f"{unreadable.filename or path} cannot be read: {unreadable.strerror}") from None


def _safetensors(path: Path) -> CheckedModel:
    try:
        found = safetensors.read(path)
    except safetensors.BrokenFileError as broken:
        return CheckedModel(findings=(error(f"{path.name}: {broken}", "Download it again."),))
    whole = ok(f"{count(len(found.tensors), 'tensor')}, {size(found.bytes)}, as its header says")
    return CheckedModel(findings=(whole,), weight_bytes=found.bytes)


def _ggufs(path: Path) -> CheckedModel:
    """All parts of a GGUF, whichever of them was named."""
    part = _PART.fullmatch(path.name)
    names = (
        [f"{part['stem']}-{number:05}-of-{part['count']}.gguf" for number in range(1, int(part["count"]) + 1)]
        if part
        else [path.name]
    )
    findings: list[ModelFinding] = []
    weight_bytes = tensors = 0
    for name in names:
        one = path.with_name(name)
        if not one.exists():
            findings.append(error(f"{name} is missing", "All parts of a model lie in one folder."))
            continue
        try:
            header = read_header(one)
        except GgufError as broken:
            findings.append(error(broken.message.replace(str(one), name, 1), broken.hint or "Download it again."))
            continue
        tensors += len(header.tensors)
        weight_bytes += sum(tensor.bytes or 0 for tensor in header.tensors)
        if not part or name == names[0]:
            findings.append(ok(f"GGUF of the architecture {header.architecture or 'that it does not name'}"))
        findings += _parts_said(header.metadata.get("split.count"), len(names), name)
    if all(one.severity != "error" for one in findings):
        findings.append(ok(f"{count(len(names), 'file')} with {count(tensors, 'tensor')}, {size(weight_bytes)}"))
    return CheckedModel(findings=tuple(findings), weight_bytes=weight_bytes)


def _parts_said(said: object, there: int, name: str) -> list[ModelFinding]:
    """A part that was renamed, so that its name does not tell of the others."""
    if isinstance(said, int) and said > 1 and said != there:
        return [error(f"{name} is one of {said} parts, and its name does not say which", "Give it its old name again.")]
    return []
