"""Advice for people: what to build for a card, best first, and why not the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakehouse.commands.plan_text import show_ruled
from bakehouse.planning.gpus import Fit, Target
from bakehouse.planning.recommend import Advice

WIDE = 100
"""Columns from which a ranking has room for all of its columns."""


def show_advices(advices: Sequence[Advice], *, every: bool, out: Console) -> None:
    """One answer after the other, for each card that was named."""
    for number, advice in enumerate(advices):
        if number:
            out.print()
        show_advice(advice, every=every, out=out)


def show_advice(advice: Advice, *, every: bool, out: Console) -> None:
    """What to build for the card, and why not the rest."""
    if advice.target:
        out.print(_card(advice.target))
    for note in advice.notes:
        out.print(Text(f"  {note}", style="yellow"))
    if advice.ranked:
        out.print()
        out.print(_ranking(advice, out))
        for line in _legend(advice):
            out.print(Text(f"  {line}", style="dim"))
        _show_command(advice, out)
    else:
        out.print(Text("\nno cell runs on it", style="bold red"))
    if advice.ruled_out:
        out.print(Text(f"\nwhy not the others{'' if every else ' (--excluded lists each)'}:", style="bold"))
        show_ruled(advice.ruled_out, every=every, out=out)


def _show_command(advice: Advice, out: Console) -> None:
    """How the first is started: an option that is left out leaves the server on the processor without a word."""
    first = advice.ranked[0]
    if advice.target is None or first.runs == "no":
        return
    out.print(Text("\nrun the first with, then the server's own arguments:", style="dim"))
    out.print(Text(f"  {first.run_with}"), soft_wrap=True)


def _card(target: Target) -> Text:
    """Its name, and what the catalogue knows of it."""
    gpu = target.gpu
    facts = [" and ".join(target.accelerators), target.arch if target.arch != target.name else None]
    facts += [gpu.memory, gpu.bandwidth] if gpu else []
    facts.append(" or ".join(target.platforms))
    return Text.assemble((target.name, "bold"), (f"  {' · '.join(fact for fact in facts if fact)}", "dim"))


def _ranking(advice: Advice, out: Console) -> Table:
    """Best first, a line for each cell."""
    wide = out.width >= WIDE
    headings = ["", "build the first that suits you", "code", "how", "driver", *(["all features"] if wide else [])]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading else "right", min_width=3, overflow="fold")
    for rank, one in enumerate(advice.ranked, 1):
        style = "red" if one.runs == "no" else "yellow" if one.fit is Fit.PTX else "green"
        driver = (
            Text(f"needs {one.driver}" if one.needs_newer else "no", style="red")
            if one.runs == "no"
            else Text(one.driver or "")
        )
        row = [Text(str(rank)), Text(one.cell.name, style=style), Text(one.code or ""), Text(one.fit or ""), driver]
        table.add_row(*row, *([Text(one.driver_full or "")] if wide else []))
    return table


_MEANING = {
    Fit.FAMILY: "family: code for a family of archs, without what only its newest can do",
    Fit.COMPATIBLE: "compatible: code for another arch, which this card runs, without what its own could do better",
    Fit.PORTABLE: "portable: SPIR-V, which the card's driver compiles",
    Fit.PTX: "ptx: the driver compiles it at the first start, which takes minutes",
}


def _legend(advice: Advice) -> Iterable[str]:
    """Words for what is not plain native code, and what the driver in question does."""
    for how, meaning in _MEANING.items():
        if any(one.fit is how for one in advice.ranked):
            yield meaning
    if any(one.runs == "native-only" for one in advice.ranked):
        yield f"driver {advice.driver} runs the native code of these toolkits, but compiles no PTX of theirs"
