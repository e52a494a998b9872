"""How often a verdict is wrong: the same image against itself, and one that is 5 % slower.

    python -m benchmarks.verdicts [--runs 2000] [--reports reports] [--json FILE]

Noise is fitted to samples that were recorded: those in tests/unit/stats/noise.py, and with --reports those of
all runs there that have at least 3 starts of 3 repetitions. Each side of each comparison is graded as a run grades it.
Targets with 7 starts, among comparisons of two exact figures: at most 1 % false alarms, at least 95 % of the slowdowns
found. Those with a noisy figure raise none, and are counted apart. One core, no engine; a few minutes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from tests.unit.stats.noise import QUIET, RECORDED, Noise, fit, pair

from bakehouse.model.enums import Change, Grade, Verdict
from bakehouse.model.report import CellReport, Metric, Sample
from bakehouse.stats.grading import grade, reach_allowed
from bakehouse.stats.interleave import interleave
from bakehouse.stats.judge import ChangeGates, Pair, Side, group, judge

SLOWER = 0.95
EXACT, NOISY = "exact", "noisy"
FAST = ChangeGates(resamples=1000)
"""As many as are needed for the interval's tail; the verdicts of a run take more."""
ENOUGH = 3


def recorded(reports: Path | None) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Counted samples by start."""
    found = dict(RECORDED)
    for path in sorted(reports.glob("2*/cells/*.json")) if reports else []:
        cell = CellReport.model_validate_json(path.read_bytes())
        for one in cell.measurements:
            counted = [(s.start, s.value) for s in one.samples if s.verdict is Verdict.PASSED and s.value > 0]
            starts = group(counted)
            each = min(map(len, starts), default=0)
            if len(starts) >= ENOUGH and each >= ENOUGH:
                name = f"{path.parts[-3][:15]} {cell.name.removeprefix('llama-server-')} {one.workload} {one.metric}"
                found[name] = tuple(start[:each] for start in starts)
    return found


def graded_side(side: Side, metric: Metric) -> Side:
    """As the history gives it: with its interval where it is noisy."""
    samples = [
        Sample(start=start, repetition=number, value=value)
        for start, values in enumerate(side.starts)
        for number, value in enumerate(values)
    ]
    grading = grade(samples, metric=metric, allowed=reach_allowed(metric))
    if grading is None or grading.grade is not Grade.NOISY:
        return side
    return replace(side, noisy="; ".join(grading.reasons), low=grading.low, high=grading.high)


def graded_pair(one: Pair) -> Pair:
    sides = (graded_side(side, one.metric) for side in (one.candidate, one.baseline))
    return replace(one, **dict(zip(("candidate", "baseline"), sides, strict=True)))  # type: ignore[arg-type]


def verdicts(
    noise: Noise, *, seed: int, runs: int, factor: float, starts: int = 7, repetitions: int = 5
) -> dict[str, Counter[str]]:
    """Verdicts of comparisons of two exact figures, and of those with a noisy one."""
    chance = np.random.default_rng(seed)
    found: dict[str, Counter[str]] = {EXACT: Counter(), NOISY: Counter()}
    for _ in range(runs):
        one = graded_pair(pair(noise, chance, factor=factor, starts=starts, repetitions=repetitions))
        worth = NOISY if one.candidate.noisy or one.baseline.noisy else EXACT
        found[worth][str(judge([one], FAST)[0].verdict)] += 1
    return found


def share(found: Counter[str], verdict: Change = Change.REGRESS) -> str:
    """`97.3%`; a dash where there was none to judge."""
    return f"{found[verdict] / found.total():.1%}" if found.total() else "-"


def words(found: Counter[str]) -> str:
    return ", ".join(f"{word} {count / found.total():.1%}" for word, count in found.most_common()) or "-"


def families(noise: Noise, *, runs: int, size: int) -> tuple[float, float]:
    """Of runs that look at `size` metrics: how many have any false alarm; how often the one slow metric is found."""
    chance = np.random.default_rng(size)
    alarms = found = 0
    for _ in range(runs):
        same: list[Pair] = [pair(noise, chance) for _ in range(size)]
        alarms += any(one.verdict is Change.REGRESS for one in judge(same, FAST))
        slow = judge([pair(noise, chance, factor=SLOWER), *same[1:]], FAST)
        found += slow[0].verdict is Change.REGRESS
    return alarms / runs, found / runs


def drift(*, runs: int) -> tuple[float, float]:
    """Share of false verdicts while the machine slows down by 5 % over 14 starts: one image after the other, ABBA."""
    shares = []
    for order in (["a"] * 7 + ["b"] * 7, interleave("a", "b", 7)):
        chance = np.random.default_rng(9)
        wrong = 0
        for _ in range(runs):
            times = [1 - 0.05 * place / 13 for place in range(14)]
            drawn = [times[n] * 100 * np.exp(chance.normal(0, 0.005) + chance.normal(0, 0.02, 5)) for n in range(14)]
            sides = {
                image: group([(n, float(v)) for n, of in enumerate(order) if of == image for v in drawn[n]])
                for image in "ab"
            }
            base = pair(fit(RECORDED[QUIET[0]]), chance)
            one = Pair(
                cell=base.cell,
                workload=base.workload,
                metric=base.metric,
                candidate=type(base.candidate)(starts=sides["b"]),
                baseline=type(base.baseline)(starts=sides["a"]),
            )
            wrong += judge([one], FAST)[0].verdict in (Change.REGRESS, Change.IMPROVE)
        shares.append(wrong / runs)
    return shares[0], shares[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000, help="simulated comparisons of each kind (default: 2000)")
    parser.add_argument("--reports", type=Path, help="also fit the noise of the runs in this folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    given = parser.parse_args()
    began = time.perf_counter()
    rows = []
    table = Table(title=f"{given.runs} comparisons of 7 starts x 5 repetitions each")
    for heading in (
        *("noise as recorded", "between", "within", "graded exact", "A/A alarms", "5 % slower: found", "otherwise"),
        *("noisy: A/A alarms", "noisy: 5 % slower"),
    ):
        table.add_column(heading)
    for number, (name, samples) in enumerate(recorded(given.reports).items()):
        noise = fit(samples)
        same = verdicts(noise, seed=2 * number, runs=given.runs, factor=1.0)
        slow = verdicts(noise, seed=2 * number + 1, runs=given.runs, factor=SLOWER)
        rows.append({"noise": name, "between": noise.between, "within": noise.within, "same": same, "slow": slow})
        table.add_row(
            f"{name}{' (quiet)' if name in QUIET else ''}",
            f"{noise.between:.1%}",
            f"{noise.within:.1%}",
            f"{same[EXACT].total() / given.runs:.0%}",
            share(same[EXACT]),
            share(slow[EXACT]),
            words(slow[EXACT]),
            share(same[NOISY]),
            words(slow[NOISY]),
        )
    console = Console(width=170)
    console.print(table)
    quiet = fit(RECORDED[QUIET[1]])
    many = {size: families(quiet, runs=max(5, given.runs // 10), size=size) for size in (6, 17, 34)}
    for size, (alarms, found) in many.items():
        console.print(f"{size} metrics judged together: {alarms:.1%} of runs with a false alarm, {found:.0%} found")
    few = {
        starts: verdicts(quiet, seed=starts, runs=given.runs, factor=SLOWER, starts=starts) for starts in (3, 5, 7, 10)
    }
    for starts, found_ in few.items():
        exact = found_[EXACT]
        console.print(
            f"{starts} starts: {exact.total() / given.runs:.0%} exact, {share(exact)} of the slowdowns among them found"
        )
    large = {
        factor: verdicts(quiet, seed=round(100 * factor), runs=given.runs, factor=factor, starts=3)[EXACT]
        for factor in (1.0, 0.9, 0.85, 0.8)
    }
    for factor, exact in large.items():
        console.print(f"3 starts, {1 - factor:.0%} slower: {share(exact)} of the exact ones called a regression")
    apart, turned = drift(runs=max(5, given.runs // 5))
    console.print(
        f"a machine that slows down by 5 %: {apart:.0%} false verdicts one after the other, {turned:.1%} ABBA"
    )
    console.print(f"{time.perf_counter() - began:.0f} s")
    if given.json:
        given.json.write_text(
            json.dumps({"rows": rows, "families": many, "starts": few, "large": large, "drift": [apart, turned]})
        )


if __name__ == "__main__":
    main()
