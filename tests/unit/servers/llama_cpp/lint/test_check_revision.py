"""Pins, forks, and what becomes of errors when a file builds another revision than the one at hand."""

from __future__ import annotations

import pytest

from bakehouse.errors import Where
from bakehouse.lint.command import command_of
from bakehouse.lint.finding import Finding, Severity
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.check_revision import AtHand, check_revisions, lowered, other_revision
from bakehouse.servers.llama_cpp.lint.revisions import Kind, Revision, find_revisions
from bakehouse.servers.llama_cpp.lint.upstream_images import upstream_image
from tests.unit.servers.llama_cpp.lint.facts import WHERE, told, words

COMMIT = "0c1e57098bba43ac29e6e3b677cdceebdd22334f"
AT_HAND = AtHand(commit=COMMIT, build=11312, package="0.3.36")
CLONE = "git clone https://github.com/ggml-org/llama.cpp"


def find(*lines: str, added: str = "") -> list[Revision]:
    return list(find_revisions([command_of(words(line)) for line in lines], words(added)))


def only(*lines: str, added: str = "") -> Revision:
    (one,) = find(*lines, added=added)
    return one


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ((f"{CLONE} -b b4500",), "b4500"),
        ((f"{CLONE} --branch=b4500 /src",), "b4500"),
        ((CLONE, "cd llama.cpp", "git checkout -q b4500"), "b4500"),
        ((CLONE, "git -C llama.cpp reset --hard 9496bbb80"), "9496bbb80"),
        ((CLONE, "git fetch --depth 1 origin 9496bbb80", "git checkout FETCH_HEAD"), "9496bbb80"),
        ((CLONE, "git switch --detach tags/b4500"), "tags/b4500"),
        (
            ("git init", "git remote add origin https://github.com/ggml-org/llama.cpp.git", "git fetch origin b4500"),
            "b4500",
        ),
        (("curl -L https://github.com/ggml-org/llama.cpp/archive/refs/tags/b4500.tar.gz -o a",), "b4500"),
        (
            ("wget https://github.com/ggml-org/llama.cpp/releases/download/b4500/llama-b4500-bin-ubuntu-x64.zip",),
            "b4500",
        ),
        (("pip install llama-cpp-python==0.2.20",), "0.2.20"),
        (("python3 -m pip install llama_cpp_python[server]==0.3.1",), "0.3.1"),
    ],
)
def test_pins(lines: tuple[str, ...], name: str) -> None:
    one = only(*lines)
    assert (one.name, one.kind, one.fork) == (name, Kind.PINNED, False)
    assert other_revision([one], AT_HAND) is one


def test_added_sources() -> None:
    assert only(added="https://github.com/ggml-org/llama.cpp.git#b4500:ggml").name == "b4500"
    assert only(added="https://github.com/ggml-org/llama.cpp.git").kind is Kind.BRANCH
    assert only(added="https://codeload.github.com/ggml-org/llama.cpp/tar.gz/refs/tags/b4500").name == "b4500"
    assert find(added="https://example.org/model.gguf .") == []


@pytest.mark.parametrize("ref", [COMMIT, COMMIT[:9], "b11312"])
def test_the_revision_at_hand(ref: str) -> None:
    one = only(f"{CLONE} --revision {ref}")
    assert other_revision([one], AT_HAND) is None
    assert list(check_revisions([one], AT_HAND)) == []


def test_a_package_that_holds_the_revision_at_hand() -> None:
    assert other_revision(find("pip install llama-cpp-python==0.3.36"), AT_HAND) is None


@pytest.mark.parametrize(
    "lines",
    [
        (CLONE,),
        (f"{CLONE} -b master",),
        (f"{CLONE} --branch main",),
        (CLONE, "git checkout origin/master"),
        (CLONE, "git pull"),
    ],
)
def test_a_branch_is_no_pin(lines: tuple[str, ...]) -> None:
    one = only(*lines)
    (found,) = check_revisions([one], AT_HAND)
    assert found.severity is Severity.WARNING
    assert "pin" in found.what
    assert COMMIT[:9] in found.why
    assert other_revision([one], AT_HAND) is None


def test_another_branch_may_be_anything() -> None:
    one = only(f"{CLONE} -b my-feature")
    assert [found.severity for found in check_revisions([one], AT_HAND)] == [Severity.WARNING, Severity.NOTE]
    assert other_revision([one], AT_HAND) is one


@pytest.mark.parametrize(
    "repository", ["ikawrakow/ik_llama.cpp", "someone/llama.cpp", "LostRuins/koboldcpp", "ggml-org/whisper.cpp"]
)
def test_a_fork_is_not_llama_cpp(repository: str) -> None:
    one = only(f"git clone -b b11312 https://github.com/{repository}.git")
    assert one.fork
    assert other_revision([one], AT_HAND) is one
    assert any("not llama.cpp itself" in found.why for found in check_revisions([one], AT_HAND))


def test_other_clones_are_only_pinned_or_not() -> None:
    assert told(check_revisions(find("git clone https://github.com/nlohmann/json"), AT_HAND)) == [
        "warning https://github.com/nlohmann/json: is not pinned"
    ]


def test_a_build_argument_decides() -> None:
    ref = Word(text="${LLAMA_TAG}", where=WHERE, complete=False)
    clone = command_of([*words("git clone -b"), ref, *words("https://github.com/ggml-org/llama.cpp")])
    (one,) = find_revisions([clone])
    assert one.kind is Kind.UNKNOWN
    assert other_revision([one], AT_HAND) == one
    certain = finding(by_revision=False)
    doubtful = finding(by_revision=True)
    kept, lower = lowered([certain, doubtful], one, AT_HAND)
    assert kept == certain
    assert lower.severity is Severity.WARNING, "nobody knows which revision is built"
    assert [found.severity for found in check_revisions([one], AT_HAND)] == [Severity.NOTE]


def finding(*, by_revision: bool, since_build: int | None = None) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        where=Where(file="f"),
        subject="-DX",
        what="is gone",
        by_revision=by_revision,
        since_build=since_build,
    )


def test_what_only_the_revision_says_is_lowered() -> None:
    other = only(f"{CLONE} -b b4500")
    certain, gone, later = (
        finding(by_revision=False),
        finding(by_revision=True),
        finding(by_revision=True, since_build=5000),
    )
    before = finding(by_revision=True, since_build=4000)
    found = lowered([certain, gone, later, before], other, AT_HAND)
    assert [one.severity for one in found] == [Severity.ERROR, Severity.NOTE, Severity.NOTE, Severity.ERROR]
    assert [one.severity for one in lowered([gone], None, AT_HAND)] == [Severity.ERROR]


@pytest.mark.parametrize(
    ("reference", "program", "backend", "build"),
    [
        ("ghcr.io/ggml-org/llama.cpp:server", "llama-server", "cpu", None),
        ("ghcr.io/ggml-org/llama.cpp:server-cuda", "llama-server", "cuda", None),
        ("ghcr.io/ggml-org/llama.cpp:server-cuda13-b9000", "llama-server", "cuda", 9000),
        ("ghcr.io/ggerganov/llama.cpp:light-b4068", "llama-cli", "cpu", 4068),
        ("ghcr.io/ggml-org/llama.cpp:full-vulkan", "tools.sh", "vulkan", None),
        ("mirror.example:5000/ggml-org/llama.cpp:server-s390x", "llama-server", "s390x", None),
        ("ghcr.io/ggml-org/llama.cpp", None, "cpu", None),
    ],
)
def test_images_of_the_project(reference: str, program: str, backend: str, build: int | None) -> None:
    one = upstream_image(reference)
    assert one is not None
    assert (one.program, one.backend, one.build) == (program, backend, build)
    assert one.fixed == (build is not None)


def test_images_of_somebody_else() -> None:
    assert upstream_image("local/llama.cpp:server-cuda") is None
    assert upstream_image("debian:trixie") is None
