"""Flags of instructions that are written with a blank instead of an equals sign."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.errors import Where
from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import View
from bakehouse.lint.settings import Word

_FLAG = re.compile(r"\s*(?:--\S+=\S+\s+)*(?P<name>--(?:from|chown|chmod|platform|mount))\s+(?P<value>\S+)")


def check_flags(view: View) -> Iterator[Finding]:
    """`COPY --from build ...`"""
    for stage in view.stages:
        for instruction in stage.contents.stage.instructions:
            found = _FLAG.match(instruction.body.text) if instruction.name in ("COPY", "ADD", "RUN") else None
            if found:
                where = Where(file=stage.contents.file, line=instruction.body.line(found.start("name")))
                yield finding(
                    Word(text=f"{found['name']} {found['value']}", where=where),
                    "has no value",
                    'Flags of a Dockerfile are written with an equals sign: "missing a value on flag".',
                    f"{found['name']}={found['value']}",
                    link="https://docs.docker.com/reference/dockerfile/#copy---from",
                )
