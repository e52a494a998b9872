"""References to images, and what the catalogue knows of them."""

from __future__ import annotations

import pytest

from bakehouse.lint.stages.bases import find_base, load_bases
from bakehouse.lint.stages.components import load_components
from bakehouse.lint.stages.references import read_reference
from bakehouse.servers.llama_cpp.lint.catalogue import load_catalogue


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("debian", "debian:latest"),
        ("docker.io/library/debian:trixie-slim", "debian:trixie-slim"),
        ("index.docker.io/nvidia/cuda:12.4.1-base-ubuntu22.04@sha256:00", "nvidia/cuda:12.4.1-base-ubuntu22.04"),
        ("public.ecr.aws/docker/library/ubuntu:24.04", "ubuntu:24.04"),
        ("ubuntu@sha256:00", "ubuntu"),
    ],
)
def test_names_of_docker_hub(text: str, canonical: str) -> None:
    assert read_reference(text).canonical == canonical


@pytest.mark.parametrize(
    "text",
    [
        "nvidia/cuda:12.4.1-devel-ubuntu22.04",
        "docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04",
        "nvcr.io/nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04",
        "registry.cn-hangzhou.aliyuncs.com/someone/cuda:12.4.1-devel-ubuntu22.04",
        "harbor.example.org:5000/dockerhub/nvidia/cuda:12.4.1-devel-ubuntu22.04@sha256:00",
    ],
)
def test_the_same_image_by_any_registry(text: str) -> None:
    base = find_base(text, load_bases())
    assert base.image is not None
    assert (base.image.toolkit, base.image.flavour, base.toolkit_version) == ("cuda", "devel", "12.4.1")
    assert (base.distribution_name, base.release, base.gcc) == ("ubuntu", "22.04", 11)
    assert base.has("nvcc")
    assert base.has("git") is False


@pytest.mark.parametrize(
    ("text", "distribution", "release"),
    [
        ("nvidia/cuda:13.0.2-base-ubi9", "rhel", "9"),
        ("nvidia/cuda:12.4.1-devel-rockylinux8", "rhel", "8"),
        ("quay.io/centos/centos:stream9", "rhel", "9"),
        ("registry.access.redhat.com/ubi9/ubi-minimal:9.4", "rhel", "9"),
        ("rocm/dev-ubuntu-24.04:7.2.1-complete", "ubuntu", "24.04"),
        ("intel/oneapi-basekit:2025.0.0-0-devel-ubuntu22.04", "ubuntu", "22.04"),
        ("python:3.12-slim-bookworm", "debian", "12"),
        ("python:3.12-alpine3.20", "alpine", "3.20"),
        ("python:3.12-slim", "debian", None),
        ("debian:latest", "debian", None),
        ("gcr.io/distroless/cc-debian12", "debian", "12"),
        ("someone/their-own:1", None, None),
    ],
)
def test_distributions(text: str, distribution: str | None, release: str | None) -> None:
    base = find_base(text, load_bases())
    assert (base.distribution_name, base.release) == (distribution, release)


def test_what_bases_hold_lack_or_may_hold() -> None:
    def has(text: str, component: str) -> bool | None:
        return find_base(text, load_bases()).has(component)

    assert has("debian:12-slim", "curl") is False
    assert has("fedora:41", "curl") is True
    assert has("intel/deep-learning-essentials:2025.3.3-0-devel-ubuntu24.04", "curl") is True
    assert has("nvcr.io/nvidia/pytorch:25.09-py3", "curl") is None
    assert has("someone/debian:12", "curl") is None
    assert has("debian:12-slim", "libssl") is False
    assert has("debian:13-slim", "libssl") is True
    assert has("ubuntu:24.04", "libssl") is True
    assert has("nvidia/cuda:12.9.1-base-ubuntu24.04", "cublas") is False
    assert has("nvidia/cuda:12.9.1-runtime-ubuntu24.04", "cublas") is True
    assert has("rocm/dev-ubuntu-24.04:7.2.1", "hipblas") is False
    assert has("rocm/dev-ubuntu-24.04:7.2.1-complete", "hipblas") is True
    assert has("alpine:3.20", "libstdcxx") is False
    assert has("python:3.12-alpine", "libstdcxx") is True


def test_a_tag_from_an_unknown_argument_is_no_known_image() -> None:
    base = find_base("debian:${TAG}", load_bases())
    assert base.has("curl") is None
    assert find_base("$IMAGE", load_bases()).image is None


def test_images_of_upstream_start_a_server() -> None:
    image = find_base("ghcr.io/ggml-org/llama.cpp:server-cuda-b9000", load_catalogue()).image
    assert image is not None
    assert image.entrypoint == ("/app/llama-server",)
    assert image.environment["LLAMA_ARG_HOST"] == "0.0.0.0"
    full = find_base("ghcr.io/ggml-org/llama.cpp:full", load_catalogue()).image
    assert full is not None
    assert full.entrypoint == ("/app/tools.sh",)


def test_the_catalogue_names_components_that_exist() -> None:
    known = set(load_components())
    catalogue = load_catalogue()
    for image in catalogue.images:
        assert {*image.holds, *image.perhaps, *image.lacks} <= known, image.names
        assert image.distribution is None or image.distribution in catalogue.distributions
    for distribution in catalogue.distributions.values():
        assert {*distribution.holds, *distribution.perhaps, *distribution.lacks} <= known
        for release in distribution.releases.values():
            assert set(release.holds) <= known
