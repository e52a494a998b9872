"""`ci:` of `matrix.yaml`: which machines build and test, and when."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bakehouse.model.field_types import ImageReference, Model, Name
from bakehouse.model.text_format import Format

Label = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", longest=100, expected="a runner's label like self-hosted or rtx5090",
    ),
]  # fmt: skip
Labels = Annotated[tuple[Label, ...], Field(min_length=1)]
"""All of them must be a runner's: labels of GitHub, tags of GitLab."""
Cron = Annotated[
    str,
    Format(
        pattern=r"^[0-9*/,-]+(?: [0-9*/,-]+){4}$",
        longest=100,
        expected="five fields of cron in UTC, like 17 2 * * *",
    ),
]
Installed = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9.][A-Za-z0-9._/,<>=!~+@:\[\]-]*$",
        expected="what pip installs: bakehouse==1.2.0, or . for bakehouse's own repository",
    ),
]
CacheRepository = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)+$",
        expected="a registry and a repository without a tag, like ghcr.io/me/bakehouse-cache",
    ),
]
Branch = Annotated[
    str,
    Format(
        pattern=r"^(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]*$",
        expected="a branch, like main",
    ),
]


SecretName = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$", longest=63, expected="the name of a Secret, like registry-login",
    ),
]  # fmt: skip


class Cluster(Model):
    """How `bakehouse ci kubernetes` lets a cluster test images."""

    client: ImageReference | None = None
    """An image with `bakehouse` on its PATH. Without it: Python's, into which pip installs `install` in each pod."""
    login: SecretName = "bakehouse-registry"
    """Secret of the type kubernetes.io/dockerconfigjson: pulls from staging, and pushes results there."""
    key: SecretName = "bakehouse-key"
    """Secret with `key.pem`, which signs results."""
    groups: tuple[Annotated[int, Field(ge=0, le=2**32 - 2)], ...] = ()
    """Numbers of the groups that own the nodes' cards, where a device plugin leaves modes alone: video, render."""


class Automation(Model):
    """How CI works this project. `bakehouse ci github` and `ci gitlab` write the files."""

    schedule: Cron = "17 2 * * *"
    """When the nightly run begins."""
    branch: Branch = "main"
    """Whose cells are published; changes are held against it."""
    install: Installed | None = None
    """What pip installs on every machine. Without it: the version of bakehouse that writes the files."""
    builder: Labels = ("ubuntu-24.04",)
    """The machines that plan, build and publish."""
    checker: Labels = ("ubuntu-24.04",)
    """The machines that build what a pull request asks for. Never your own in a public repository: anybody may ask."""
    shards: Annotated[int, Field(ge=1, le=256)] = 8
    """At most so many machines build side by side."""
    runners: dict[Name, Labels] = {"cpu": ("ubuntu-24.04",)}
    """The machines that test and measure, by the card that they have: a name of the catalogue, or `cpu`."""
    cache: CacheRepository | None = None
    """A repository that keeps the build cache between runs, so that a machine compiles what nobody has compiled."""
    update: bool = False
    """Whether the nightly run moves to the newest revisions, and asks for that to be merged once they are published."""
    cluster: Cluster = Cluster()
    """Where `ci kubernetes` has images tested."""
    minutes: Annotated[int, Field(ge=1, le=7200)] = 350
    """The longest that a job may take."""
    image: ImageReference = "docker.io/library/debian:trixie"
    """GitLab only: where jobs run, if their runner does not say otherwise. Debian, with apt."""
