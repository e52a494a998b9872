"""`choose`: which published image to pull for a card, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from bakehouse.config.catalogue_alone import catalogue_alone
from bakehouse.errors import ExitCode, InputError
from bakehouse.machine import Machine, detect
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.image_catalogue import PublishedImage
from bakehouse.model.matrix import Matrix
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.image_catalogue import read_catalogue
from bakehouse.planning.choose_image import Choice, best_of_each, choices
from bakehouse.planning.gpus import CPU, Target, find_target, target_of
from bakehouse.planning.run_command import devices

OTHERS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    place: str | None = None
    """A `catalogue.json`, or its address."""
    gpu: str | None = None
    driver: str | None = None
    recipe: str | None = None
    channel: str | None = None
    as_json: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """One thing that an image could run on."""

    target: Target
    driver: str | None


def choose(context: Context, options: Options, *, out: Console) -> ExitCode:
    """Returns 1 where no image runs on any of it. Raises InputError."""
    catalogue, matrix = read_catalogue(options.place, context.root), catalogue_alone()
    images = [image for image in catalogue.images if _is_wanted(image, options)]
    if not images:
        raise InputError(
            _nothing(catalogue.images, options),
            hint="Leave out --recipe and --channel to see all of it." if catalogue.images else None,
        )
    asked = list(_asked(options, detect(), matrix))
    found = [(one, choices(images, one.target, matrix, driver=one.driver)) for one in asked]
    if options.as_json:
        text = json.dumps([_document(one, ranked) for one, ranked in found], indent=2)
        out.print(text, soft_wrap=True, markup=False, highlight=False)
    else:
        for one, ranked in found:
            _show(one, ranked, out)
    good = any(not choice.refused for _, ranked in found for choice in ranked)
    return ExitCode.OK if good else ExitCode.CELL_FAILED


def _is_wanted(image: PublishedImage, options: Options) -> bool:
    return (options.recipe in (None, image.recipe)) and (options.channel in (None, image.channel))


def _nothing(images: Sequence[PublishedImage], options: Options) -> str:
    if not images:
        return "the catalogue has no images"
    wanted = [f"{key} {value}" for key, value in (("recipe", options.recipe), ("channel", options.channel)) if value]
    recipes = ", ".join(dict.fromkeys(image.recipe for image in images))
    channels = ", ".join(dict.fromkeys(image.channel for image in images))
    return f"the catalogue has nothing of {' and '.join(wanted)}: its recipes are {recipes}, its channels {channels}"


def _asked(options: Options, machine: Machine, matrix: Matrix) -> Iterator[_Asked]:
    """The card that was named, else every card of this machine, and its processor."""
    if options.gpu:
        yield _Asked(target=find_target(options.gpu, matrix, machine), driver=options.driver)
        return
    seen = set()
    for card in machine.usable:
        target = target_of(card, matrix, machine)
        if target.name not in seen:
            seen.add(target.name)
            driver = card.driver if card.accelerator is AcceleratorName.CUDA else None
            yield _Asked(target=target, driver=options.driver or driver)
    yield _Asked(target=find_target(CPU, matrix, machine), driver=None)


def _show(asked: _Asked, ranked: Sequence[Choice], out: Console) -> None:
    driver = f", driver {asked.driver}" if asked.driver else ""
    out.print(Text(f"{asked.target}{driver}", style="bold"), soft_wrap=True)
    good = [choice for choice in ranked if not choice.refused]
    if not good:
        out.print(Text("  no published image runs on it", style="yellow"))
    best = best_of_each(good)
    for choice in best:
        image = choice.image
        version = f" {image.version}" if image.version else ""
        out.print(Text(f"  {image.recipe}{version} ({image.channel}): {'; '.join(choice.why)}"), soft_wrap=True)
        out.print(Text(f"    docker pull {image.pull}", style="green"), soft_wrap=True)
        out.print(Text(f"    {_run(choice, asked.target)}", style="dim"), soft_wrap=True)
        if image.expires:
            out.print(Text(f"    it will be gone from {image.expires} on", style="yellow"), soft_wrap=True)
    rest = [choice for choice in good if choice not in best]
    for choice in rest[:OTHERS]:
        out.print(
            Text(f"  or {choice.image.recipe} {choice.image.variant}: {choice.why[0]}", style="dim"), soft_wrap=True
        )
    for choice in [one for one in ranked if one.refused][:OTHERS]:
        words = f"  not {choice.image.recipe} {choice.image.variant}: {choice.refused}"
        out.print(Text(words, style="dim"), soft_wrap=True)


def _run(choice: Choice, target: Target) -> str:
    words = devices(AcceleratorName(choice.image.accelerator), target)
    return " ".join(["docker run --rm", *words, choice.image.pull])


def _document(asked: _Asked, ranked: Sequence[Choice]) -> dict[str, Any]:
    return {
        "card": asked.target.name,
        "driver": asked.driver,
        "ranked": [
            {
                "pull": choice.image.pull,
                "recipe": choice.image.recipe,
                "variant": choice.image.variant,
                "channel": choice.image.channel,
                "platform": choice.platform.platform,
                "fit": choice.fit,
                "why": list(choice.why),
                "refused": choice.refused or None,
                "run_with": _run(choice, asked.target),
            }
            for choice in ranked
        ],
    }
