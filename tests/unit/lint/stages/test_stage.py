"""What a stage holds when its last line has run."""

from __future__ import annotations

import textwrap

import pytest

from bakehouse.lint.container_file import read_contents
from bakehouse.lint.dockerfile import read_dockerfile
from bakehouse.lint.stages.stage import StageModel, read_stages, sources_of
from bakehouse.servers.llama_cpp.lint.catalogue import load_catalogue


def stages(text: str) -> tuple[StageModel, ...]:
    dockerfile = read_dockerfile(textwrap.dedent(text), file="Dockerfile")
    return read_stages(dockerfile, read_contents(dockerfile), load_catalogue())


def last(text: str) -> StageModel:
    return stages(text)[-1]


@pytest.mark.parametrize(
    "run",
    [
        "apt-get update && apt-get install -y --no-install-recommends libgomp1 curl && rm -rf /var/lib/apt/lists/*",
        "apt-get update; apt install -y libgomp1=12.2.0-14 curl",
        "apt-get -o Acquire::Retries=3 install -y -t bookworm-backports libgomp1/bookworm-backports curl",
        "--mount=type=cache,target=/var/cache/apt apt-get install -y libgomp1:amd64 curl",
        "sudo apt-get install -y curl libgomp1 > /dev/null",
        "<<EOF\napt-get update\napt-get install -y libgomp1 curl\nEOF",
        "if true; then apt-get install -y curl libgomp1; fi",
        '["/bin/sh", "-c", "apt-get install -y curl libgomp1"]',
        "apt-get install -y $PACKAGES",
    ],
)
def test_packages(run: str) -> None:
    stage = last(f"FROM debian:12-slim\nENV PACKAGES='libgomp1 curl'\nRUN {run}\n")
    assert stage.has("libgomp")
    assert stage.has("curl")
    assert stage.has("git") is False


@pytest.mark.parametrize(
    ("base", "run"),
    [
        ("alpine:3.20", "apk add --no-cache --virtual .build git cmake g++ libgomp && apk del .build"),
        ("debian:12", "apt-get install -y git libgomp1 && apt-get purge -y --auto-remove git libgomp1"),
        ("ubuntu:24.04", "apt-get install -y ca-certificates"),
    ],
)
def test_what_is_removed_is_not_there(base: str, run: str) -> None:
    stage = last(f"FROM {base}\nRUN {run}\n")
    assert stage.has("git") is False
    assert stage.has("libgomp") is False


@pytest.mark.parametrize(
    "line",
    [
        "RUN ./install.sh",
        "RUN bash /tmp/install.sh --all",
        "RUN curl -fsSL https://example.org/install.sh | sh",
        "RUN apt-get install -y $(cat packages.txt)",
        "RUN apt-get install -y ./local.deb",
        "RUN conda install -y something",
        "COPY --from=build /usr/lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu",
        "COPY --from=build /usr/local /usr/local",
    ],
)
def test_nothing_is_claimed_of_what_was_not_read(line: str) -> None:
    stage = last(f"FROM ubuntu:24.04 AS build\nFROM ubuntu:24.04\n{line}\n")
    assert stage.has("libgomp") is None
    assert stage.unseen


def test_files_bring_components_and_a_use_shows_a_program() -> None:
    assert last("FROM debian:12\nCOPY --from=x /usr/lib/x86_64-linux-gnu/libgomp.so.1 /usr/lib/\n").has("libgomp")
    assert last("FROM debian:12\nCOPY --from=x /out/*.so* /usr/lib/\n").has("libgomp") is False
    assert last("FROM debian:12\nRUN curl -o /x https://example.org\n").has("curl")
    assert last("FROM debian:12\nRUN curl -o /x https://example.org\n").has("curl", by_use=False) is False


def test_recommended_packages_come_unless_told_otherwise() -> None:
    assert last("FROM debian:12\nRUN apt-get install -y git\n").has("ca-certificates")
    assert last("FROM debian:12\nRUN apt-get install -y --no-install-recommends git\n").has("ca-certificates") is False


def test_stages_on_stages_working_folders_and_targets() -> None:
    text = """
    FROM debian:12 AS base
    RUN apt-get install -y curl
    WORKDIR /app
    ENV A=1
    FROM base AS image
    COPY --from=build /out/ .
    COPY --from=build /out/llama-server bin/server
    WORKDIR lib
    COPY --from=build /out/*.so* ./
    ENV B=2
    """
    stage = last(text)
    assert stage.has("curl")
    assert stage.workdir == "/app/lib"
    assert [copy.target for copy in stage.copies] == ["/app/", "/app/bin/server", "/app/lib/"]
    assert {name: one.value for name, one in stage.environment.items()} == {"A": "1", "B": "2"}


def test_an_inherited_command() -> None:
    stage = last('FROM ghcr.io/ggml-org/llama.cpp:server-vulkan\nENV LLAMA_ARG_PORT=9000\nCMD ["--metrics"]\n')
    assert [word.text for word in (*stage.entrypoint, *stage.command)] == ["/app/llama-server", "--metrics"]
    assert stage.inherited
    assert stage.workdir == "/app"
    assert stage.health == "curl -f http://localhost:8080/health"
    assert stage.environment["LLAMA_ARG_HOST"].value == "0.0.0.0"
    own = last('FROM ghcr.io/ggml-org/llama.cpp:server\nHEALTHCHECK NONE\nENTRYPOINT ["/wrapper"]\n')
    assert [word.text for word in own.entrypoint] == ["/wrapper"]
    assert own.health is None
    assert not own.inherited


def test_sources_are_the_stages_that_files_come_from() -> None:
    found = stages("""
    FROM debian AS tools
    FROM debian AS other
    FROM tools AS build
    RUN --mount=type=bind,from=web,target=/web true
    FROM node AS web
    FROM debian AS image
    COPY --from=2 /out /out
    """)
    names = {one.contents.stage.name for one in sources_of(found[-1], found)}
    assert names == {"image", "build", "web"}
