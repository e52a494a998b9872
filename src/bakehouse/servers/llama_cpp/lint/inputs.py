"""What kind of file somebody brings along. It is decided by what is in it; what is none of these is refused.

| kind | by |
|---|---|
| Dockerfile | its first instruction is FROM, or ARG before it |
| compose file | YAML with a mapping `services` |
| manifest of Kubernetes | YAML with `apiVersion` and `kind`, in one document or more |
| configuration of llama-swap | YAML with a mapping `models`, each with a `cmd` |
| unit | a section [Service] or [Container] |
| CMake presets | JSON with `configurePresets` |
| script | a first line `#!` with a shell, or a line that starts CMake, a server or a container |
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath

from bakehouse.config.yaml_document import parse
from bakehouse.errors import InputError, Where
from bakehouse.lint.compose_file import read_compose, read_env_file
from bakehouse.lint.examined import Examined, Read
from bakehouse.lint.finding import in_order
from bakehouse.lint.kubernetes import is_kubernetes, read_manifests
from bakehouse.lint.script import read_script
from bakehouse.lint.swap_file import is_swap, read_swap
from bakehouse.lint.unit_file import SECTION, read_container, read_entries, read_service
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_compose import check_compose, is_compose
from bakehouse.servers.llama_cpp.lint.check_container import check_container, looked_at
from bakehouse.servers.llama_cpp.lint.check_dockerfile import check_dockerfile
from bakehouse.servers.llama_cpp.lint.check_kubernetes import check_kubernetes
from bakehouse.servers.llama_cpp.lint.check_presets import check_presets
from bakehouse.servers.llama_cpp.lint.check_script import check_script, is_of_interest
from bakehouse.servers.llama_cpp.lint.check_swap import check_swap

CAN_BE = (
    "Dockerfiles, compose files, manifests of Kubernetes, configurations of llama-swap, shell scripts, units of "
    "systemd and Podman, and CMake presets can be linted; a command line with --cmake or --server."
)
_FIRST_INSTRUCTION = re.compile(r"(?:\s*(?:#[^\n]*)?\n)*\s*(?:ARG|FROM)\s+\S", re.IGNORECASE)
_FROM = re.compile(r"^\s*FROM\s+\S", re.IGNORECASE | re.MULTILINE)
_SHEBANG = re.compile(r"#!.*\b(?:sh|bash|dash|zsh|ksh|ash)\b")
_OTHER_SHEBANG = re.compile(r"#!\s*(?P<program>\S+(?:\s+\S+)?)")
_YAML = frozenset({".yml", ".yaml"})
_SCRIPTS = frozenset({".sh", ".bash", ".txt", ".md", ""})
_UNITS = frozenset({"Service", "Container"})


def check_input(text: str, *, file: str, basis: Basis, read: Read) -> Examined:
    """Raises InputError for what cannot be linted, with what it is as far as one sees."""
    for kind in (_as_unit, _as_presets, _as_kubernetes, _as_swap, _as_compose, _as_dockerfile, _as_script):
        found = kind(text, file, basis, read)
        if found is not None:
            return found
    raise InputError(f"{_description(text, file)} cannot be linted", hint=CAN_BE, where=Where(file=file))


Reader = Callable[[str, str, Basis, Read], Examined | None]


def _as_dockerfile(text: str, file: str, basis: Basis, _: Read) -> Examined | None:
    if not (_FIRST_INSTRUCTION.match(text) and _FROM.search(text)):
        return None
    return check_dockerfile(text, file=file, basis=basis)


def _as_compose(text: str, file: str, basis: Basis, read: Read) -> Examined | None:
    if PurePath(file).suffix not in _YAML and not re.search(r"^services:\s*(?:#.*)?$", text, re.MULTILINE):
        return None
    environ = {one.name: one.value for one in read_env_file(read(".env") or "", file=".env")}
    compose = read_compose(text, file=file, environ=environ)
    if not is_compose(compose.document.value):
        what = _kind_of_yaml(compose.document.value)
        raise InputError(f"{what} cannot be linted", hint=CAN_BE, where=Where(file=file))
    return check_compose(compose, basis, read=read)


def _as_kubernetes(text: str, file: str, basis: Basis, _: Read) -> Examined | None:
    if PurePath(file).suffix not in _YAML or not is_kubernetes(text):
        return None
    manifests = read_manifests(text, file=file)
    values = (one.document.value for one in manifests)
    kinds = dict.fromkeys(_kind_of_yaml(value) for value in values)
    return check_kubernetes(manifests, basis, file=file, kinds=", ".join(kinds))


def _as_swap(text: str, file: str, basis: Basis, _: Read) -> Examined | None:
    if PurePath(file).suffix not in _YAML or not re.search(r"^models:\s*(?:#.*)?$", text, re.MULTILINE):
        return None
    document = parse(text, file=file)
    return check_swap(read_swap(document, text), basis) if is_swap(document.value) else None


def _kind_of_yaml(value: object) -> str:
    if not isinstance(value, Mapping):
        return "YAML without services"
    if "apiVersion" in value:
        return f"a {value.get('kind', 'resource')} of Kubernetes"
    if "jobs" in value:
        return "a workflow of CI"
    if "axes" in value or "build" in value:
        return "a file of the project (`bakehouse lint` without a file looks at those)"
    return "YAML without services"


def _as_unit(text: str, file: str, basis: Basis, _: Read) -> Examined | None:
    if not _UNITS & {found["name"] for found in SECTION.finditer(text)}:
        return None
    entries = list(read_entries(text))
    container = read_container(entries, file=file)
    if container is not None:
        return Examined(
            file=file,
            findings=in_order(check_container(container, basis)),
            looked=looked_at(container),
            kind="unit of Podman",
        )
    script = read_service(entries, file=file)
    if not is_of_interest(script):
        raise InputError("the unit starts nothing of llama.cpp", hint=CAN_BE, where=Where(file=file))
    return check_script(script, text, basis, kind="unit of systemd")


def _as_presets(text: str, file: str, basis: Basis, _: Read) -> Examined | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, dict) or "configurePresets" not in value:
        return None
    return check_presets(parse(text, file=file), basis)


def _as_script(text: str, file: str, basis: Basis, _: Read) -> Examined | None:
    is_script = bool(_SHEBANG.match(text))
    if not is_script and (text.startswith("#!") or PurePath(file).suffix not in _SCRIPTS):
        return None
    script = read_script(text, file=file)
    if not is_of_interest(script):
        if not is_script:
            return None
        what = "the script builds and starts nothing of llama.cpp, as far as one sees"
        raise InputError(what, hint=CAN_BE, where=Where(file=file))
    return check_script(script, text, basis, kind="script" if is_script else "command lines")


def _description(text: str, file: str) -> str:
    if "\0" in text:
        return "a binary file"
    if not text.strip():
        return "an empty file"
    if found := _OTHER_SHEBANG.match(text):
        return f"a script for {found['program'].rpartition('/')[2]}"
    suffix = PurePath(file).suffix
    if PurePath(file).name.lower().startswith(("dockerfile", "containerfile")) or suffix.lower() == ".dockerfile":
        return "a Dockerfile without FROM"
    return f"a file of the kind {suffix}" if suffix else "this file"


# ---------------------------------------------------------------------------------------------- command lines


def check_cmake_line(line: str, basis: Basis) -> Examined:
    """`-DGGML_CUDA=ON ...`, with or without `cmake` before it."""
    text = line if re.match(r"\s*(?:\S+=\S*\s+)*(?:\S*/)?cmake3?\b", line) else f"cmake {line}"
    return _line(text, "--cmake", basis, kind="CMake command line")


def check_server_line(line: str, basis: Basis) -> Examined:
    """`llama-server -m ...`, its arguments alone, or `docker run ... IMAGE ARGUMENTS`."""
    text = f"llama-server {line}" if line.lstrip().startswith("-") else line
    return _line(text, "--server", basis, kind="server command line")


def _line(text: str, file: str, basis: Basis, *, kind: str) -> Examined:
    script = read_script(text, file=file, first_line=None)
    if not is_of_interest(script):
        hint = "For example --cmake '-DGGML_CUDA=ON' or --server 'llama-server -m model.gguf'."
        raise InputError(f"nothing of llama.cpp in {text.strip()!r}", hint=hint, where=Where(file=file))
    return check_script(script, text, basis, kind=kind)
