"""A server that is copied out of an image of llama.cpp into another one, which may lack what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.lint.finding import Finding
from bakehouse.lint.relations.catalogue import load_catalogue
from bakehouse.lint.relations.check_libc import needed_glibc
from bakehouse.lint.relations.facts import is_older
from bakehouse.lint.relations.view import View, base_word, finding
from bakehouse.lint.stages.bases import Base, find_base
from bakehouse.lint.stages.components import load_components

_NEEDED = ("libgomp", "libssl", "cuda-runtime", "cublas", "vulkan-loader", "vulkan-driver")
"""What its image has beside it, as far as it has it."""


def check_copied_images(view: View) -> Iterator[Finding]:
    own = {view.image.contents.stage.name, *(stage.contents.stage.name for stage in view.stages)}
    for source in dict.fromkeys(copy.source for copy in view.image.copies if copy.source):
        base = find_base(source, load_catalogue())
        if source.lower() not in own and base.image is not None and base.image.entrypoint and base.image.flavour:
            yield from _check(base, view)


def _check(source: Base, view: View) -> Iterator[Finding]:
    image = view.image
    word = base_word(image)
    if image.base.libc and image.base.libc != "glibc":
        yield finding(
            word,
            "has another C library than the server",
            f'The server of {source.text} is linked to glibc: it does not start, with "no such file or directory".',
            f"an image of Ubuntu, or FROM {source.text} itself",
        )
        return
    newer, older = source.facts.glibc, image.base.facts.glibc
    if newer and older and is_older(older, needed_glibc(newer)):
        yield finding(
            word,
            f"is older than {source.text}, whose server is copied",
            f'It has glibc {older}, and the server wants more: "version `GLIBC_{needed_glibc(newer)}\' not found".',
            f"{source.title}, or FROM {source.text} itself",
        )
    for name in _NEEDED:
        component = load_components()[name]
        if source.has(name) and image.has(name) is False:
            package = component.install.get(image.base.manager or "apt", name)
            yield finding(
                word,
                f"lacks {component.title}",
                f"The server of {source.text} needs it, and its own image has it beside it.",
                f"install {package}, or FROM {source.text} itself",
            )
