"""What Dockerfiles of llama.cpp get wrong beside options: archs, linking, the health check, the user, the clone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakehouse.errors import Where
from bakehouse.lint.cmake_names import is_true
from bakehouse.lint.command import Command
from bakehouse.lint.container_file import Contents
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.stages.stage import StageModel
from bakehouse.servers.llama_cpp.lint.check_health import check_health_path
from bakehouse.servers.llama_cpp.lint.python_builds import steps_of

SERVER = "llama-server"
_CLIENTS = ("curl", "wget")


def where_from(one: Contents) -> Where:
    return Where(file=one.file, line=one.stage.line)


# ---------------------------------------------------------------------------------------------- the whole image


def check_image(
    image: Sequence[Contents], contents: Sequence[Contents], model: StageModel, *, serves: bool
) -> Iterator[Finding]:
    """`image` are the stages that the image consists of, `contents` all of them; `serves` says whether it starts the
    server itself.
    """
    last = image[-1]
    yield from _check_client(last, model)
    if not any(command.program == "cmake" for one in contents for command in one.commands) and not names_of_server(
        contents
    ):
        if serves:
            yield from check_health_path([word for command in last.health or () for word in command.words])
        return
    yield from _check_steps(contents)
    if model.base.libc == "none" and not (model.entrypoint or model.command):
        return  # files for another build, no image that is started
    yield from _check_user(last, model)
    yield from _check_health(image, model, serves=serves)


def names_of_server(contents: Sequence[Contents]) -> set[str]:
    """File names that `llama-server` was copied to."""
    return {
        target.rpartition("/")[2] or SERVER
        for _, words in _copies_of_server(contents)
        if (target := words[-1].text) and len(words) > 1
    }


def _copies_of_server(contents: Sequence[Contents]) -> list[tuple[str | None, tuple[Word, ...]]]:
    return [
        (source, words)
        for one in contents
        for source, words in one.copies
        if source and any(word.text.rpartition("/")[2] == SERVER for word in words[:-1])
    ]


def _check_steps(contents: Sequence[Contents]) -> Iterator[Finding]:
    for one in contents:
        reproducible = any(setting.name == "SOURCE_DATE_EPOCH" for setting in one.variables)
        for command, step in steps_of(one):
            names = {setting.name: setting for setting in step}
            if not any(name.startswith(("GGML_", "LLAMA_")) for name in names):
                continue
            if not (reproducible or names.keys() & {"GGML_NATIVE", "CMAKE_TOOLCHAIN_FILE"}):
                yield _native_by_default(command, names)
            if _is_on(names, "GGML_CCACHE") and not command.has_cache:
                yield finding(
                    Word(text=names["GGML_CCACHE"].as_option, where=names["GGML_CCACHE"].where),
                    "has no cache to use",
                    "What ccache keeps goes with the layer: the next build starts with nothing.",
                    "RUN --mount=type=cache,target=/root/.cache/ccache, and the ccache package",
                    severity=Severity.WARNING,
                )


def _native_by_default(command: Command, names: dict[str, Setting]) -> Finding:
    """GGML_NATIVE is ON unless something says otherwise, or SOURCE_DATE_EPOCH is set."""
    blind = _is_on(names, "GGML_CUDA") and "CMAKE_CUDA_ARCHITECTURES" not in names
    cards = ", and CUDA code is made for the cards of the build, which sees none." if blind else "."
    return finding(
        command.words[0],
        "compiles for the machine that builds",
        f"GGML_NATIVE is ON by default: the CPU code ends with an illegal instruction on other machines{cards}",
        "-DGGML_NATIVE=OFF, with -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON for speed on every CPU",
        severity=Severity.WARNING,
    )


def _is_on(step: dict[str, Setting], name: str) -> bool:
    return name in step and is_true(step[name].value)


def _check_user(last: Contents, model: StageModel) -> Iterator[Finding]:
    user = last.user
    name = user.text.partition(":")[0] if user else ""
    if user is None and model.base.is_nonroot:
        return
    if user is None or name in ("root", "0"):
        yield finding(
            user or Word(text=last.image, where=where_from(last)),
            "runs as root",
            "What breaks out of the server is root, and clusters that demand another user refuse the image.",
            "USER 65532:65532, in numbers",
            severity=Severity.WARNING,
        )


def _check_health(image: Sequence[Contents], model: StageModel, *, serves: bool) -> Iterator[Finding]:
    last = image[-1]
    if model.health:
        return
    if last.health is None or last.health_where is None:
        yield finding(
            Word(text=last.image, where=where_from(last)),
            "has no health check",
            "A container counts as running while the model is still being loaded, or after the server hangs.",
            "HEALTHCHECK that asks /health on the server's port",
            severity=Severity.NOTE,
        )
        return
    if serves:
        yield from check_health_path([word for command in last.health for word in command.words])


def _check_client(last: Contents, model: StageModel) -> Iterator[Finding]:
    """Whatever the image serves: its health check calls a program that the image surely lacks."""
    words = [word for command in last.health or () for word in command.words]
    client = next((word for word in words if word.text.rpartition("/")[2] in _CLIENTS), None)
    if client is not None and model.has(client.text.rpartition("/")[2]) is False:
        yield finding(
            client,
            "is not installed in the image",
            f"{model.base.text} has none: the check fails for ever, and the container is unhealthy.",
            f"install {client.text}, or a small program that asks instead",
        )
