"""What Dockerfiles get wrong, and the golden findings of one that has nearly all of it.

`pytest tests/unit/servers/llama_cpp/lint --regenerate` writes `tests/golden/lint/rtx5090/findings.txt`; review the
diff.
"""

from __future__ import annotations

import io
import textwrap
from functools import cache

import pytest
import yaml
from rich.console import Console

from bakehouse.commands.lint_text import show
from bakehouse.config.catalogue import complete, shipped
from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.lint.finding import Finding, Severity
from bakehouse.lint.options import SourceOptions, load_options
from bakehouse.model.matrix import Matrix
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_dockerfile import check_dockerfile
from bakehouse.servers.llama_cpp.lint.check_revision import AtHand
from bakehouse.servers.llama_cpp.lint.known_options import Knowledge, load_knowledge
from tests.unit.projects import ROOT, matrix
from tests.unit.servers.llama_cpp.lint.facts import KNOWLEDGE, OPTIONS

GOLDEN = ROOT / "tests/golden/lint/rtx5090"


@cache
def the_matrix() -> Matrix:
    """A small one, with all that the catalogue knows of the world."""
    text = yaml.safe_dump(matrix(catalogue=True, sources={}))
    return validate(complete(parse(text, file="matrix.yaml"), shipped()), Matrix)


def basis(options: SourceOptions, knowledge: Knowledge, *, at_hand: AtHand | None = None) -> Basis:
    return Basis(
        options=options, knowledge=knowledge, matrix=the_matrix(), at_hand=at_hand or AtHand(commit=options.revision)
    )


@cache
def pinned() -> SourceOptions:
    kept = load_options(ROOT, "llama-cpp")
    assert kept is not None
    return kept


def check(text: str) -> tuple[Finding, ...]:
    return check_dockerfile(
        textwrap.dedent(text),
        file="Dockerfile",
        basis=basis(OPTIONS, KNOWLEDGE, at_hand=AtHand(commit=OPTIONS.revision, build=1234)),
    ).findings


def findings_of(text: str) -> list[str]:
    """`line subject: what`"""
    return [f"{one.where.line} {one.subject}: {one.what}" for one in check(text)]


GOOD = """\
FROM nvidia/cuda:12.9.1-devel-ubuntu24.04 AS build
RUN apt-get install -y git cmake && git clone --branch b1234 https://github.com/ggml-org/llama.cpp /src
RUN cmake -S /src -B /build -DGGML_CUDA=ON -DGGML_CPU_ALL_VARIANTS=ON -DGGML_NATIVE=OFF \\
      -DCMAKE_CUDA_ARCHITECTURES="86-real" -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON -DGGML_BACKEND_DL=ON
FROM nvidia/cuda:12.9.1-runtime-ubuntu24.04
RUN apt-get install -y libgomp1 curl
COPY --from=build /build/bin/llama-server /app/
COPY --from=build /build/bin/*.so* /app/
USER 65532:65532
EXPOSE 8080
HEALTHCHECK CMD curl -f http://localhost:8080/health
ENTRYPOINT ["/app/llama-server", "--host", "0.0.0.0", "--port", "8080"]
"""


def test_a_good_file_is_left_alone() -> None:
    assert findings_of(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (" --branch b1234", "", "2 https://github.com/ggml-org/llama.cpp: is not pinned"),
        ("ggml-org/llama.cpp", "ggerganov/llama.cpp", "2 https://github.com/ggerganov/llama.cpp: has moved"),
        (" -DGGML_NATIVE=OFF", "", "3 cmake: compiles for the machine that builds"),
        ("86-real", "86-real;121a-real;120a-real", None),
        (
            "COPY --from=build /build/bin/*.so* /app/\n",
            "",
            "7 /build/bin/llama-server: is copied without its libraries",
        ),
        (
            " -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON",
            "",
            "7 /build/bin/llama-server: does not find its libraries",
        ),
        ("USER 65532:65532\n", "", "5 nvidia/cuda:12.9.1-runtime-ubuntu24.04: runs as root"),
        ("USER 65532:65532", "USER root", "9 root: runs as root"),
        ("EXPOSE 8080", "EXPOSE 9000", "10 9000: is not where the server listens"),
        ("localhost:8080", "localhost:8091", "11 port 8091: is not where the server listens"),
        (" curl\n", "\n", "11 curl: is not installed in the image"),
        (
            "HEALTHCHECK CMD curl -f http://localhost:8080/health\n",
            "",
            "5 nvidia/cuda:12.9.1-runtime-ubuntu24.04: has no health check",
        ),
        (', "--port", "8080"', "", "12 /app/llama-server: does not say its port"),
        ("-DGGML_CUDA=ON", "-DGGML_CUDA=ON -DGGML_CUDA=ON", "3 -DGGML_CUDA=ON: is listed twice; it is first on line 3"),
        ('"8080"]', '"8080", "--mlock"]', "12 --mlock: no longer exists"),
        ("USER 65532", "ENV CUDA_LAUNCH_BLOCKING=1\nUSER 65532", "9 CUDA_LAUNCH_BLOCKING=1: does harm in an image"),
    ],
)
def test_each_mistake(old: str, new: str, found: str | None) -> None:
    assert old in GOOD
    assert findings_of(GOOD.replace(old, new)) == ([found] if found else [])


def test_a_toolkit_that_cannot_compile_the_archs() -> None:
    text = GOOD.replace("12.9.1-devel", "12.4.1-devel").replace("86-real", "86-real;120a-real")
    (found,) = check(text)
    assert found.severity is Severity.ERROR
    assert found.what == "cannot be compiled with nvidia/cuda:12.4.1-devel-ubuntu24.04 of line 1"
    assert "CUDA 12.4.1 cannot compile sm_120; 12.8.0 is the first that can" in found.why


def test_pins_come_in_many_forms() -> None:
    clone = "RUN git clone https://github.com/ggml-org/llama.cpp && cd llama.cpp"
    for pin in ("git checkout 9496bbb80", "git checkout $COMMIT", "git checkout b7000", "git fetch origin 9496bbb80"):
        (found,) = findings_of(f"FROM debian\n{clone} && {pin}")
        assert "is checked against" in found
    assert findings_of(f"FROM debian\n{clone} && git checkout b1234") == []
    assert findings_of(f"FROM debian\n{clone} && git checkout master") == ["2 master: is a branch, which is no pin"]


def test_a_server_under_another_name_and_static_libraries() -> None:
    text = GOOD.replace("llama-server /app/", "llama-server /app/server").replace(
        '"/app/llama-server"', '"/app/server"'
    )
    assert findings_of(text) == []
    assert findings_of(text.replace('"8080"]', '"8080", "--mlock"]')) == ["12 --mlock: no longer exists"]
    static = text.replace("COPY --from=build /build/bin/*.so* /app/\n", "")
    static = static.replace(" -DGGML_BACKEND_DL=ON", "").replace(" -DGGML_CPU_ALL_VARIANTS=ON", "")
    assert findings_of(static.replace("-DGGML_CUDA=ON", "-DGGML_CUDA=ON -DBUILD_SHARED_LIBS=OFF")) == []


def test_the_port_may_come_from_the_environment() -> None:
    text = GOOD.replace(', "--port", "8080"', "").replace("USER 65532", "ENV LLAMA_ARG_PORT=9000\nUSER 65532")
    assert findings_of(text) == [
        "11 8080: is not where the server listens",
        "12 port 8080: is not where the server listens",
    ]


def test_ccache_without_a_cache() -> None:
    options = OPTIONS.model_copy(
        update={"cmake": OPTIONS.cmake.model_copy(update={"variables": (*OPTIONS.cmake.variables, "GGML_CCACHE")})}
    )
    text = GOOD.replace("-DGGML_CUDA=ON", "-DGGML_CUDA=ON -DGGML_CCACHE=ON")
    for given, count in ((text, 1), (text.replace("RUN cmake", "RUN --mount=type=cache,target=/c cmake"), 0)):
        found = check_dockerfile(
            given,
            file="Dockerfile",
            basis=basis(options, KNOWLEDGE),
        ).findings
        assert [one.what for one in found if one.severity is Severity.WARNING] == ["has no cache to use"] * count


def test_a_file_without_llama_cpp_is_none_of_our_business() -> None:
    assert findings_of('FROM python\nEXPOSE 80\nCMD ["python", "-m", "http.server"]') == []


# ---------------------------------------------------------------------------------------------- with what comes along


def golden() -> tuple[Finding, ...]:
    return check_dockerfile(
        (GOLDEN / "Dockerfile").read_text(),
        file="Dockerfile",
        basis=basis(pinned(), load_knowledge()),
    ).findings


def test_the_options_that_people_pass_around(request: pytest.FixtureRequest) -> None:
    console = Console(file=io.StringIO(), width=110)
    show(golden(), console)
    assert isinstance(console.file, io.StringIO)
    text = "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())
    if request.config.getoption("--regenerate"):
        (GOLDEN / "findings.txt").write_text(text)
    assert text == (GOLDEN / "findings.txt").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "GGML_CUDA_FORCE_CUBLAS",
        "GGML_CUDA_F16",
        "GGML_CUDA_PEER_MAX_BATCH_SIZE",
        "GGML_CUDA_DMMV_X",
        "GGML_CUDA_MMV_Y",
        "GGML_CUDA_KQUANTS_ITER",
        "GGML_NATIVE",
        "GGML_BUILD_TESTS",
        "GGML_BUILD_EXAMPLES",
        "LLAMA_CURL",
        "GGML_CUDA_FA_ALL_QUANTS",
        "--flash-attn",
        "--mlock",
        "--no-mmap",
        "--no-warmup",
        "GGML_CUDA_MAX_STREAMS",
        "GGML_CUDA_FORCE_SYNC",
        "CMAKE_CUDA_ARCHITECTURES",
        "GGML_CCACHE",
    ],
)
def test_each_stale_or_harmful_option_is_found(name: str) -> None:
    assert any(name in one.subject and one.severity is not Severity.NOTE for one in golden())


@pytest.mark.parametrize(
    "image",
    ["nvidia/cuda:12.4-devel-ubuntu22.04", "nvidia/cuda:13.0-base-ubuntu24.04", "nvidia/cuda:12.4.1-devel-ubuntu24.04"],
)
def test_tags_that_do_not_exist(image: str) -> None:
    found = check_dockerfile(
        f"FROM {image}",
        file="Dockerfile",
        basis=basis(pinned(), load_knowledge()),
    ).findings
    assert [(one.subject, one.what) for one in found] == [(image, "never existed")]


def test_the_dockerfiles_that_bakehouse_renders_are_clean() -> None:
    for path in sorted((ROOT / "tests/golden/plans/published").glob("*-amd64.Dockerfile"))[::3]:
        found = check_dockerfile(
            path.read_text(),
            file=path.name,
            basis=basis(pinned(), load_knowledge()),
        ).findings
        assert [one for one in found if one.severity is Severity.ERROR] == [], path.name
