"""What a person must be told of a nightly run: cells that were good and are not, and channels that stay. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bakehouse.formatting import count
from bakehouse.model.enums import Verdict
from bakehouse.model.image_catalogue import ImageCatalogue, PublishedImage
from bakehouse.model.publish_report import PublishReport
from bakehouse.model.report import CellReport, RunReport

MOST = 50
"""Lines of one kind."""
LONGEST = 300
_MARKS = re.compile(r"([\\`*_\[\]|~#@!$<>])")


def notice(
    runs: Sequence[RunReport], published: ImageCatalogue | None, publications: Sequence[PublishReport] = ()
) -> str:
    """Markdown; empty where there is nothing to tell."""
    named = _named(published)
    blocks = [*_turned(runs, named), *_stayed(publications), *_stale(published), *_unread(published)]
    return "\n".join(blocks) + "\n" if blocks else ""


def _named(published: ImageCatalogue | None) -> dict[str, PublishedImage]:
    """By cell: what a channel names of it."""
    images = published.images if published else []
    return {platform.cell: image for image in images for platform in image.platforms}


def _turned(runs: Sequence[RunReport], named: Mapping[str, PublishedImage]) -> Iterator[str]:
    bad = dict(_bad(runs))
    for verdict in (Verdict.FAILED, Verdict.ERRORED):
        cells = {name: cell for name, cell in bad.items() if cell.verdict is verdict}
        if not cells:
            continue
        yield f"### {count(len(cells), 'cell')} {verdict}\n"
        for name, cell in sorted(cells.items(), key=lambda item: (item[0] not in named, item[0]))[:MOST]:
            yield f"- **{_text(name)}**: {_text(cell.reason)} ({_before(named.get(name))})"
        if len(cells) > MOST:
            yield f"- and {len(cells) - MOST} more"
        yield ""


def _bad(runs: Sequence[RunReport]) -> Iterator[tuple[str, CellReport]]:
    """The worst that any run says of a cell, failures before errors: a machine may have tried it again elsewhere."""
    order = (Verdict.ERRORED, Verdict.FAILED)
    for verdict in order:
        for run in sorted(runs, key=lambda run: run.started):
            yield from ((cell.name, cell) for cell in run.cells if cell.verdict is verdict)


def _before(image: PublishedImage | None) -> str:
    if image is None:
        return "no channel names an image of it"
    tag = next((tag for tag in reversed(image.tags) if tag), image.digest)
    return f"it was good before: {_text(image.channel)} stays at {_text(tag)}"


def _stayed(publications: Sequence[PublishReport]) -> Iterator[str]:
    """Channels that a gate, or the registry, kept where they were."""
    kept = [variant for one in publications for variant in one.variants if variant.outcome in ("stays", "failed")]
    if kept:
        yield f"### {count(len(kept), 'channel tag')} did not move\n"
        for variant in kept[:MOST]:
            reasons = [f"{gate.gate} {gate.state}: {gate.reason}" for gate in variant.gates if gate.blocks]
            why = "; ".join([*reasons, *variant.refusals]) or "the registry failed"
            yield f"- **{_text(f'{variant.channel} {variant.recipe} {variant.variant}')}**: {_text(why)}"
        yield ""


def _stale(published: ImageCatalogue | None) -> Iterator[str]:
    images = [image for image in published.images if image.is_stale] if published else []
    if images:
        yield f"### {count(len(images), 'channel tag')} older than the policy allows\n"
        for image in images[:MOST]:
            since = f"{image.confirmed:%Y-%m-%d}" if image.confirmed else "never"
            yield f"- **{_text(image.channel)} {_text(image.recipe)} {_text(image.variant)}**: last confirmed {since}"
        yield ""


def _unread(published: ImageCatalogue | None) -> Iterator[str]:
    for words in published.unread if published else []:
        yield f"- {_text(words)}"


def _text(words: str) -> str:
    """One line in which nothing is a mark of Markdown, a mention or HTML."""
    line = " ".join(words.split())
    return _MARKS.sub(r"\\\1", line if len(line) <= LONGEST else f"{line[:LONGEST]}...")
