"""A server that is copied out of an image of llama.cpp into another one, which may lack what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.check_libc import needed_glibc
from bakehouse.lint.relations.versions import is_older
from bakehouse.lint.relations.view import View, base_word
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.bases import KnownBase, find_base
from bakehouse.lint.stages.components import load_components
from bakehouse.servers.llama_cpp.lint.catalogue import load_catalogue

_NEEDED = ("libgomp", "libssl", "cuda-runtime", "cublas", "vulkan-loader", "vulkan-driver")
"""What its image has beside it, as far as it has it."""


_PREBUILT = re.compile(r"/llama-b[0-9]+-bin-ubuntu-(?P<kind>[a-z0-9.-]*?)-?(?:x64|arm64|s390x)\.(?:zip|tar\.gz)")
"""Archives of upstream's releases. They are built on Ubuntu 22.04 or later."""


def check_prebuilt(view: View) -> Iterator[Finding]:
    """Programs of a release, put into an image that lacks what they are linked to."""
    for stage in view.sources:
        for one in stage.chain:
            words = [word for command in one.commands for word in command.words]
            words += [word for source, added in one.copies if source is None for word in added]
            for word in words:
                if found := _PREBUILT.search(word.text):
                    yield from _check_prebuilt(word, found["kind"], view)
                    return


def _check_prebuilt(word: Word, kind: str, view: View) -> Iterator[Finding]:
    image = view.image
    if image.base.libc and image.base.libc != "glibc":
        why = f'It is linked to glibc, which {image.base.text} lacks: "no such file or directory".'
        yield finding(word, "does not run in this image", why, "an image of Ubuntu or Debian")
        return
    older = image.base.facts.glibc
    if older and is_older(older, _PREBUILT_GLIBC):
        why = f"It was built with glibc {_PREBUILT_GLIBC} or newer, and {image.base.title} has {older}."
        yield finding(word, "does not run in this image", why, "a newer release")
    for name in ("libgomp", *(("vulkan-loader", "vulkan-driver") if "vulkan" in kind else ())):
        component = load_components()[name]
        if image.has(name) is False:
            package = component.install.get(image.base.manager or "apt", name)
            why = "The programs of a release need it, and the archive does not have it."
            yield finding(base_word(image), f"lacks {component.title}", why, f"install {package}")


_PREBUILT_GLIBC = "2.34"


def check_copied_images(view: View) -> Iterator[Finding]:
    own = {view.image.contents.stage.name, *(stage.contents.stage.name for stage in view.stages)}
    for source in dict.fromkeys(copy.source for copy in view.image.copies if copy.source):
        base = find_base(source, load_catalogue())
        if source.lower() not in own and base.image is not None and base.image.entrypoint and base.image.flavour:
            yield from _check(base, view)


def _check(source: KnownBase, view: View) -> Iterator[Finding]:
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
