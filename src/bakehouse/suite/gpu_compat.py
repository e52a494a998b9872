"""Why an image does not run on a card that works: another arch, or an older driver. Pure."""

from __future__ import annotations

from bakehouse.errors import InputError
from bakehouse.model.machine import Card
from bakehouse.model.suite import Subject
from bakehouse.planning import driver_support

PATIENCE = 5
"""How many times its `start_period` a server may take on a driver in software: 55 s were seen, then 2 s."""


def patient(subject: Subject) -> Subject:
    """The same image with more time to start."""
    health = subject.health.model_copy(update={"start_period": subject.health.start_period * PATIENCE})
    return subject.model_copy(update={"health": health})


def unfit(subject: Subject, card: Card) -> str | None:
    """None: it runs, or that cannot be told before it is tried."""
    if str(card.accelerator) != subject.accelerator:
        return None  # Vulkan: whatever code a card runs, its driver compiles it
    return _other_arch(subject, card) or _old_driver(subject, card)


def _other_arch(subject: Subject, card: Card) -> str | None:
    if not subject.runs_on or card.arch is None or subject.ptx or card.arch in subject.runs_on:
        return None
    return f"it runs {card.arch}, and the image holds code for {', '.join(subject.archs)}"


def _old_driver(subject: Subject, card: Card) -> str | None:
    if subject.toolkit is None or card.driver is None:
        return None
    try:
        driver = driver_support.parse(card.driver)
    except InputError:  # a development driver, or one of a vendor that counts differently
        return None
    return driver_support.why(driver, subject.toolkit) if driver_support.runs(driver, subject.toolkit) == "no" else None
