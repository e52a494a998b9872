"""A Dockerfile that somebody brings along: its options, arguments and variables, and what such files get wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from bakehouse.lint import check_image
from bakehouse.lint.check_arguments import by_name, check_arguments, spelled
from bakehouse.lint.check_cmake import check_backends, check_step
from bakehouse.lint.check_environment import check_variable
from bakehouse.lint.container_file import Contents, read_contents
from bakehouse.lint.dockerfile import read_dockerfile
from bakehouse.lint.finding import Finding, Severity, in_order
from bakehouse.lint.known_options import Knowledge
from bakehouse.lint.options import SourceOptions
from bakehouse.lint.settings import Setting, Word
from bakehouse.model.matrix import Matrix

SERVER = "llama-server"


def check_dockerfile(
    text: str, *, file: str, options: SourceOptions, knowledge: Knowledge, matrix: Matrix
) -> tuple[Finding, ...]:
    """Findings in the order of the file. Raises nothing: Docker itself complains about syntax."""
    dockerfile = read_dockerfile(text, file=file)
    contents = read_contents(dockerfile)
    image = [one for one in contents if one.stage in dockerfile.image]
    findings: list[Finding] = []
    steps = [step for one in contents for _, step in one.steps]
    for step in steps:
        findings += _check_doubles(step)
        findings += check_step({setting.name: setting for setting in step}, options.cmake, knowledge)
    findings += check_image.check_archs(contents, matrix)
    findings += check_backends([{setting.name: setting for setting in step} for step in steps])
    for one in contents:
        findings += _check_stage(one, one in image, options, knowledge, alone=len(contents) == 1)
    if words := _server_words(contents):
        set_here = {setting.name: setting for one in image for setting in one.variables}
        findings += check_arguments(words, options.arguments, knowledge, set_here)
    if image:
        findings += check_image.check_image(image, contents, _listens_on(words, image, options))
    return in_order(findings)


def _check_doubles(step: Sequence[Setting]) -> Iterator[Finding]:
    first: dict[str, Setting] = {}
    for setting in step:
        before = first.setdefault(setting.name, setting)
        if before is not setting:
            yield Finding(
                severity=Severity.WARNING,
                where=setting.where,
                subject=setting.as_option,
                what=f"stands twice; it is first on line {before.where.line}",
                why="Only the last one counts.",
                instead="one of them",
            )


def _check_stage(
    one: Contents, in_image: bool, options: SourceOptions, knowledge: Knowledge, *, alone: bool
) -> Iterator[Finding]:
    for fact in knowledge.images:
        if fact.concerns(one.image):
            yield fact.told(check_image.where_from(one), one.image)
    for setting in one.variables:
        yield from check_variable(setting, options, knowledge, stage="image" if in_image else "build")
    for word in one.packages:
        for fact in knowledge.packages:
            # An image of a single stage must hold what it is built with.
            wanted = "build" if not in_image or alone else "image"
            if fact.where in (wanted, "anywhere") and fact.concerns(word.text.partition("=")[0]):
                yield fact.told(word.where, word.text)


def _server_words(contents: Sequence[Contents]) -> tuple[Word, ...]:
    """The server's arguments, where the image starts one, under whatever name it was copied."""
    if not contents:
        return ()
    last = contents[-1]
    words = (*last.entrypoint, *last.command)
    names = {SERVER, *check_image.names_of_server(contents)}
    at = next((index for index, word in enumerate(words) if word.text.rpartition("/")[2] in names), None)
    return () if at is None else words[at + 1 :]


def _listens_on(words: Sequence[Word], image: Sequence[Contents], options: SourceOptions) -> Word | None:
    """The port that the image's server is told: by argument, else by variable."""
    known = by_name(options.arguments)
    port = known.get("--port")
    for word, value in pairwise(words):
        if port is not None and known.get(spelled(word.text)) is port:
            return value
    variables = [setting for one in image for setting in one.variables if setting.name == "LLAMA_ARG_PORT"]
    return Word(text=variables[-1].value, where=variables[-1].where) if variables else None
