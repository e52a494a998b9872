"""Folders of root that another user may not enter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import base_word
from bakehouse.lint.stages.stage import StageModel

_ROOTS = re.compile(r"/root(?:/|$)")
_OPENED = re.compile(r"\b(?:chmod|chown|setfacl|install)\b[^&;|]*/root")
_HOMES = re.compile(r"(?:[A-Z0-9_]*_)?(?:HOME|CACHE|CACHE_DIR|MODELS|MODEL|DATA|DIR|PATH)")


def check_home(image: StageModel) -> Iterator[Finding]:
    """A variable, or the program, in /root of an image that runs as somebody else."""
    user = next((part.user for part in reversed(image.chain) if part.user), None)
    name = user.text.partition(":")[0] if user else ""
    if user is None or not user.complete or name in ("", "root", "0") or "$" in name or image.fills(_OPENED):
        return
    own = {id(setting) for part in image.chain for setting in part.variables}
    for setting in image.environment.values():
        if (
            id(setting) in own
            and setting.name != "PATH"
            and _HOMES.fullmatch(setting.name)
            and _ROOTS.match(setting.value)
        ):
            yield finding(
                setting,
                f"is a folder that user {name} may not enter",
                "/root belongs to root alone: nothing can be read or kept there.",
                "a folder that belongs to the user: /home/USER/..., or /models",
                subject=setting.as_variable,
            )
    for word in (*image.entrypoint[:1], *image.command[:1]):
        if _ROOTS.match(word.text) and word.where != base_word(image).where:
            yield finding(
                word,
                f"lies in a folder that user {name} may not enter",
                '/root belongs to root alone: the container ends with "permission denied".',
                "another folder for the program: /usr/local/bin, /app",
            )
