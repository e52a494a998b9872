"""Which published image to pull for a card and its driver, and why. Pure.

Only what the catalogue of images says counts: the matrix that they were built from is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from bakehouse.model.enums import AcceleratorName
from bakehouse.model.image_catalogue import Figure, PlatformImage, PublishedImage
from bakehouse.model.matrix import Matrix, Toolkit
from bakehouse.planning import driver_support
from bakehouse.planning.driver_support import CardDrivers
from bakehouse.planning.gpus import FITS, Fit, Target, fit

DECODE = "decode_rate"
STABLE = "stable"
"""The channel that comes first where several name images."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An image, and what becomes of it on the card."""

    image: PublishedImage
    platform: PlatformImage
    fit: Fit
    why: tuple[str, ...]
    """In the order in which it matters."""
    refused: str = ""
    """Why not to pull it: the driver does not run it, or its tests failed. Empty: there is no reason."""
    figure: Figure | None = None
    """How fast it is on this card."""


def choices(
    images: Iterable[PublishedImage], target: Target, matrix: Matrix, *, driver: str | None
) -> tuple[Choice, ...]:
    """Every image with code for the card, the best first; last those with a reason against them.

    Raises InputError when `driver` is no version of a driver.
    """
    is_nvidias = not {AcceleratorName.ROCM, AcceleratorName.XPU} & set(target.accelerators)
    version = driver_support.parse(driver) if driver is not None and is_nvidias else None
    found = [
        choice
        for image in images
        for platform in image.platforms
        if (choice := _choice(image, platform, target, matrix, version))
    ]
    return tuple(sorted(found, key=lambda choice: _rank(choice, target)))


def _choice(
    image: PublishedImage, platform: PlatformImage, target: Target, matrix: Matrix, driver: Version | None
) -> Choice | None:
    accelerator = next((one for one in AcceleratorName if one == image.accelerator), None)
    if accelerator is None:
        return None
    archs = [arch for arch in image.archs if arch in matrix.archs]
    ptx = image.ptx if image.ptx in matrix.archs else None
    if image.archs and not archs:
        return None
    how = fit(target, accelerator=accelerator, platform=platform.platform, archs=archs, ptx=ptx, matrix=matrix)
    if how is None:
        return None
    figure = _figure(image, platform, target)
    refused, about_driver = _driver(image, how, target, matrix, driver)
    why = (_code(how, image, target), *about_driver, *_speed(figure, image, platform), *_warnings(image))
    failed = [name for test in image.tests if test.cell == platform.cell for name in test.failed]
    refused = f"its tests failed: {', '.join(failed)}" if failed else refused
    return Choice(image=image, platform=platform, fit=how, why=why, refused=refused, figure=figure)


def _warnings(image: PublishedImage) -> Iterator[str]:
    if not image.is_signed:
        yield "nothing of it is signed by a key that its catalogue knew"
    if image.is_stale:
        yield f"no run has confirmed it since {image.confirmed:%Y-%m-%d}" if image.confirmed else "no run confirmed it"


def _code(how: Fit, image: PublishedImage, target: Target) -> str:
    held = ", ".join(image.archs)
    match how:
        case Fit.NATIVE:
            return f"native code for {target.arch}" if target.arch else "code for this processor, chosen when it starts"
        case Fit.FAMILY:
            return f"code for the family of {target.arch} ({held})"
        case Fit.COMPATIBLE:
            return f"code for {held}, which {target.arch} runs"
        case Fit.PORTABLE:
            return "SPIR-V, which the card's driver compiles"
        case Fit.PTX:
            return f"only PTX of {image.ptx}: the driver compiles it at the first start, which takes minutes"


def _driver(
    image: PublishedImage, how: Fit, target: Target, matrix: Matrix, driver: Version | None
) -> tuple[str, tuple[str, ...]]:
    """Why the driver refuses, and what is to be said of drivers."""
    row = _toolkit(image)
    if driver is None:
        floors = dict.fromkeys(floor for floor in (image.driver_floor_minor, image.driver_floor) if floor)
        return "", ((f"driver {' or, for all features, '.join(floors)} or newer",) if floors else ())
    if target.accelerators[0] is AcceleratorName.CUDA:
        drivers: CardDrivers = driver_support.drivers_of(target.gpu, matrix.archs.get(target.arch or ""))
        if refused := driver_support.against_card(driver, drivers, target.name):
            return refused, ()
    if row is None or image.accelerator != AcceleratorName.CUDA:
        return "", ()
    runs = driver_support.runs(driver, row)
    why = driver_support.why(driver, row)
    refused = why if runs == "no" or (runs == "native-only" and how is Fit.PTX) else ""
    return refused, () if refused else (why,)


def _toolkit(image: PublishedImage) -> Toolkit | None:
    name, _, version = image.toolkit.partition(" ")
    accelerator = next((one for one in AcceleratorName if one == name), None)
    if accelerator is None or not version:
        return None
    return Toolkit.model_construct(
        accelerator=accelerator, version=version, build_base="none",
        driver_floor=image.driver_floor, driver_floor_minor=image.driver_floor_minor,
    )  # fmt: skip


def _figure(image: PublishedImage, platform: PlatformImage, target: Target) -> Figure | None:
    """Its decode rate where it was measured on such a card."""
    words = {_plain(target.name), *(_plain(alias) for alias in (target.gpu.aliases if target.gpu else ()))}
    own = [
        figure
        for figure in image.figures
        if figure.metric == DECODE and figure.cell == platform.cell and figure.grade != "void"
    ]
    return next((figure for figure in own if any(_plain(figure.device).endswith(word) for word in words)), None)


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def _speed(figure: Figure | None, image: PublishedImage, platform: PlatformImage) -> tuple[str, ...]:
    if figure:
        grade = "" if figure.grade == "exact" else f" ({figure.grade})"
        return (f"{figure.workload} at {figure.median:.4g} {figure.unit}{grade} on {figure.machine}",)
    measured = dict.fromkeys(one.machine for one in image.figures if one.cell == platform.cell)
    return (f"measured on {', '.join(measured)} only",) if measured else ("it was never measured",)


def _rank(choice: Choice, target: Target) -> tuple[object, ...]:
    """What the driver runs; the best accelerator; the own code; the newest toolkit; the fastest; the plainest."""
    image = choice.image
    return (
        bool(choice.refused),
        image.is_stale,
        not image.is_signed,
        target.accelerators.index(AcceleratorName(image.accelerator)),
        FITS.index(choice.fit),
        [-part for part in _version(image.toolkit.partition(" ")[2]).release],
        -(choice.figure.median if choice.figure else 0.0),
        image.flag_set != "default",
        len(image.archs),
        image.channel != STABLE,
        image.channel,
        choice.platform.cell,
    )


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def best_of_each(found: Sequence[Choice]) -> tuple[Choice, ...]:
    """The best of each recipe, in their order: a person pulls one server, not five."""
    seen: dict[str, Choice] = {}
    for choice in found:
        seen.setdefault(choice.image.recipe, choice)
    return tuple(seen.values())
