"""Says what was not checked, since silence about it would read as approval."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import View, base_word
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.stage import StageModel

WHAT = "was not looked at"


def check_unseen(view: View) -> Iterator[Finding]:
    for stage in view.sources:
        if stage.base.image is None and stage.base.text.lower() not in _names(view):
            yield _note(
                base_word(stage), "What this image holds is not known here; nothing is said about what it lacks."
            )
        for one in stage.unseen:
            yield _note(Word(text=_short(one.subject), where=one.where), one.why)
    yield from _check_entrypoint(view.image)


def _names(view: View) -> set[str | None]:
    return {stage.contents.stage.name for stage in view.stages}


def _check_entrypoint(image: StageModel) -> Iterator[Finding]:
    words = image.entrypoint or image.command
    if not words:
        return
    if words[0].text.endswith((".sh", ".py")) or words[0].text.rpartition("/")[2] in ("sh", "bash", "dash"):
        script = next((word for word in words if word.text.endswith((".sh", ".py"))), words[0])
        if script is words[0] and not script.text.endswith((".sh", ".py")):
            return
        yield _note(script, "What it starts, and with which arguments, is not known here.")


def _note(word: Word, why: str) -> Finding:
    return finding(word, WHAT, why, "", severity=Severity.NOTE)


_LONG = 100


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONG else f"{line[:_LONG]}..."
