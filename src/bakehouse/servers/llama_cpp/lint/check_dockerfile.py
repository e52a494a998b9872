"""A Dockerfile that somebody brings along: its options, arguments and variables, and what such files get wrong."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bakehouse.lint.cmake_names import is_true
from bakehouse.lint.container_file import Contents, read_contents
from bakehouse.lint.dockerfile import read_dockerfile
from bakehouse.lint.examined import Examined, Looked
from bakehouse.lint.finding import Finding, Severity, in_order
from bakehouse.lint.relations.check_globals import check_globals, names_of
from bakehouse.lint.relations.check_home import check_home
from bakehouse.lint.relations.check_wheels import check_wheels
from bakehouse.lint.relations.headers import with_libraries
from bakehouse.lint.relations.view import SourceProject, View, read_view
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.stages.references import read_reference
from bakehouse.servers.llama_cpp.lint import check_image
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.llama_cpp.lint.catalogue import load_catalogue
from bakehouse.servers.llama_cpp.lint.check_arguments import check_arguments
from bakehouse.servers.llama_cpp.lint.check_cmake import (
    ARCHS_OF_AMD,
    check_backends,
    check_cpu_plugin,
    check_doubles,
    check_step,
)
from bakehouse.servers.llama_cpp.lint.check_commands import check_commands, check_unreached, old_program
from bakehouse.servers.llama_cpp.lint.check_container import check_place
from bakehouse.servers.llama_cpp.lint.check_environment import check_variable
from bakehouse.servers.llama_cpp.lint.check_forms import check_forms
from bakehouse.servers.llama_cpp.lint.check_listening import Listening, check_listening
from bakehouse.servers.llama_cpp.lint.check_revision import check_revisions, lowered
from bakehouse.servers.llama_cpp.lint.check_upstream import check_entrypoint, check_name
from bakehouse.servers.llama_cpp.lint.old_names import OWN
from bakehouse.servers.llama_cpp.lint.own_steps import speaks_of_llama
from bakehouse.servers.llama_cpp.lint.python_builds import steps_of, wheel_steps
from bakehouse.servers.llama_cpp.lint.relations.check import check_any_file, check_relations
from bakehouse.servers.llama_cpp.lint.relations.check_archs import check_extensions
from bakehouse.servers.llama_cpp.lint.upstream_images import upstream_image
from bakehouse.servers.llama_cpp.lint.whole_file import OLD_SERVER, WholeFile, relative_in
from bakehouse.servers.others.check_dockerfile import check_image as check_other_image


@functools.cache
def _project() -> SourceProject:
    return SourceProject(
        catalogue=load_catalogue(),
        source=re.compile(r"llama\.?cpp", re.IGNORECASE),
        prefixes=("GGML_", "LLAMA_"),
        static_option="GGML_STATIC",
        wheel_steps=wheel_steps,
    )


def check_dockerfile(text: str, *, file: str, basis: Basis) -> Examined:
    """Findings in the order of the file. Raises nothing: Docker itself complains about syntax."""
    dockerfile = read_dockerfile(text, file=file)
    contents = read_contents(dockerfile)
    one = WholeFile(
        contents=contents,
        image=[stage for stage in contents if stage.stage in dockerfile.image],
        options=basis.options,
        knowledge=basis.knowledge,
        at_hand=basis.at_hand,
        arguments=names_of(dockerfile.arguments),
        mentions=speaks_of_llama(f"{file}\n{text}"),
        relative=relative_in(text, file),
    )
    build = one.other.build if one.other and not one.other.fork else None
    view = read_view(dockerfile, contents, basis.matrix, _project(), build)
    findings = list(_check_words(one))
    if view is not None:
        own = with_libraries(findings, view.image) if len(contents) > 1 else findings
        findings = [*own, *_check_relations(one, view), *check_wheels(view.stages), *check_home(view.image)]
        findings += check_extensions(view)
        findings += [] if one.start else [*check_other_image(one.image)]
    return Examined(file=file, findings=in_order(findings), looked=_looked(one), kind="Dockerfile")


def _check_words(one: WholeFile) -> Iterator[Finding]:
    """What another revision may see differently is lowered where the file builds one."""
    for index, stage in enumerate(one.contents):
        other = one.other_of(index)
        for _, step in one.steps(stage):
            yield from check_doubles(step)
            by_name = {setting.name: setting for setting in step}
            yield from lowered(check_step(by_name, one.options, one.knowledge), other, one.at_hand)
            yield from lowered(check_cpu_plugin(by_name), other, one.at_hand)
        yield from lowered(_check_stage(stage, one), other, one.at_hand)
        yield from lowered(_check_commands(stage, one), other, one.at_hand)
    steps = [{setting.name: setting for setting in step} for stage in one.contents for _, step in one.steps(stage)]
    yield from lowered(check_backends(steps, one.options.cmake), one.other, one.at_hand)
    if one.start:
        set_here = {setting.name: setting for setting in one.variables}
        found = check_arguments(one.start.words, one.options, one.knowledge, set_here)
        yield from lowered(found, one.other, one.at_hand)
    if one.image:
        yield from lowered(_check_program(one), one.other, one.at_hand)
    yield from _check_upstream(one)


def _check_upstream(one: WholeFile) -> Iterator[Finding]:
    """The project's own images that stages stand on or copy from, and the command that the last one is given."""
    for stage in one.contents:
        if upstream := upstream_image(stage.image):
            yield from check_name(Word(text=stage.image, where=check_image.where_from(stage)), upstream)
        for source, words in stage.copies:
            if source and (upstream := upstream_image(source)):
                yield from check_name(Word(text=source, where=words[-1].where), upstream)
    if one.image and not one.image[-1].entrypoint and (upstream := upstream_image(one.image[0].image)):
        base = Word(text=one.image[0].image, where=check_image.where_from(one.image[0]))
        if one.image[-1].command:
            yield from check_entrypoint(base, upstream, one.image[-1].command)


def _check_program(one: WholeFile) -> Iterator[Finding]:
    """The program that the image starts, where it is one of llama.cpp under a name of before."""
    last = one.image[-1]
    program = one.start.program if one.start else next(iter((*last.entrypoint, *last.command)), None)
    copied = check_image.names_of_server(one.contents)
    if program is None or not one.is_about_llama_cpp or program.text.rpartition("/")[2] in copied:
        return
    yield from check_place(program, upstream_image(one.image[0].image) if last.entrypoint else None)
    if program.text.rpartition("/")[2] in ("main", OLD_SERVER) or program.text.startswith(("./", "/")):
        yield from old_program(program, one.knowledge)


def _check_commands(stage: Contents, one: WholeFile) -> Iterator[Finding]:
    yield from check_commands(stage.commands, stage.variables, one.options, one.knowledge)
    steps = [{setting.name: setting for setting in step} for _, step in one.steps(stage)]
    in_image = stage in one.image
    set_here = [
        setting
        for setting in (
            *stage.variables,
            *stage.arguments,
            *(a for command in stage.commands for a in command.assigned),
        )
        if setting.name not in ARCHS_OF_AMD  # relations/check_archs.py has a rule for them
        and not (in_image and OWN.match(setting.name) and setting in stage.variables)
    ]
    bodies = [instruction.body.text for instruction in stage.stage.instructions]

    def used(name: str) -> bool:
        return any(re.search(rf"\$\{{?{re.escape(name)}\b", body) for body in bodies)

    yield from check_unreached(set_here, steps, one.options, one.knowledge, used)
    if one.is_about_llama_cpp:
        for source, words in stage.copies:
            if source and words[:-1]:
                yield from _check_copied(words[:-1], one)


def _check_copied(words: Sequence[Word], one: WholeFile) -> Iterator[Finding]:
    for word in words:
        if "/bin/" in word.text or "llama" in word.text:
            yield from old_program(word, one.knowledge)


def _check_relations(one: WholeFile, view: View) -> Iterator[Finding]:
    yield from check_revisions((found for stage in one.revisions.values() for found in stage), one.at_hand)
    yield from check_image.check_image(one.image, one.contents, view.image, serves=one.start is not None)
    if one.is_about_llama_cpp or one.start:
        yield from check_forms(one.image, one.start)
    if view.builds or one.start or one.installs_wheels or check_image.names_of_server(one.contents):
        yield from lowered(check_relations(view), one.other, one.at_hand)
    if one.mentions:
        yield from check_globals(view.sources, one.arguments)
    yield from check_any_file(view)
    if one.start:
        last = one.image[-1]
        health = [word for command in last.health or () for word in command.words]
        yield from check_listening(
            Listening(
                start=one.start,
                variables=one.variables,
                ports=last.ports,
                ports_are="EXPOSE",
                health=health,
                health_where=last.health_where,
                image_is_unknown=upstream_image(one.image[0].image) is not None and not one.start.is_inherited,
            )
        )


def _looked(one: WholeFile) -> Looked:
    steps = [step for stage in one.contents for _, step in one.steps(stage)]
    return Looked(
        not_at=(
            *(() if one.mentions else ("packages and variables of a file in which nothing speaks of llama.cpp",)),
            *(f"the configure step of line {word.where.line}, of another project" for word in one.other_steps),
        ),
        options=sum(len(step) for step in steps),
        arguments=len(one.start.words) if one.start else 0,
        variables=sum(len(stage.variables) for stage in one.contents),
    )


_OF_BUILDS = re.compile(
    r"(?:GGML|LLAMA|CMAKE|CUDA|ROCM|HIP|AMDGPU|GPU)_(?!ARG_)[A-Z0-9_]*(?:ARCH|TARGET|CUDA|HIP|VULKAN|SYCL)"
)
_ALL = frozenset({"all", "default", ""})
"""What upstream's own Dockerfile takes for the archs by default."""


def _excused(findings: Iterable[Finding], setting: Setting, one: Contents, file: WholeFile) -> Iterator[Finding]:
    """A variable for a build that does nothing, where it does no harm either, or where a script may read it."""
    told = {name.name: name for _, step in steps_of(one) for name in step}
    same = setting.name in told and is_true(told[setting.name].value) == is_true(setting.value)
    if same or (setting.name == "CUDA_DOCKER_ARCH" and setting.value in _ALL):
        why = "It changes nothing: the build is told by -D, or goes by its default all the same."
    elif file.runs_scripts and _OF_BUILDS.match(setting.name):
        why = "A script of this file may read it and hand it on."
    else:
        yield from findings
        return
    for found in findings:
        yield replace(found, severity=Severity.NOTE, why=f"{found.why} {why}")


def _check_stage(one: Contents, file: WholeFile) -> Iterator[Finding]:
    knowledge, in_image, alone = file.knowledge, one in file.image, len(file.contents) == 1
    for fact in knowledge.images:
        if fact.concerns(read_reference(one.image).vendor_name):
            yield fact.told(check_image.where_from(one), one.image)
    if not file.mentions:
        return
    for setting in one.variables:
        found = check_variable(
            setting,
            file.options,
            knowledge,
            stage="image" if in_image else "build",
            other_program=file.other_program,
        )
        yield from _excused(found, setting, one, file)
    for word in one.packages:
        for fact in knowledge.packages:
            # An image of a single stage must hold what it is built with.
            wanted = "build" if not in_image or alone else "image"
            if fact.where in (wanted, "anywhere") and fact.concerns(word.text.partition("=")[0]):
                yield fact.told(word.where, word.text)
