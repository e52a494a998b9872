"""What can be linted is told by what is in it; what cannot is refused, and never praised."""

from __future__ import annotations

import pytest

from bakehouse.errors import InputError
from bakehouse.lint.examined import Examined
from bakehouse.servers.llama_cpp.lint.inputs import check_cmake_line, check_input, check_server_line
from tests.unit.servers.llama_cpp.lint.test_words import basis


def examine(text: str, file: str, **beside: str) -> Examined:
    files = {name.replace("__", "/").replace("_", "."): content for name, content in beside.items()}
    return check_input(text, file=file, basis=basis(), read=files.get)


def said(examined: Examined) -> list[str]:
    return [f"{one.subject} {one.what}" for one in examined.findings if one.severity != "note"]


@pytest.mark.parametrize(
    ("file", "text", "kind"),
    [
        ("anything", "# comment\nARG A=1\nFROM debian\n", "Dockerfile"),
        ("Containerfile", "from debian\nRUN true\n", "Dockerfile"),
        ("stack.yml", "services: {a: {image: llama-server}}\n", "compose file"),
        ("noext", "services:\n  a:\n    image: x\n", "compose file"),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: x}]}\n", "manifest of Kubernetes"),
        ("config.yaml", "models:\n  a: {cmd: llama-server --port 80}\n", "configuration of llama-swap"),
        ("a.service", "[Service]\nExecStart=/bin/llama-server --port 80\n", "unit of systemd"),
        ("a.container", "[Container]\nImage=x\n", "unit of Podman"),
        ("CMakePresets.json", '{"configurePresets": []}', "CMake presets"),
        ("go.sh", "#!/usr/bin/env bash\ncmake -B b\n", "script"),
        ("flags.txt", "cmake -B build -DGGML_CUDA=ON\n", "command lines"),
    ],
)
def test_kinds(file: str, text: str, kind: str) -> None:
    assert examine(text, file).kind == kind


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        ("pod.yaml", "apiVersion: v1\nkind: Pod\n", "a Pod of Kubernetes starts no container"),
        ("chart.yaml", "apiVersion: v1\nkind: Pod\nname: {{ .Values.name }}\n", "a template"),
        ("ci.yml", "on: push\njobs: {}\n", "a workflow of CI"),
        ("matrix.yaml", "version: 1\naxes: {}\n", "a file of the project"),
        ("list.yaml", "- a\n", "YAML without services"),
        ("a.py", "print()", "a file of the kind .py"),
        ("tool", "#!/usr/bin/env python3\nprint()", "a script for env python3"),
        ("Dockerfile", "RUN true\n", "a Dockerfile without FROM"),
        ("x.service", "[Service]\nExecStart=/bin/true\n", "the unit starts nothing of llama.cpp"),
        ("hello.sh", "#!/bin/sh\necho hello\n", "the script builds and starts nothing of llama.cpp"),
        ("notes.txt", "buy bread\n", "a file of the kind .txt"),
        ("empty", "", "an empty file"),
        ("prog", "\x7fELF\0\0", "a binary file"),
        ("data.json", '{"a": 1}', "a file of the kind .json"),
    ],
)
def test_all_else_is_refused(file: str, text: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        examine(text, file)
    assert what in caught.value.message
    assert "can be linted" in (caught.value.hint or "")


def test_command_lines() -> None:
    assert said(check_cmake_line("-DLLAMA_HIPBLAS=ON", basis())) == ["-DLLAMA_HIPBLAS=ON is called GGML_HIP today"]
    assert said(check_cmake_line("CC=gcc cmake -S . -DGGML_X=1", basis()))
    assert said(check_server_line("-m a.gguf -fa", basis())) == ["-fa needs a value"]
    assert said(check_server_line("./build/bin/llama-server --mlock", basis())) == [
        "--mlock no longer exists since September 2026"
    ]
    line = "docker run --gpus all ghcr.io/ggml-org/llama.cpp:server-cuda -m a.gguf -ctv q3"
    assert said(check_server_line(line, basis())) == ["-ctv cannot be 'q3'"]
    with pytest.raises(InputError, match=r"nothing of llama\.cpp"):
        check_server_line("nginx -g daemon", basis())


def test_a_dockerfile_beside_a_compose_file() -> None:
    dockerfile = """\
FROM debian
ARG ARCHS=86
RUN cmake -B b -DGGML_CUDA=ON
ENV LLAMA_ARG_HOST=0.0.0.0
ENTRYPOINT ["/b/bin/llama-server"]
"""
    text = """\
services:
  a:
    build: {context: ., args: {ARCH: 86, GGML_RPC: 1}}
    gpus: all
    ports: [80:80]
    command: --port 8080
"""
    found = said(examine(text, "compose.yaml", Dockerfile=dockerfile))
    assert found == [
        "GGML_RPC is no ARG of the Dockerfile",
        "ARCH is no ARG of the Dockerfile",
        "80 is not where the server listens",
    ]


def test_files_of_variables() -> None:
    text = """\
services:
  a:
    image: ghcr.io/ggml-org/llama.cpp:server-b11312
    env_file: [llm.env, gone.env]
    command: -c ${CTX}
"""
    beside = {"llm.env": "LLAMA_ARG_CACHE_TYPE_K=q1\n", ".env": "CTX=big\n"}
    found = check_input(text, file="compose.yaml", basis=basis(), read=beside.get)
    assert [(one.where.file, one.subject) for one in found.findings] == [
        ("compose.yaml", "-c"),
        ("llm.env", "LLAMA_ARG_CACHE_TYPE_K=q1"),
    ]
    assert "gone.env, which is not at hand" in found.looked.not_at


def test_what_was_not_looked_at() -> None:
    text = """\
services:
  llm:
    image: ghcr.io/ggml-org/llama.cpp:server-b11312
    command: -m ${MODEL}
  web: {image: nginx}
"""
    looked = examine(text, "compose.yaml").looked
    assert looked.arguments == 2
    assert looked.not_at == (
        "service web, of whose server nothing is known",
        "${MODEL} of line 4, which has no value here",
    )


def test_presets_inherit() -> None:
    text = """{"configurePresets": [
      {"name": "base", "hidden": true, "cacheVariables": {"LLAMA_VULKAN": true, "GGML_RPC": "ON"}},
      {"name": "mine", "inherits": "base", "cacheVariables": {"GGML_RPC": {"type": "BOOL", "value": "maybe"}}}]}"""
    assert said(examine(text, "CMakePresets.json")) == [
        "-DLLAMA_VULKAN=ON is called GGML_VULKAN today",
        "-DGGML_RPC=maybe is neither ON nor OFF",
    ]


def test_a_dockerfile_in_a_compose_file_is_linted_at_its_lines() -> None:
    text = (
        "services:\n  llama:\n    build:\n      context: .\n      dockerfile_inline: |\n"
        "        FROM debian:13\n        RUN cmake -B build -DGGML_KUDA=ON -DGGML_NATIVE=OFF\n"
        '    command: ["llama-server", "--host", "0.0.0.0"]\n'
    )
    examined = examine(text, "compose.yaml")
    found = {one.subject: one.where.line for one in examined.findings}
    assert found["-DGGML_KUDA=ON"] == 7
    assert not any("Dockerfile" in one for one in examined.looked.not_at)


def test_what_is_built_is_known_by_its_short_name() -> None:
    (found,) = check_cmake_line("cmake -B b -DGGML_NATIVE=OFF -DLLAMA_SERVER=ON", basis=basis()).findings
    assert found.instead == "LLAMA_BUILD_SERVER=ON"


def test_no_layer_on_the_card_is_a_choice() -> None:
    assert check_server_line("llama-server --n-gpu-layers 0", basis=basis()).findings == ()
    (found,) = check_server_line("llama-server --n-gpu-layers 33", basis=basis()).findings
    assert found.severity == "note"


@pytest.mark.parametrize(
    ("tag", "instead"),
    [("server-cuda", "server-cuda"), ("server-cuda-b4068", "server-cuda-bNUMBER, of a newer build")],
)
def test_an_image_of_before_the_move(tag: str, instead: str) -> None:
    text = f"services:\n  llama:\n    image: ghcr.io/ggerganov/llama.cpp:{tag}\n"
    moved = next(one for one in examine(text, "compose.yaml").findings if one.what == "is no longer updated")
    assert moved.instead == f"ghcr.io/ggml-org/llama.cpp:{instead}"


@pytest.mark.parametrize(
    ("command", "told"),
    [("-m /m.gguf --port 8080", True), ("--server -m /m.gguf", False), ("-s -m /m.gguf", False), ("--bench", False)],
)
def test_a_full_image_is_told_first_what_to_do(command: str, told: bool) -> None:
    compose = f"services:\n  llama:\n    image: ghcr.io/ggml-org/llama.cpp:full-b9993\n    command: {command}\n"
    script = f"#!/bin/sh\ndocker run ghcr.io/ggml-org/llama.cpp:full-b9993 {command}\n"
    for text, file in ((compose, "compose.yaml"), (script, "run.sh")):
        found = [one.subject for one in examine(text, file).findings if "is no tool of" in one.what]
        assert found == (["-m"] if told else [])


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("    command: -m /data/m.gguf\n    volumes: ['./models:/models:ro']\n", True),
        ("    command: -m /data/m.gguf\n", False),
        (
            "    environment: {LLAMA_ARG_MODEL: /data/m.gguf}\n    volumes: [{type: bind, source: ., target: /m}]\n",
            True,
        ),
        ("    command: -m /models/m.gguf\n    volumes: ['./models:/models:ro']\n", False),
        ("    command: -m /models/a/m.gguf\n    volumes: [{type: volume, source: m, target: /models}]\n", False),
        ("    command: -m /m.gguf\n    volumes: ['./m.gguf:/m.gguf']\n", False),
        ("    command: -m /data/m.gguf -hf a/b\n", False),
        ("    command: -m /data/m.gguf\n    volumes: ['${WHERE}']\n", False),
        ("    command: -m m.gguf\n", False),
        ("    build: .\n    command: -m /data/m.gguf\n", False),
    ],
)
def test_a_model_lies_in_something_that_is_mounted(rest: str, told: bool) -> None:
    text = f"services:\n  llama:\n    image: ghcr.io/ggml-org/llama.cpp:server-b9993\n{rest}"
    found = [one.what for one in examine(text, "compose.yaml").findings if "mounted" in one.what]
    assert bool(found) is told, found
