"""What a compose file builds: its build arguments against the ARGs of the Dockerfile, its context, its Dockerfile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakehouse.lint.compose_file import Node
from bakehouse.lint.container_file import Contents
from bakehouse.lint.finding import Finding, Severity
from bakehouse.lint.nearest import nearest
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_revision import check_revisions
from bakehouse.servers.llama_cpp.lint.old_names import meant_option
from bakehouse.servers.llama_cpp.lint.revisions import git_context

PREDEFINED = frozenset(
    {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH"}
    | {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}
)
"""Arguments that every build takes, beside those that begin with BUILDKIT_."""
_ARCHS = {
    "CUDA": "CUDA_DOCKER_ARCH",
    "ROCM": "ROCM_DOCKER_ARCH",
    "HIP": "ROCM_DOCKER_ARCH",
    "AMDGPU": "ROCM_DOCKER_ARCH",
}
_BACKENDS = ("cuda", "rocm", "vulkan", "intel", "musa", "cann")


def check_build(node: Node, dockerfile: Sequence[Contents], basis: Basis) -> Iterator[Finding]:
    build = node.node("build")
    context = build.word("context") if build else node.word("build")
    if context is not None and (found := git_context(context)):
        yield from check_revisions([found], basis.at_hand)
    if build is None:
        return
    named = build.word("dockerfile")
    if named is not None and named.text.startswith(".devops/"):
        yield from _check_dockerfile(named, basis)
        yield from _check_upstream_arguments(list(build.settings("args")), basis)
    elif dockerfile:
        declared = {name for one in dockerfile for name in _declared(one)}
        yield from _check_arguments(list(build.settings("args")), declared, named, basis)


def _declared(one: Contents) -> Iterator[str]:
    for instruction in one.stage.instructions:
        if instruction.name == "ARG":
            yield from (word.partition("=")[0] for word in instruction.body.text.split())


def _check_arguments(
    given: Sequence[Setting], declared: set[str], dockerfile: Word | None, basis: Basis
) -> Iterator[Finding]:
    for setting in given:
        if setting.name in declared or _is_predefined(setting.name):
            continue
        meant = meant_option(setting.name, setting.value, basis.options, basis.knowledge)
        of_cmake = setting.name in basis.options.cmake.options or (meant is not None and meant.certain)
        near = nearest(setting.name, declared)
        yield _finding(
            setting,
            f"is no ARG of {dockerfile.text if dockerfile else 'the Dockerfile'}",
            "Docker mentions that it was not consumed, and nothing reads it.",
            near or (f"ARG {setting.name} and -D{setting.name}=${setting.name} there" if of_cmake else "leave it out"),
            severity=Severity.ERROR if of_cmake else Severity.WARNING,
        )


def _is_predefined(name: str) -> bool:
    return name in PREDEFINED or name.startswith("BUILDKIT_")


# ---------------------------------------------------------------------------------------------- upstream's own


def _check_dockerfile(named: Word, basis: Basis) -> Iterator[Finding]:
    known = basis.options.dockerfiles
    if not known or named.text in known or not named.complete:
        return
    name = named.text.removeprefix(".devops/").removesuffix(".Dockerfile")
    backend = next((one for one in _BACKENDS if name.endswith(f"-{one}")), "cpu")
    target = "full" if "full" in name else "light" if ("main" in name or "cli" in name) else "server"
    yield Finding(
        severity=Severity.ERROR,
        where=named.where,
        subject=named.text,
        what="is not in this revision",
        why="There is one Dockerfile for each backend today, and its last stages are targets.",
        instead=f".devops/{backend}.Dockerfile with target: {target}",
        by_revision=True,
    )


def _check_upstream_arguments(given: Sequence[Setting], basis: Basis) -> Iterator[Finding]:
    known = set(basis.options.build_arguments)
    for setting in given:
        if not known or setting.name in known or _is_predefined(setting.name):
            continue
        near = next((name for word, name in _ARCHS.items() if word in setting.name and "ARCH" in setting.name), "")
        near = near or nearest(setting.name, known)
        yield _finding(
            setting,
            "is no argument of upstream's Dockerfiles",
            "Docker mentions that it was not consumed, and nothing reads it.",
            near or "leave it out; the Dockerfile chooses the backend",
            severity=Severity.ERROR,
        )


def _finding(setting: Setting, what: str, why: str, instead: str, *, severity: Severity) -> Finding:
    return Finding(severity=severity, where=setting.where, subject=setting.name, what=what, why=why, instead=instead)
