"""`report.html`: one file that opens offline, readable without scripts. Python computes, templates place."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bakehouse import formatting
from bakehouse.model.report import RunReport
from bakehouse.reporters import logs, outcomes
from bakehouse.reporters.comparison import CHANGES, RunComparison
from bakehouse.reporters.html.page import build
from bakehouse.reporters.text import one_line, plain

file = "report.html"


def render(run: RunReport, *, folder: Path, versus: RunComparison | None = None) -> str:
    return placed("report.html.j2", build(run, folder=folder, versus=versus))


def placed(template: str, page: object) -> str:
    """A page of our look. It may load nothing, and runs no script but ours."""
    style, script = _asset("style.css"), _asset("script.js")
    return (
        _environment()
        .get_template(template)
        .render(
            page=page,
            style=Markup(style),  # noqa: S704 - ours
            script=Markup(script),  # noqa: S704 - ours
            policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
            "base-uri 'none'; form-action 'none'",
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bakehouse.reporters", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": formatting.size,
        "seconds": formatting.seconds,
        "rate": formatting.rate,
        "quantity": formatting.quantity,
        "moment": formatting.moment,
        "count": formatting.count,
        "symbol": lambda verdict: formatting.SYMBOLS[verdict],
        "share": lambda value: f"{value * 100:+.2g} %",
        "change_symbol": lambda change: CHANGES[change],
        "known": lambda known, unit: formatting.span(known.low, known.high, unit),
        "low_to_high": lambda summary, unit: formatting.span(summary.low, summary.high, unit),
        "passed": outcomes.passed,
        "proved": outcomes.proved,
        "verdict_words": outcomes.verdict_words,
        "one_line": one_line,
        "breakable": _breakable,
        "log_link": logs.link,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Everything a template prints passes here, so that no control character from a log reaches the page."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _asset(name: str) -> str:
    return (files("bakehouse.reporters") / "templates" / name).read_text(encoding="utf-8")


def _breakable(text: str) -> Markup:
    """A long name that may be broken after `_`, `::` and `/`."""
    return Markup(re.sub(r"(_|::|/)(?=\w)", r"\1<wbr>", str(escape(plain(text)))))  # noqa: S704 - escaped


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
