"""All rules about relations, in the order of a build."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bakehouse.lint.finding import Finding
from bakehouse.lint.relations.check_build_time import check_build_time
from bakehouse.lint.relations.check_flags import check_flags
from bakehouse.lint.relations.check_image_platforms import check_image_platforms
from bakehouse.lint.relations.check_libc import check_libc
from bakehouse.lint.relations.check_lost import check_lost
from bakehouse.lint.relations.check_managers import check_managers
from bakehouse.lint.relations.check_needs import check_needs
from bakehouse.lint.relations.check_shell import check_shell
from bakehouse.lint.relations.check_unseen import check_unseen
from bakehouse.lint.relations.check_users import check_users
from bakehouse.lint.relations.check_vendor_packages import check_vendor_packages
from bakehouse.lint.relations.view import View
from bakehouse.servers.llama_cpp.lint.relations.check_archs import check_archs
from bakehouse.servers.llama_cpp.lint.relations.check_cache import check_cache
from bakehouse.servers.llama_cpp.lint.relations.check_compilers import check_compilers
from bakehouse.servers.llama_cpp.lint.relations.check_copied_images import check_copied_images, check_prebuilt
from bakehouse.servers.llama_cpp.lint.relations.check_driver import check_driver
from bakehouse.servers.llama_cpp.lint.relations.check_https import check_https
from bakehouse.servers.llama_cpp.lint.relations.check_installation import check_installation
from bakehouse.servers.llama_cpp.lint.relations.check_libraries import check_libraries
from bakehouse.servers.llama_cpp.lint.relations.check_platforms import check_platforms
from bakehouse.servers.llama_cpp.lint.relations.check_programs import check_programs
from bakehouse.servers.llama_cpp.lint.relations.check_start import check_start
from bakehouse.servers.llama_cpp.lint.relations.check_toolkits import check_toolkits
from bakehouse.servers.llama_cpp.lint.relations.compilers import load_needs

RULES: dict[str, Callable[[View], Iterator[Finding]]] = {
    "programs": check_programs,
    "shell": check_shell,
    "lost": check_lost,
    "needs": lambda view: check_needs(view, load_needs()),
    "toolkits": check_toolkits,
    "compilers": check_compilers,
    "users": check_users,
    "archs": check_archs,
    "platforms": check_platforms,
    "libc": check_libc,
    "libraries": check_libraries,
    "installation": check_installation,
    "start": check_start,
    "driver": check_driver,
    "https": check_https,
    "cache": check_cache,
    "copied images": check_copied_images,
    "prebuilt": check_prebuilt,
}
"""For files that build or start llama.cpp."""


def check_relations(view: View) -> Iterator[Finding]:
    for rule in RULES.values():
        yield from rule(view)


def check_any_file(view: View) -> Iterator[Finding]:
    """Of every file: what was not looked at, and what stops any build."""
    yield from check_unseen(view)
    yield from check_managers(view)
    yield from check_flags(view)
    yield from check_vendor_packages(view)
    yield from check_build_time(view)
    yield from check_image_platforms(view)
