"""Compilers that an option or a variable names: whether the stage has them, and whether they are where it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import Build, View, cuda_version
from bakehouse.lint.settings import Setting, Word

_NAMES = ("CMAKE_C_COMPILER", "CMAKE_CXX_COMPILER", "CMAKE_CUDA_HOST_COMPILER", "CC", "CXX", "CUDAHOSTCXX")
_GCC = re.compile(r"(?:/usr/bin/)?(?P<name>gcc|g\+\+)-(?P<version>[0-9]+)")
_CLANG = re.compile(r"(?:/usr/bin/)?clang(?:\+\+)?(?P<version>-[0-9]+)?")
_CUDA = re.compile(r"/cuda-(?P<version>[0-9]+\.[0-9]+)/")


def check_compilers(view: View) -> Iterator[Finding]:
    for build in view.builds:
        if build.is_python:
            continue
        yield from _check_nvcc(build)
        if build.stage.base.complete and not build.stage.unseen and build.stage.base.manager == "apt":
            yield from _check_there(build)


def _check_nvcc(build: Build) -> Iterator[Finding]:
    """A path of nvcc with another version than the one that the stage has."""
    told, found = build.options.get("CMAKE_CUDA_COMPILER"), cuda_version(build.stage)
    path = _CUDA.search(told.value) if told and told.complete else None
    if told and path and found and not f"{found[0]}.".startswith(f"{path['version']}."):
        yield finding(
            build.word(told.name),
            f"is not in this stage, which has CUDA {found[0]}",
            "CMake stops: the compiler is not there.",
            "leave it out: nvcc is in PATH; or /usr/local/cuda/bin/nvcc",
        )


def _check_there(build: Build) -> Iterator[Finding]:
    installed = {one.name for one in build.stage.packages.installed}
    for name in _NAMES:
        setting = build.options.get(name) or _variable(build, name)
        if setting is None or not setting.complete:
            continue
        package = _missing(setting.value, installed, build)
        if package:
            word = build.word(name) if name in build.options else Word(text=setting.as_variable, where=setting.where)
            yield finding(
                word,
                "names a compiler that its stage lacks",
                f"Nothing installs {package}, and CMake stops.",
                f"install {package}, or leave the option out",
            )
            return


def _variable(build: Build, name: str) -> Setting | None:
    given = next((one for one in build.command.assigned if one.name == name), None)
    return given or build.stage.environment.get(name)


def _missing(compiler: str, installed: set[str], build: Build) -> str | None:
    """The package that would bring it; None where it is there, or nobody can tell."""
    if found := _GCC.fullmatch(compiler):
        package = f"{found['name']}-{found['version']}"
        return None if package in installed or int(found["version"]) == build.stage.base.gcc else package
    if found := _CLANG.fullmatch(compiler):
        package = f"clang{found['version'] or ''}"
        there = any(one == package or (not found["version"] and one.startswith("clang")) for one in installed)
        return None if there else package
    return None
