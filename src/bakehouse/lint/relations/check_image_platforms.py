"""Images that do not exist for the platform that FROM asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import View, base_word

_PLATFORM = re.compile(r"linux/(?P<name>amd64|arm64)(?:/v[0-9])?")


def check_image_platforms(view: View) -> Iterator[Finding]:
    for stage in view.stages:
        lowest, image = stage.chain[0].stage, stage.base.image
        asked = _PLATFORM.fullmatch(lowest.platform or "")
        if asked is None or image is None or not image.platforms or asked["name"] in image.platforms:
            continue
        yield finding(
            base_word(stage),
            f"does not exist for {asked['name']}",
            f'It is published for {" and ".join(image.platforms)} alone: "no match for platform in manifest", or '
            '"exec format error".',
            f"--platform=linux/{image.platforms[0]}, or another image",
        )
