"""The file system that a container would see: the layers applied one after the other."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bakehouse.errors import InfrastructureError
from bakehouse.prove.image.layer import Entry, LayerAtRest

_MOST_LINKS = 40
"""Symlinks that Linux follows in one path before it says ELOOP."""

_ROOT = Entry(path="/", kind="folder", mode=0o755, uid=0, gid=0)


class Tree:
    """Entries by absolute path. Hard links are files here; whiteouts have done their work."""

    def __init__(self, layers: Iterable[LayerAtRest] = ()) -> None:
        self._entries: dict[str, Entry] = {"/": _ROOT}
        self._children: dict[str, set[str]] = {"/": set()}
        for layer in layers:
            self._apply(layer)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, path: str) -> Entry | None:
        """What lies at a path: the last part is not followed when it is a symlink."""
        folder, name = posixpath.split(path)
        found = self.resolve(folder) if name else "/"
        return self._entries.get(posixpath.join(found, name)) if found else None

    def follow(self, path: str) -> Entry | None:
        """What a path leads to, through all symlinks; None where it leads nowhere."""
        found = self.resolve(path)
        return self._entries[found] if found else None

    def resolve(self, path: str) -> str | None:
        """The path without symlinks in it, as in a container: the image's root is the root."""
        pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        at, links = "/", 0
        while pending:
            part = pending.pop()
            if part == "..":
                at = posixpath.dirname(at)
                continue
            entry = self._entries.get(posixpath.join(at, part))
            if entry is None:
                return None
            if entry.kind != "symlink":
                if pending and entry.kind != "folder":
                    return None
                at = entry.path
                continue
            links += 1
            if links > _MOST_LINKS or not entry.target:
                return None
            at = "/" if entry.target.startswith("/") else at
            pending.extend(part for part in reversed(entry.target.split("/")) if part not in ("", "."))
        return at

    def children(self, folder: str) -> list[Entry]:
        """What lies in a folder, sorted by name; nothing where there is no such folder."""
        found = self.resolve(folder)
        return [self._entries[path] for path in sorted(self._children.get(found, ()))] if found else []

    def below(self, folder: str) -> Iterator[Entry]:
        """Everything under a folder, sorted by path, without following symlinks that lie in it."""
        for entry in self.children(folder):
            yield entry
            if entry.kind == "folder":
                yield from self.below(entry.path)

    def _apply(self, layer: LayerAtRest) -> None:
        for path in layer.removed:
            if entry := self.get(path):
                self._remove(entry.path)
        for path in layer.emptied:
            for entry in self.children(path):
                self._remove(entry.path)
        for entry in layer.entries:
            if entry.path == "/":
                self._entries["/"] = entry
            else:
                self._add(entry, layer)

    def _add(self, entry: Entry, layer: LayerAtRest) -> None:
        folder, name = posixpath.split(entry.path)
        path = posixpath.join(self._folder(folder), name)
        old = self._entries.get(path)
        if old and not (old.kind == "folder" and entry.kind == "folder"):
            self._remove(path)
        if entry.kind == "hardlink":
            first = self.get(entry.target)
            if first is None:
                raise InfrastructureError(
                    f"layer {layer.digest} is damaged: {entry.path} is a hard link to {entry.target}, which is missing",
                    hint="Save the image again.",
                )
            entry = first
        self._put(replace(entry, path=path))

    def _folder(self, path: str) -> str:
        """The real path of a folder, which is made where a layer does not name it."""
        found = self.resolve(path)
        if found is not None and self._entries[found].kind == "folder":
            return found
        parent, name = posixpath.split(path)
        path = posixpath.join(self._folder(parent), name)
        self._remove(path)
        self._put(replace(_ROOT, path=path))
        return path

    def _put(self, entry: Entry) -> None:
        self._entries[entry.path] = entry
        self._children[posixpath.dirname(entry.path)].add(entry.path)
        if entry.kind == "folder":
            self._children.setdefault(entry.path, set())

    def _remove(self, path: str) -> None:
        for child in list(self._children.pop(path, ())):
            self._remove(child)
        if self._entries.pop(path, None):
            self._children.get(posixpath.dirname(path), set()).discard(path)
