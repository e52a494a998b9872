"""What `publish` says: gates and steps in words, and the same for publish.json."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from bakehouse.errors import InputError
from bakehouse.model.publish_report import GateReport, VariantReport
from bakehouse.pipeline.context import Context
from bakehouse.publish.candidates import Variant
from bakehouse.publish.gates import GateResult, GateState
from bakehouse.publish.plan import Outcome, VariantPlan

STYLES = {GateState.PASSED: "green", GateState.FAILED: "red", GateState.NOT_RUN: "yellow"}
SYMBOLS = {GateState.PASSED: "✓", GateState.FAILED: "✗", GateState.NOT_RUN: "\N{EN DASH}"}


def tell(plan: VariantPlan, context: Context, *, dry_run: bool) -> None:
    """Gates and outcome to the terminal; with --dry-run the steps to stdout."""
    context.console.print(_gates(plan.gates), crop=False) if plan.gates else None
    for line in outcome(plan):
        context.say(line)
    if dry_run:
        sys.stdout.writelines(f"{step}\n" for step in plan.steps)
        sys.stdout.flush()


def _gates(gates: tuple[GateResult, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for header in ("gate", "state", "rule", "cell", "reason"):
        table.add_column(header, no_wrap=header != "reason")
    for one in gates:
        state = Text(f"{SYMBOLS[one.state]} {one.state}", style=STYLES[one.state])
        blocks = Text(one.reason, style="bold") if one.blocks else Text(one.reason)
        table.add_row(one.gate, state, str(one.rule), one.cell, blocks)
    return table


def outcome(plan: VariantPlan) -> Iterator[str]:
    where = f"{plan.variant}: {plan.channel}" if plan.channel else plan.variant
    match plan.outcome:
        case Outcome.MOVES:
            yield f"{where} moves to {plan.tag} ({plan.index.digest[:19]})"
        case Outcome.CONFIRMED:
            yield f"{where} names {plan.tag} ({plan.index.digest[:19]}) already"
        case Outcome.STAGED:
            yield f"{where}: waits in staging"
        case Outcome.STAYS:
            yield f"{where} stays as it is:"
            yield from (f"  {one.cell}: {one.gate} {one.state}, {one.reason}" for one in plan.gates if one.blocks)
            yield from (f"  {refusal}" for refusal in plan.refusals)


def failed(variant: Variant, repository: str, channel: str | None, error: InputError) -> VariantReport:
    """Of a variant that could not even be planned."""
    return VariantReport(
        recipe=variant.recipe,
        variant=variant.name,
        repository=repository,
        channel=channel,
        outcome="failed",
        refusals=[str(error)],
    )


def report_of(plan: VariantPlan, variant: Variant, repository: str) -> VariantReport:
    return VariantReport(
        recipe=variant.recipe,
        variant=variant.name,
        repository=repository,
        digest=plan.index.digest,
        tag=plan.tag,
        channel=plan.channel,
        outcome=plan.outcome.value,
        refusals=list(plan.refusals),
        gates=[
            GateReport(
                gate=one.gate,
                cell=one.cell,
                state=one.state.value,
                rule=one.rule.value,
                reason=one.reason,
                details=list(one.details),
                blocks=one.blocks,
            )
            for one in plan.gates
        ],
        steps=[str(step) for step in plan.steps],
    )
