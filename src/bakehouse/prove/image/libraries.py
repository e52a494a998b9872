"""Libraries that were copied into the product beside what we compiled, and who needs them."""

from __future__ import annotations

import fnmatch

from bakehouse.prove import product
from bakehouse.prove.expect import Expectation
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import Elf
from bakehouse.prove.image.loader import Loader, Process


def copied(image: ImageAtRest, expectation: Expectation) -> list[Elf]:
    """ELF files of the product that came from elsewhere: neither plugins nor programs, and no program links to them.

    Only a backend has such libraries: in an image without one, everything is our own. Of what was compiled elsewhere
    they are the vendor's, and in an image that somebody published none was copied by us.
    """
    if not expectation.backend_plugins or expectation.starts_published:
        return []
    if expectation.vendor_libraries:
        return [
            elf
            for elf in product.elves(image, expectation)
            if any(fnmatch.fnmatchcase(elf.path, pattern) for pattern in expectation.vendor_libraries)
        ]
    plugins = {elf.path for elf in product.plugins(image, expectation).values()}
    own = plugins | reached(image, [elf for elf in product.elves(image, expectation) if elf.is_program])
    promised = {f"{expectation.plugin_folder}/{name}" for name in expectation.plugins}
    return [elf for elf in product.elves(image, expectation) if elf.path not in own | promised]


def unneeded(image: ImageAtRest, expectation: Expectation) -> list[Elf]:
    """Copied libraries that no plugin links to, through others too, and that nobody promised to load by name."""
    elves = product.elves(image, expectation)
    strangers = copied(image, expectation)
    named = [elf for elf in strangers if loaded_by_name(elf.path, expectation)]
    foreign = {elf.path for elf in strangers}
    needed = reached(image, [*(elf for elf in elves if elf.path not in foreign), *named])
    return [elf for elf in strangers if elf.path not in needed]


def reached(image: ImageAtRest, roots: list[Elf]) -> set[str]:
    """Paths of files and of all that they link to."""
    loader = Loader(image)
    found: set[str] = set()
    for root in roots:
        process = Process()
        loader.load(root, process)
        found |= {elf.path for elf in process.elves}
    return found


def loaded_by_name(path: str, expectation: Expectation) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in expectation.loaded_by_name)
