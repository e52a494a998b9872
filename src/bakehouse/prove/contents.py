"""What lies in the product: the promised plugins, and symlinks that lead somewhere."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from bakehouse.model.report import Check
from bakehouse.prove import product
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import Elf
from bakehouse.prove.image.layer import Entry
from bakehouse.prove.image.loader import expand
from bakehouse.servers.plugins import Plugins


def check_plugins(image: ImageAtRest, expectation: Expectation) -> Check:
    """Exactly the promised plugins are there, and the server can load each.

    Where nothing is known of how it does that, only whether they are there.
    """
    found, kind = product.plugins(image, expectation), expectation.plugin_kind
    problems = []
    for name in sorted({*expectation.plugins, *found}):
        if name not in expectation.plugins:
            problems.append(f"{name} is in {expectation.plugin_folder} and was not promised")
        elif image.tree.follow(posixpath.join(expectation.plugin_folder, name)) is None:
            problems.append(f"{name} is not in {expectation.plugin_folder}{_elsewhere(image, name, kind)}")
        elif kind:
            problems += _wrong(image, name, found.get(name), kind)
    number = len(found) if kind else len(expectation.plugins)
    return judge("plugins", problems, passed=f"{number} plugins as promised", notes=sorted(found))


def _elsewhere(image: ImageAtRest, name: str, kind: Plugins | None) -> str:
    found = sorted(entry.path for entry in image.tree if posixpath.basename(entry.path) == name)
    loader = kind.loader if kind else "the server"
    return f", but it is {found[0]}, where {loader} does not look" if found else ""


def _wrong(image: ImageAtRest, name: str, elf: Elf | None, kind: Plugins) -> Iterator[str]:
    """What keeps a plugin that is there from being loaded."""
    if elf is None:
        yield f"{name} is no plugin: it exports no {kind.init_symbol}"
        return
    wanted = [kind.init_symbol, *([kind.score_symbol] if kind.variant_of(name) else [])]
    yield from (f"{name} does not export {symbol}" for symbol in wanted if symbol not in elf.defined)
    yield from _not_loadable(image, name, elf)


def _not_loadable(image: ImageAtRest, name: str, elf: Elf) -> Iterator[str]:
    """Why `dlopen` would refuse a plugin, or find its libraries by luck only. Servers then go on without a word."""
    program = product.entry_program(image)
    server = product.whole_elf(image, program.path) if program else None
    if server and (elf.machine, elf.bits) != (server.machine, server.bits):
        yield f"{name} is for {elf.machine}, the server for {server.machine}: it is passed over without a word"
    if elf.soname and elf.soname != name:
        yield f"{name} calls itself {elf.soname}; plugins have no versions"
    folder = posixpath.dirname(elf.path)
    neighbours = [needed for needed in elf.needed if image.tree.follow(posixpath.join(folder, needed))]
    searched = {expand(path, elf) for path in elf.runpath or elf.rpath}
    if neighbours and folder not in searched:
        yield f"{name} needs {neighbours[0]}, which lies beside it, and its RUNPATH is not $ORIGIN"


def check_symlinks(image: ImageAtRest, expectation: Expectation) -> Check:
    """Symlinks of the product lead to something in the image, and each library can be found by its soname.

    Dangling symlinks elsewhere are counted and not judged: a slim Debian has them where it leaves out documentation.
    """
    problems = []
    links = [entry for entry in image.tree.below(expectation.plugin_folder) if entry.kind == "symlink"]
    for link in links:
        if _leaves_root(link):
            problems.append(f"{link.path} -> {link.target} leads out of the image")
        elif image.tree.follow(link.path) is None:
            problems.append(f"{link.path} -> {link.target} leads nowhere")
    for elf in product.elves(image, expectation):
        problems += _soname(image, elf)
    return judge(
        "symlinks",
        problems,
        passed=f"{len(links)} symlinks in {expectation.plugin_folder} lead to files",
        notes=list(_dangling(image, expectation)),
    )


def _soname(image: ImageAtRest, elf: Elf) -> Iterator[str]:
    """Programs ask for a library by its soname: a file or symlink of that name must lie beside it."""
    if elf.soname and not elf.is_program:
        name = posixpath.join(posixpath.dirname(elf.path), elf.soname)
        found = image.tree.follow(name)
        if found is None:
            yield f"{elf.path} is looked for as {elf.soname}, and there is no such symlink beside it"
        elif found.path != elf.path:
            yield f"{elf.path} is looked for as {elf.soname}, which leads to {found.path}"


def _leaves_root(link: Entry) -> bool:
    """Whether `..` goes above the root: harmless in a container, and wrong wherever the folder is copied to."""
    depth = 0 if link.target.startswith("/") else posixpath.dirname(link.path).rstrip("/").count("/")
    for part in link.target.split("/"):
        if part == "..":
            depth -= 1
        elif part not in ("", "."):
            depth += 1
        if depth < 0:
            return True
    return False


def _dangling(image: ImageAtRest, expectation: Expectation) -> Iterator[str]:
    inside = expectation.plugin_folder.rstrip("/") + "/"
    folders: dict[str, list[str]] = {}
    for entry in image.tree:
        runtime = entry.target.startswith(("/proc/", "/dev/", "/run/"))  # a container has what the image has not
        passed_over = runtime or entry.path.startswith(inside)
        if entry.kind == "symlink" and not passed_over and image.tree.follow(entry.path) is None:
            folders.setdefault(posixpath.dirname(entry.path), []).append(posixpath.basename(entry.path))
    for folder, names in sorted(folders.items()):
        yield f"elsewhere: {len(names)} dangling in {folder}, for example {min(names)}"
