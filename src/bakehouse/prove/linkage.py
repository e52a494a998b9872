"""Whether everything that the product links to is in the image, in the place and the version where it is looked for."""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterator

from bakehouse.model.report import Check
from bakehouse.prove import product
from bakehouse.prove.driver import of_driver
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import Elf
from bakehouse.prove.image.loader import Loader, Process, expand

NAME = "linkage"
_MOST_SYMBOLS = 5


def check_linkage(image: ImageAtRest, expectation: Expectation) -> Check:
    """Every library, symbol version and symbol that the product needs is there, as glibc's loader would find it.

    Only the driver's libraries may be missing. The product's programs are processes; plugins, and libraries that no
    program links to, are loaded into the process of the entrypoint. Of what was compiled elsewhere it is only told, and
    not judged, that a search path can lead to nothing, and that symbols come from a library beside it to which it does
    not link: its own program loads that one first.
    """
    elves = product.elves(image, expectation)
    problems = product.broken(image, expectation)
    notes: list[str] = []
    for elf in elves:
        for line, leads_nowhere in _search_paths(image, elf):
            (notes if leads_nowhere and expectation.is_foreign(elf.path) else problems).append(line)
    problems += [line for elf in elves if elf.interpreter for line in _interpreter(image, elf)]
    mine = {elf.path for elf in elves}
    loads = list(_loads(image, expectation, elves))
    if not loads and not problems:
        problems.append(f"there is nothing to link: no ELF file in {expectation.plugin_folder}, and no entrypoint")
    for root, process in loads:
        missing, known = _missing(image, process, expectation)
        problems += missing
        notes += known
        problems += _versions(process)
        if all(one.library in expectation.driver_libraries for one in process.missing):
            for elf in process.elves:
                if elf.path in mine and (found := _symbols(process, elf, elves)):
                    line, is_beside = found
                    (notes if is_beside and expectation.is_foreign(elf.path) else problems).append(line)
        else:
            notes.append(f"the symbols of {root.path} were not followed: a library is missing")
    return judge(
        NAME,
        list(dict.fromkeys(problems)),
        passed=f"all libraries, versions and symbols of {len(elves)} ELF files are there",
        notes=list(dict.fromkeys(notes)),
    )


def _loads(image: ImageAtRest, expectation: Expectation, elves: list[Elf]) -> Iterator[tuple[Elf, Process]]:
    """Each root with its process: programs first, then what they would load later."""
    loader = Loader(image)
    main = Process()
    entry = _entry_elf(image)
    if entry:
        loader.load(entry, main)
        yield entry, main
    reached = {elf.path for elf in main.elves}
    for elf in elves:
        if elf.is_program and elf is not entry:
            process = Process()
            loader.load(elf, process)
            reached |= {loaded.path for loaded in process.elves}
            yield elf, process
    plugins = {elf.path for elf in product.plugins(image, expectation).values()}
    for elf in _users_first([elf for elf in elves if not elf.is_program]):
        if elf.path in plugins or elf.path not in reached:
            process = main.fork()
            loader.load(elf, process)
            reached |= {loaded.path for loaded in process.elves}
            yield elf, process


def _users_first(libraries: list[Elf]) -> list[Elf]:
    """Those that no other names as needed, then the others: an RPATH of its user may be all that a library's own needs
    are found by, as in the older wheels of numpy.
    """
    needed = {name for elf in libraries for name in elf.needed}
    return sorted(libraries, key=lambda elf: posixpath.basename(elf.path) in needed)


def _entry_elf(image: ImageAtRest) -> Elf | None:
    """The program that the kernel would run: the entrypoint, or the interpreter of a script."""
    entry = product.entry_program(image)
    for _ in range(2):
        if entry is None:
            return None
        with image.open(entry) as file:
            start = file.read(256)
        if not start.startswith(b"#!"):
            break
        words = start[2:].splitlines()[0].decode("utf-8", errors="replace").split()
        if words and words[0].endswith("/env"):
            words = [word for word in words[1:] if not word.startswith("-")]
        entry = image.find_program(words[0]) if words else None
    return product.whole_elf(image, entry.path) if entry else None


def _search_paths(image: ImageAtRest, elf: Elf) -> Iterator[tuple[str, bool]]:
    """A folder that was named at build time and is not in the image: it works on the build machine only.

    With it: whether nothing can be found there, since the image has no such library and nobody may put one there.
    """
    for kind, folders in (("RPATH", elf.rpath), ("RUNPATH", elf.runpath)):
        for folder in folders:
            if not folder.startswith(("/", "$ORIGIN", "${ORIGIN}")):
                place = posixpath.join(image.config.get("WorkingDir") or "/", folder)
                line = f"{elf.path} has {kind} {folder!r}, which depends on the folder it is started in; use $ORIGIN"
                yield line, not any(image.tree.follow(posixpath.join(place, name)) for name in elf.needed)
            elif folder.startswith("/") and image.tree.follow(place := expand(folder, elf)) is None:
                line = f"{elf.path} has {kind} {folder}, which is not in the image; use $ORIGIN"
                yield line, not _writable(image, place)


def _writable(image: ImageAtRest, folder: str) -> bool:
    """Whether everybody may make this folder: the nearest one above that is there is `/tmp`, say."""
    above = posixpath.dirname(folder)
    while (entry := image.tree.follow(above)) is None:
        above = posixpath.dirname(above)
    return bool(entry.mode & stat.S_IWOTH)


def _interpreter(image: ImageAtRest, elf: Elf) -> Iterator[str]:
    if product.whole_elf(image, elf.interpreter) is None:
        yield f"{elf.path} is started by {elf.interpreter}, which is not in the image"


def _missing(image: ImageAtRest, process: Process, expectation: Expectation) -> tuple[list[str], list[str]]:
    problems, notes = [], []
    for missing in process.missing:
        if missing.library in expectation.driver_libraries:
            notes.append(f"{missing.library} comes with the driver (needed by {missing.needed_by})")
        else:
            elsewhere = [e.path for e in image.tree if e.path.endswith(f"/{missing.library}") and e.kind != "folder"]
            where = f"; {elsewhere[0]} is not where the loader looks, or leads nowhere" if elsewhere else ""
            problems.append(f"{missing.library} is missing, needed by {missing.needed_by}{where}")
    for name, elf in process.names.items():
        if name in expectation.driver_libraries and "/stubs/" in elf.path:
            problems.append(f"{name} is the stub {elf.path}: it would hide the host's driver")
    return problems, notes


def _versions(process: Process) -> Iterator[str]:
    for elf in process.elves:
        for library, versions in elf.versions_needed.items():
            provider = process.names.get(library)
            if provider and provider.versions_defined:  # without any, the loader only warns
                for version in sorted(versions - provider.versions_defined):
                    yield f"{elf.path} needs {version} of {library}, which {provider.path} does not have"


def _symbols(process: Process, elf: Elf, elves: list[Elf]) -> tuple[str, bool] | None:
    """Problems with symbols that nothing which is loaded defines; with it, whether libraries in its folder do."""
    outside = {one.library for one in process.missing}
    left = sorted(
        name
        for name in elf.undefined
        if not any(name in other.defined for other in process.elves)
        and not any(of_driver(name, library) for library in outside.intersection(elf.needed))
    )
    if not left:
        return None
    more = f" and {len(left) - _MOST_SYMBOLS} more" if len(left) > _MOST_SYMBOLS else ""
    names = f"{', '.join(left[:_MOST_SYMBOLS])}{more}"
    beside = [other for other in elves if _is_beside(other, elf) and set(left) & other.defined.keys()]
    if all(any(name in other.defined for other in beside) for name in left):
        where = " and ".join(posixpath.basename(other.path) for other in beside)
        return f"{elf.path} needs symbols of {where} and does not link to it: {names}", True
    return f"{elf.path} needs symbols that no library defines: {names}", False


def _is_beside(other: Elf, elf: Elf) -> bool:
    return other.path != elf.path and posixpath.dirname(other.path) == posixpath.dirname(elf.path)
