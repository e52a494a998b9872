from __future__ import annotations

import pytest
from image_size import adapted

from bakehouse.errors import InputError

UPSTREAM = """\
FROM docker.io/node:$NODE_VERSION AS web
RUN npm ci

FROM docker.io/ubuntu:$UBUNTU_VERSION AS build
COPY --from=web /app/tools/ui/dist tools/ui/dist

FROM docker.io/ubuntu:$UBUNTU_VERSION AS base
RUN apt-get install -y libgomp1 curl ffmpeg
"""


def test_upstreams_dockerfile_gets_our_base_and_page() -> None:
    assert adapted(UPSTREAM, base="debian-trixie", ffmpeg=True) == (
        "FROM debian-trixie AS build\n"
        "COPY --from=web-page /out tools/ui/dist\n"
        "\n"
        "FROM debian-trixie AS base\n"
        "RUN apt-get install -y libgomp1 curl ffmpeg\n"
    )


def test_ffmpeg_can_be_left_out() -> None:
    assert adapted(UPSTREAM, base="x", ffmpeg=False).endswith("libgomp1 curl\n")


@pytest.mark.parametrize(
    ("gone", "what"),
    [
        ("docker.io/node", "the stage"),
        ("--from=web ", "the copy"),
        ("docker.io/ubuntu", "the base"),
        (" ffmpeg", "ffmpeg"),
    ],
)
def test_a_dockerfile_that_changed_is_not_compared(gone: str, what: str) -> None:
    with pytest.raises(InputError, match=f"{what}.* is not found"):
        adapted(UPSTREAM.replace(gone, ""), base="x", ffmpeg=False)
