"""The project's own files: which configure steps, command lines and variables stand in matrix.yaml and the recipes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.config.layout import MATRIX_FILE
from bakehouse.config.load import Project
from bakehouse.config.yaml_document import Document, KeyPath
from bakehouse.lint.examined import Examined, Looked
from bakehouse.lint.finding import Finding, Severity, in_order
from bakehouse.lint.options import SourceOptions, options_file
from bakehouse.lint.settings import Setting, Word
from bakehouse.model.build import CMakeBuild
from bakehouse.model.matrix import FlagSet
from bakehouse.model.recipe import Recipe
from bakehouse.servers.llama_cpp.lint.check_arguments import check_arguments
from bakehouse.servers.llama_cpp.lint.check_cmake import check_backends, check_steps
from bakehouse.servers.llama_cpp.lint.check_environment import Stage, check_variable
from bakehouse.servers.llama_cpp.lint.known_options import Knowledge

SERVER = "llama-server"
Step = dict[str, Setting]


def check_project(
    project: Project,
    options: Mapping[str, SourceOptions | None],
    knowledge: Knowledge,
    *,
    recipes: Iterable[str],
) -> tuple[Finding, ...]:
    """`options` by name of the source; None where none were kept."""
    findings: list[Finding] = []
    for name in recipes:
        recipe = project.world.recipes[name]
        if recipe.cmake is None:
            continue  # nothing of it is compiled: no options
        source = recipe.cmake.source
        kept = options.get(source)
        findings += _check_kept(source, kept, project)
        if kept is not None:
            findings += _Reader(name=name, recipe=recipe, build=recipe.cmake, project=project).check(kept, knowledge)
    return in_order(findings)


def examine_project(
    project: Project, options: Mapping[str, SourceOptions | None], knowledge: Knowledge, *, recipes: Sequence[str]
) -> Examined:
    """The findings, and how much of the project they come from."""
    looked = Looked()
    for name in recipes:
        recipe = project.world.recipes[name]
        if recipe.cmake is None:
            looked += Looked(not_at=(f"recipe {name}, of which nothing is compiled",))
            continue
        if options.get(recipe.cmake.source) is None:
            looked += Looked(not_at=(f"recipe {name}, of whose source no options are at hand",))
            continue
        reader = _Reader(name=name, recipe=recipe, build=recipe.cmake, project=project)
        settings = {(one.where, one.name) for step in reader.steps() for one in step.values()}
        looked += Looked(
            options=len(settings), arguments=len(reader.command()), variables=len(list(reader.variables()))
        )
    findings = check_project(project, options, knowledge, recipes=recipes)
    return Examined(file=MATRIX_FILE, findings=findings, looked=looked, kind="with its recipes")


def _check_kept(source: str, kept: SourceOptions | None, project: Project) -> Iterator[Finding]:
    revision = project.world.matrix.sources[source].revision
    if kept is not None and kept.revision == revision:
        return
    where = project.documents[MATRIX_FILE].where(("sources", source, "revision"))
    there = f"those of {kept.revision[:9]} are there" if kept else f"there is no {options_file(source)}"
    yield Finding(
        severity=Severity.WARNING,
        where=where,
        subject=revision[:9],
        what="its options are not known",
        why=f"Nothing was read from this revision; {there}, so that what follows may be wrong.",
        instead="bakehouse lint --update",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reader:
    """One recipe, with the places of its words."""

    name: str
    recipe: Recipe
    build: CMakeBuild
    project: Project

    @property
    def document(self) -> Document:
        return self.project.documents[f"recipes/{self.name}/recipe.yaml"]

    @property
    def matrix_document(self) -> Document:
        return self.project.documents[MATRIX_FILE]

    def check(self, options: SourceOptions, knowledge: Knowledge) -> Iterator[Finding]:
        steps = list(self.steps())
        yield from check_steps(steps, options, knowledge)
        yield from check_backends(steps, options.cmake)
        for stage, setting in self.variables():
            yield from check_variable(setting, options, knowledge, stage=stage)
        if self.recipe.runtime.entrypoint[0].rpartition("/")[2] == SERVER:
            environment = {setting.name: setting for stage, setting in self.variables() if stage == "image"}
            yield from check_arguments(self.command(), options, knowledge, environment)
            yield from check_arguments(self.probe_words(), options, knowledge)

    def steps(self) -> Iterator[Step]:
        """Each configure step of the templates: the host part, the CPU plugins, and each backend with each flag set."""
        build, matrix = self.build, self.project.world.matrix
        common = self._settings(build.cmake, "build", "cmake")
        plugin = common | self._settings(build.plugin_cmake, "build", "plugin_cmake")
        yield common | self._settings(build.host_cmake, "build", "host_cmake")
        yield plugin
        for accelerator in self.recipe.accelerators:
            backend = build.backends.get(accelerator)
            own = self._settings(backend.cmake, "build", "backends", str(accelerator), "cmake") if backend else {}
            toolkits = [
                _settings(row.cmake, self.matrix_document, "toolkits", name, "cmake")
                for name, row in matrix.toolkits.items()
                if row.accelerator is accelerator
            ]
            for name, flag_set in matrix.flag_sets.items():
                if accelerator in flag_set.accelerators and self.project.world.serves(name, self.name):
                    flags = self._flags(name, flag_set)
                    for toolkit in toolkits or [{}]:
                        yield plugin | own | toolkit | flags

    def _flags(self, name: str, flag_set: FlagSet) -> Step:
        parent = flag_set.extends
        inherited = self._flags(parent, self.project.world.matrix.flag_sets[parent]) if parent else {}
        return inherited | _settings(flag_set.cmake, self.matrix_document, "flag_sets", name, "cmake")

    def variables(self) -> Iterator[tuple[Stage, Setting]]:
        for setting in self._settings(self.recipe.runtime.env, "runtime", "env").values():
            yield "image", setting
        for accelerator, backend in self.build.backends.items():
            for setting in self._settings(backend.env, "build", "backends", str(accelerator), "env").values():
                yield "image", setting
        for name, toolkit in self.project.world.matrix.toolkits.items():
            for setting in _settings(toolkit.env, self.matrix_document, "toolkits", name, "env").values():
                yield "build", setting

    def command(self) -> list[Word]:
        runtime = self.recipe.runtime
        return [
            *self._words(runtime.entrypoint, "runtime", "entrypoint")[1:],
            *self._words(runtime.command, "runtime", "command"),
        ]

    def probe_words(self) -> list[Word]:
        return self._words(self.recipe.probes.args, "probes", "args")

    def _settings(self, values: Mapping[str, str], *path: str) -> Step:
        return _settings(values, self.document, *path)

    def _words(self, words: tuple[str, ...], *path: str) -> list[Word]:
        return [Word(text=text, where=self.document.where((*path, index))) for index, text in enumerate(words)]


def _settings(values: Mapping[str, str], document: Document, *path: str) -> Step:
    base: KeyPath = path
    return {
        name: Setting(name=name, value=value, where=document.where((*base, name))) for name, value in values.items()
    }
