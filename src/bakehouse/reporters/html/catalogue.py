"""`catalogue/index.html`: which image for which card, and what is known of each. Opens offline."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bakehouse.formatting import count, quantity
from bakehouse.model.enums import Verdict
from bakehouse.model.image_catalogue import Figure, Going, ImageCatalogue, PlatformImage, PublishedImage
from bakehouse.reporters.html import placed

SHOWN_CARDS = 8
SHOWN_EVENTS = 12
HEADLINE = ("decode_rate", "prompt_rate", "system_rate", "request_rate")
"""Metrics that stand at the top of an image, in this order."""
WORDS = {"moved": "moved here", "confirmed": "confirmed by a run", "rolled-back": "rolled back to this"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CardRow:
    """Cards that the same images serve."""

    cards: tuple[str, ...]
    """The first few."""
    more: tuple[str, ...]
    images: tuple[ImageView, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureView:
    what: str
    value: str
    interval: str
    grade: str
    machine: str
    cell: str
    time: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageView:
    record: PublishedImage
    anchor: str
    name: str
    """`embedder cuda12.9-sm120`."""
    verdict: Verdict
    state: str
    """In words, beside the verdict."""
    headline: tuple[FigureView, ...]
    figures: tuple[FigureView, ...]
    driver: str
    code: str
    sizes: tuple[PlatformImage, ...]
    events: tuple[tuple[str, str, str, str], ...]
    """Day, what happened, digest, tag."""
    older: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    catalogue: ImageCatalogue
    title: str
    headline: str
    rows: tuple[CardRow, ...]
    images: tuple[ImageView, ...]
    going: tuple[Going, ...]


def render(catalogue: ImageCatalogue) -> str:
    return placed("catalogue.html.j2", build(catalogue))


def build(catalogue: ImageCatalogue) -> Page:
    views = tuple(_view(image, number) for number, image in enumerate(catalogue.images))
    return Page(
        catalogue=catalogue,
        title=catalogue.title or "Images",
        headline=_headline(catalogue.images),
        rows=tuple(_rows(views)),
        images=views,
        going=tuple(sorted(catalogue.going, key=lambda one: (one.expires, one.repository, one.tag))),
    )


def _headline(images: Sequence[PublishedImage]) -> str:
    channels = dict.fromkeys(image.channel for image in images)
    if not images:
        return "No image is published"
    return f"{count(len(images), 'image')} in {' and '.join(channels)}"


def _rows(views: Sequence[ImageView]) -> Iterator[CardRow]:
    """Cards that have the same choice share a row; the row that most images serve comes first."""
    serving: dict[str, list[int]] = defaultdict(list)
    for number, view in enumerate(views):
        for card in view.record.cards:
            serving[card].append(number)
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for card, numbers in serving.items():
        groups[tuple(numbers)].append(card)
    for served_by, cards in sorted(groups.items(), key=lambda item: (item[1] != ["cpu"], -len(item[0]), item[1])):
        names, images = tuple(sorted(cards)), tuple(views[number] for number in served_by)
        yield CardRow(cards=names[:SHOWN_CARDS], more=names[SHOWN_CARDS:], images=images)


def _view(image: PublishedImage, number: int) -> ImageView:
    verdict, state = _state(image)
    figures = tuple(_figure(one) for one in image.figures)
    return ImageView(
        record=image,
        anchor=f"image-{number}-"
        + re.sub(r"[^a-z0-9]+", "-", f"{image.channel}-{image.recipe}-{image.variant}".lower()),
        name=f"{image.recipe} {image.variant}",
        verdict=verdict,
        state=state,
        headline=tuple(_headlines(image.figures)),
        figures=figures,
        driver=_driver(image),
        code=_code(image),
        sizes=tuple(image.platforms),
        events=tuple(
            (f"{event.time:%Y-%m-%d %H:%M} UTC", WORDS[event.kind], event.digest, event.tag)
            for event in image.history[:SHOWN_EVENTS]
        ),
        older=max(0, len(image.history) - SHOWN_EVENTS),
    )


def _state(image: PublishedImage) -> tuple[Verdict, str]:
    """What a person must know before anything else."""
    if failed := [name for one in image.tests for name in one.failed]:
        return Verdict.FAILED, f"{count(len(failed), 'test')} failed: {failed[0]}"
    if not image.is_signed:
        return Verdict.ERRORED, "nothing of it is signed by a key that is known here"
    if image.is_stale:
        since = f"{image.confirmed:%Y-%m-%d}" if image.confirmed else "ever"
        return Verdict.VOID, f"stale: no run has confirmed it since {since}"
    if not image.tests:
        return Verdict.SKIPPED, "no test results are attached"
    return (
        Verdict.PASSED,
        f"{count(sum(one.passed for one in image.tests), 'proof and test', 'proofs and tests')} passed",
    )


def _headlines(figures: Sequence[Figure]) -> Iterator[FigureView]:
    """The best of each metric that people ask for first."""
    for metric in HEADLINE:
        own = [one for one in figures if one.metric == metric and one.grade != "void"]
        if own:
            yield _figure(max(own, key=lambda one: (one.grade == "exact", one.median)))


def _figure(one: Figure) -> FigureView:
    low_to_high = f"{quantity(one.low, one.unit)} to {quantity(one.high, one.unit)}" if one.low and one.high else ""
    return FigureView(
        what=f"{one.workload} {one.metric.replace('_', ' ')}",
        value=quantity(one.median, one.unit),
        interval=low_to_high,
        grade=one.grade,
        machine=one.machine,
        cell=one.cell,
        time=one.time,
    )


def _driver(image: PublishedImage) -> str:
    if image.driver_floor_minor and image.driver_floor and image.driver_floor_minor != image.driver_floor:
        return f"{image.driver_floor_minor}, {image.driver_floor} for all features"
    return image.driver_floor or "any that knows the card"


def _code(image: PublishedImage) -> str:
    held = ", ".join(image.archs)
    return f"{held}, and PTX of {image.ptx}" if image.ptx else held
