"""CMakePresets.json: the cache variables of each configure preset, with what it inherits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bakehouse.config.yaml_document import Document
from bakehouse.lint.examined import Examined, Looked
from bakehouse.lint.finding import in_order
from bakehouse.lint.settings import Setting
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.check_cmake import check_backends, check_step

Step = dict[str, Setting]


def check_presets(document: Document, basis: Basis) -> Examined:
    presets = document.value.get("configurePresets")
    named = {
        str(one.get("name")): (index, one)
        for index, one in enumerate(presets if isinstance(presets, list) else [])
        if isinstance(one, Mapping)
    }
    steps = [
        step for name, (_, one) in named.items() if not one.get("hidden") and (step := _step(name, named, document))
    ]
    findings = [
        finding for step in steps for finding in check_step(step, basis.options, basis.knowledge, for_image=False)
    ]
    findings += check_backends(steps, basis.options.cmake)
    settings = {setting.where for step in steps for setting in step.values()}
    return Examined(
        file=document.file, findings=in_order(findings), looked=Looked(options=len(settings)), kind="CMake presets"
    )


def _step(
    name: str,
    named: Mapping[str, tuple[int, Mapping[str, Any]]],
    document: Document,
    seen: frozenset[str] = frozenset(),
) -> Step:
    """Its own variables win over those of the presets that it inherits, the first of those over the next."""
    if name not in named or name in seen:
        return {}
    index, preset = named[name]
    inherited = preset.get("inherits", [])
    step: Step = {}
    for parent in reversed([inherited] if isinstance(inherited, str) else inherited):
        step |= _step(str(parent), named, document, seen | {name})
    return step | {setting.name: setting for setting in _own(index, preset, document)}


def _own(index: int, preset: Mapping[str, Any], document: Document) -> Iterator[Setting]:
    variables = preset.get("cacheVariables")
    for name, given in variables.items() if isinstance(variables, Mapping) else ():
        value = given.get("value") if isinstance(given, Mapping) else given
        if value is None:
            continue
        text = {True: "ON", False: "OFF"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        where = document.where(("configurePresets", index, "cacheVariables", name))
        yield Setting(name=name, value=text, where=where, complete="$" not in text)
