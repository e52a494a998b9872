"""docs/commands.md, made of the command line itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from bakehouse.cli import verbs
from bakehouse.cli.parser import EPILOG, parser

HEAD = """\
# Commands

*Reference.* Every verb of `bakehouse` with its options: `bakehouse VERB --help` says the same. In a clone, or a project
with a `noxfile.py`, `nox -s VERB -- OPTIONS` runs the same verb in an environment of its own. This page is made of the
command line by `nox -s tests -- tests/project/docs --regenerate`.
"""
PAGES = {
    "init": "your-repository.md",
    "plan": "choosing.md",
    "build-matrix": "../README.md#what-build-matrix-does",
    "bench": "measuring.md",
    "stack": "stacks.md",
    "probe": "probes.md#a-server-that-runs-already",
    "report": "reports.md",
    "publish": "publishing.md",
    "verify": "publishing.md#follow-it-once",
    "history": "comparing.md#history",
    "lock": "places.md#the-lockfile",
    "update": "nightly.md#keep-up-with-upstream",
    "lint": "lint.md",
    "ci": "nightly.md",
    "catalogue": "nightly.md#the-catalogue-of-images",
    "choose": "choosing.md",
    "check-model": "services.md#servers-of-others",
    "preflight": "services.md#servers-of-others",
    "engine": "engine.md",
    "clean": "places.md#the-cache",
}
"""Where more is said of a verb."""


def page() -> str:
    parts = [HEAD, *_overview()]
    for name in verbs.SUMMARIES:
        parts += ["", *_verb(name)]
    parts += ["", "## Exit codes and environment", "", "```text", EPILOG.strip(), "```", "", AFTER]
    return "\n".join(parts)


AFTER = """\
nox itself ends with 1 whenever its command did not end with 0. Where the number matters, run `bakehouse` (or
`python -m bakehouse`) directly.
"""


def _overview() -> Iterator[str]:
    yield "| verb | does | more |"
    yield "|---|---|---|"
    for name, summary in verbs.SUMMARIES.items():
        more = f"[{PAGES[name].rpartition('/')[2].partition('.')[0]}]({PAGES[name]})" if name in PAGES else ""
        yield f"| [`{name}`](#{name}) | {_cell(summary)} | {more} |"


def _verb(name: str) -> Iterator[str]:
    own = _subparsers(parser([name])).choices[name]
    yield f"## {name}"
    yield ""
    yield own.description or f"{verbs.SUMMARIES[name].capitalize()}."
    yield from _options(own)
    for action in _nested(own):
        for word, inner in action.choices.items():
            told = next((one.help for one in action._choices_actions if one.dest == word), None)
            yield ""
            yield f"**`{name} {word}`**: {inner.description or told or ''}"
            yield from _options(inner)
    if own.epilog:
        yield from ("", "```text", own.epilog.strip(), "```")


def _options(of: argparse.ArgumentParser) -> Iterator[str]:
    actions = [
        one
        for one in of._actions
        if not isinstance(one, argparse._HelpAction | argparse._SubParsersAction) and one.help != argparse.SUPPRESS
    ]
    if not actions:
        return
    yield ""
    yield "| option | |"
    yield "|---|---|"
    for one in actions:
        yield f"| `{_name(one)}` | {_cell(_help(one))} |"


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return str(action.metavar or action.dest.upper())
    value = ""
    if action.nargs != 0:
        value = str(action.metavar) if action.metavar else "|".join(map(str, action.choices or [action.dest.upper()]))
    return f"{', '.join(action.option_strings)} {value}".strip().replace("|", "\\|")


def _help(action: argparse.Action) -> str:
    text = action.help or ""
    return text % {"default": action.default, "prog": "bakehouse"} if "%" in text else text


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*")


def _nested(of: argparse.ArgumentParser) -> list[argparse._SubParsersAction[argparse.ArgumentParser]]:
    return [one for one in of._actions if isinstance(one, argparse._SubParsersAction)]


def _subparsers(of: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    return _nested(of)[0]
