"""How glibc's loader finds libraries, followed inside an image.

The order is that of ld.so(8): the DT_RPATH of the library that asks and of those that loaded it, LD_LIBRARY_PATH,
DT_RUNPATH, `/etc/ld.so.cache`, the default folders. `/etc/ld.so.conf` counts only through the cache: a folder that
is named there and was never seen by ldconfig is not searched, and neither do we.
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import BrokenElfError, Elf

_TRIPLETS = {"EM_X86_64": "x86_64-linux-gnu", "EM_AARCH64": "aarch64-linux-gnu"}
_PLATFORMS = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}
_CACHE_MAGIC = b"glibc-ld.so.cache1.1"
_CACHE_HEADER = 48
_CACHE_ENTRY = "<iIIIQ"


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A library that nothing in the image gives."""

    library: str
    needed_by: str


@dataclass(kw_only=True, slots=True)
class Process:
    """What is loaded, in the order of loading. A library that is loaded is not searched again, as in the loader."""

    elves: list[Elf] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    names: dict[str, Elf] = field(default_factory=dict)
    """Names that were asked for, and sonames."""

    def fork(self) -> Process:
        """The same libraries, so that plugins are loaded one at a time."""
        return Process(elves=list(self.elves), missing=[], names=dict(self.names))


class Loader:
    def __init__(self, image: ImageAtRest) -> None:
        self._image = image
        self._cache = read_cache(image.read("/etc/ld.so.cache") or b"")
        paths = image.environment.get("LD_LIBRARY_PATH", "")
        self._library_path = [folder for folder in paths.replace(";", ":").split(":") if folder]

    def load(self, elf: Elf, process: Process) -> None:
        """Load a program or library and all that it needs into a process, breadth first."""
        parents: dict[str, Elf | None] = {elf.path: None}
        _enter(process, elf)
        queue = [elf]
        while queue:
            asking = queue.pop(0)
            for name in asking.needed:
                if name in process.names:
                    continue
                found = self.find(name, [asking, *_ancestors(asking, parents)])
                if found is None:
                    process.missing.append(Missing(library=name, needed_by=asking.path))
                    continue
                process.names[name] = found
                if found.path not in {loaded.path for loaded in process.elves}:
                    parents[found.path] = asking
                    _enter(process, found)
                    queue.append(found)

    def find(self, name: str, asking: list[Elf]) -> Elf | None:
        """The file that a name stands for; `asking` is the library that needs it, then those that loaded that."""
        if "/" in name:
            return self._fitting(name, asking[0])
        for folder in self._folders(asking):
            if elf := self._fitting(posixpath.join(folder, name), asking[0]):
                return elf
        for path in self._cache.get(name, ()):
            if elf := self._fitting(path, asking[0]):
                return elf
        for folder in default_folders(asking[0].machine):
            if elf := self._fitting(posixpath.join(folder, name), asking[0]):
                return elf
        return None

    def _folders(self, asking: list[Elf]) -> Iterator[str]:
        if not asking[0].runpath:
            for elf in asking:
                yield from (expand(folder, elf) for folder in elf.rpath if not elf.runpath)
        yield from (expand(folder, asking[0]) for folder in self._library_path)
        yield from (expand(folder, asking[0]) for folder in asking[0].runpath)

    def _fitting(self, path: str, asking: Elf) -> Elf | None:
        """The library at a path, if it is one of the same machine and word size: others are passed over."""
        if not path.startswith("/"):
            return None
        try:
            elf = self._image.elf(path)
        except BrokenElfError:
            return None
        return elf if elf and (elf.machine, elf.bits) == (asking.machine, asking.bits) else None


def expand(folder: str, elf: Elf) -> str:
    """Put in the loader's variables."""
    origin = posixpath.dirname(elf.path)
    values = {"ORIGIN": origin, "LIB": "lib", "PLATFORM": _PLATFORMS.get(elf.machine, "")}
    if elf.machine in _TRIPLETS:
        values["LIB"] = f"lib/{_TRIPLETS[elf.machine]}"
    for name, value in values.items():
        folder = folder.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return folder


def default_folders(machine: str) -> tuple[str, ...]:
    """Of Debian's and Ubuntu's glibc, then those of others."""
    multiarch = (f"/lib/{_TRIPLETS[machine]}", f"/usr/lib/{_TRIPLETS[machine]}") if machine in _TRIPLETS else ()
    return (*multiarch, "/lib64", "/usr/lib64", "/lib", "/usr/lib")


def read_cache(raw: bytes) -> dict[str, tuple[str, ...]]:
    """Soname to paths, from `/etc/ld.so.cache` (glibc, elf/cache.c). Variants for special CPUs are left out."""
    start = raw.find(_CACHE_MAGIC)
    if start < 0:
        return {}
    raw = raw[start:]
    (count,) = struct.unpack_from("<I", raw, len(_CACHE_MAGIC))
    found: dict[str, tuple[str, ...]] = {}
    for index in range(count):
        _, key, value, _, capabilities = struct.unpack_from(_CACHE_ENTRY, raw, _CACHE_HEADER + index * 24)
        if not capabilities:
            name = _text(raw, key)
            found[name] = (*found.get(name, ()), _text(raw, value))
    return found


def _text(raw: bytes, offset: int) -> str:
    return raw[offset : raw.index(b"\0", offset)].decode("utf-8", errors="replace")


def _enter(process: Process, elf: Elf) -> None:
    process.elves.append(elf)
    if elf.soname:
        process.names.setdefault(elf.soname, elf)


def _ancestors(elf: Elf, parents: dict[str, Elf | None]) -> Iterator[Elf]:
    parent = parents.get(elf.path)
    while parent:
        yield parent
        parent = parents.get(parent.path)
