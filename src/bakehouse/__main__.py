"""Run one command: arguments in, exit code out. The only place that ends the process."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from bakehouse.cli import verbs
from bakehouse.cli.console import Output
from bakehouse.cli.encoding import degrade
from bakehouse.cli.failures import tell
from bakehouse.cli.parser import parser, refuse_empty
from bakehouse.pipeline.context import Context, default_cache
from bakehouse.system import signals

PASSES_ON = "engine"
"""The verb whose words are those of another program."""
OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Python looks for cycles after each 700. What is made at the start, classes and the project, stays until the end: a
search for garbage in it found none and took a tenth of `plan`."""


def main(words: Sequence[str]) -> int:
    """Nothing is raised for what a command does: every exception becomes words and an exit code."""
    arguments = parser(words).parse_args(_joined(_without_separator(words)))
    console = Output(stderr=True)
    context = Context(
        root=arguments.root.absolute(),
        cache=default_cache(os.environ),
        environ=os.environ,
        console=console,
        command=("bakehouse", *words),
    )
    try:
        with signals.heard():
            if arguments.verb != PASSES_ON:
                refuse_empty(words)
            return verbs.load(arguments.verb).run(arguments, context)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line of defence
        return tell(error, console, words=words)


def _without_separator(words: Sequence[str]) -> list[str]:
    """The words without a `--` behind the verb: `nox -s plan -- --gpu cpu` teaches people to write one."""
    for position, word in enumerate(words):
        if word in verbs.SUMMARIES:
            rest = words[position + 1 :]
            return [*words[: position + 1], *(rest[1:] if rest[:1] == ["--"] else rest)]
    return list(words)


def _joined(words: Sequence[str]) -> list[str]:
    """`lint --cmake -DX=ON` as `lint --cmake=-DX=ON`: argparse would take the value for an option of its own."""
    found: list[str] = []
    for word in words:
        if word.startswith("-") and found and found[-1] in verbs.TAKE_ANY_VALUE:
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def run() -> None:
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    degrade(sys.stdout, sys.stderr)
    code = main(sys.argv[1:])
    gc.freeze()  # nobody needs the last search for cycles, which takes as long as reading the project
    sys.exit(code)


if __name__ == "__main__":
    run()
