"""What a build leaves behind and a server never needs."""

from __future__ import annotations

import fnmatch
import re

from bakehouse.model.report import Check
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge, size_text
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.layer import Entry

KINDS: dict[str, re.Pattern[str]] = {
    "package lists": re.compile(r"/var/lib/apt/lists/.+"),
    "a package cache": re.compile(r"/var/cache/apt/(archives/.+\.deb|.+\.bin)"),
    "a pip cache": re.compile(r"(/root|/home/[^/]+)/\.cache/pip/.+"),
    "a log": re.compile(r"/var/log/.+"),
}
"""What it is called, and the paths of files that hold something."""


def check_leftovers(image: ImageAtRest, expectation: Expectation) -> Check:
    """No package lists, caches or logs are in the final file system."""
    problems = []
    for entry in sorted(image.tree, key=lambda one: one.path):
        allowed = any(fnmatch.fnmatchcase(entry.path, pattern) for pattern in expectation.allowed_leftovers)
        kind = None if allowed else kind_of(entry)
        if kind:
            problems.append(f"{entry.path} is {kind} ({size_text(entry.size)})")
    return judge("leftovers", problems, passed="no package lists, caches or logs")


def kind_of(entry: Entry) -> str | None:
    """Which kind of leftover a file is. An empty one weighs nothing and tells nothing."""
    if entry.kind != "file" or not entry.size:
        return None
    return next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(entry.path)), None)
