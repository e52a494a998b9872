"""What figures are worth, in the same words in every report."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from bakehouse.formatting import NOTHING, count, quantity, rate, span
from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.report import CellReport, Measurement, Metric
from bakehouse.reporters import work
from bakehouse.reporters.text import one_line
from bakehouse.stats.grading import is_load

_NAMED = 3
"""Measurements that a headline names; it counts more of them."""

RATES: tuple[Metric, ...] = ("prompt_rate", "decode_rate")
"""What every recipe with a throughput probe asks for, of pp and tg."""
LOAD_RATES: tuple[Metric, ...] = ("system_rate",)
"""The same of its loads."""

ONE = "one sample"
"""In place of an interval."""

ADVICE: dict[Disturbance, str] = {
    Disturbance.OTHER_WORK: "measure when nothing else works on this machine",
    Disturbance.NEIGHBOURS: "measure for longer, or on a machine that shares its processor with no other guest",
    Disturbance.HEAT: "look at cooling and power",
    Disturbance.LATE_CLIENT: "leave the client a core, or ask from another machine",
    Disturbance.COLD: "measure for longer: --measure-for",
    Disturbance.NO_TIME: "measure for longer: --measure-for",
    Disturbance.CLOCKS: "measure for longer: --measure-for",
    Disturbance.SCATTER: "measure for longer: --measure-for, --starts",
    Disturbance.FEW_STARTS: "measure for longer: --measure-for, --starts",
    Disturbance.ELSEWHERE: "run `bakehouse bench` on the machine itself",
    Disturbance.UNWATCHED: "measure where the driver tells who uses the card: on the host, with a newer driver",
}
"""What helps, by what was seen. There is no advice on what was not seen."""


def is_asked(measurement: Measurement) -> bool:
    """Whether it is a rate that the recipe asks for, or that is measured in its stead."""
    return not measurement.short and is_rate(measurement)


def is_rate(measurement: Measurement) -> bool:
    """The same with those that are short."""
    if measurement.metric == work.RATE:
        return True
    return measurement.metric in (LOAD_RATES if "kind" in measurement.settings else RATES)


def is_main_rate(measurement: Measurement) -> bool:
    """Whether it is of one request at a time: pp, tg and the like, and no load."""
    return is_rate(measurement) and measurement.metric not in LOAD_RATES and not is_load(measurement)


def figure(measurement: Measurement) -> str:
    """`120 t/s (110 to 143), noisy: other work on this machine`, for a line of text; after it `short` where it is."""
    words = _figure(measurement)
    return f"{words}, short" if measurement.short else words


def _figure(measurement: Measurement) -> str:
    if measurement.grade is Grade.VOID:
        return f"void: {void_reason(measurement)}"
    words = quantity(statistics.median(measurement.counted), measurement.unit)
    if ends := bounds(measurement):
        words += f" ({ends})"
    return f"{words}, {why}" if (why := noise(measurement)) else words


def brief(measurement: Measurement | None) -> str:
    """`120 (110 to 143)`, for a table whose head says the unit. A dash: there is no figure."""
    if measurement is None or not measurement.counted:
        return NOTHING
    words = rate(statistics.median(measurement.counted))
    grading = measurement.grading
    if grading and grading.low == grading.high:
        return f"{words} ({ONE})"
    if grading and grading.low is not None and grading.high is not None:
        return f"{words} ({rate(grading.low)} to {rate(grading.high)})"
    values = measurement.counted
    return f"{words} ({rate(min(values))} to {rate(max(values))})" if len(values) > 1 else words


def struck(measurement: Measurement) -> float | None:
    """The median of a void measurement, to be shown struck out; None where nothing was measured at all."""
    values = [sample.value for sample in measurement.samples if sample.value > 0]
    return statistics.median(values) if measurement.grade is Grade.VOID and values else None


def noise(measurement: Measurement) -> str:
    """`noisy: other work on this machine`; empty where it is exact or void."""
    grading = measurement.grading
    if grading is None or grading.grade is not Grade.NOISY:
        return ""
    return f"noisy: {grading.disturbances[0]}" if grading.disturbances else "noisy"


def reasons(measurement: Measurement) -> tuple[str, ...]:
    """In detail, why it is noisy or void."""
    if measurement.grading:
        return tuple(measurement.grading.reasons)
    return (void_reason(measurement),) if measurement.grade is Grade.VOID else ()


def void_reason(measurement: Measurement) -> str:
    """The last reason that was given."""
    said = measurement.grading.reasons if measurement.grading else []
    said = said or [sample.reason for sample in measurement.samples if sample.reason]
    return said[-1] if said else "no sample was taken"


def remark(cells: Sequence[CellReport]) -> str:
    """What must be said beside `passed`: rates that are missing, noisy or left out. Empty: all of them are exact."""
    tried = [cell for cell in cells if _was_measured(cell)]
    return "; ".join(filter(None, (_missing(tried), _noisy(tried), _left_out(tried))))


def _was_measured(cell: CellReport) -> bool:
    """Whether it passed and its rates were asked for here."""
    return cell.verdict is Verdict.PASSED and any(
        test.probe == "throughput" and test.verdict in (Verdict.PASSED, Verdict.VOID) for test in cell.tests
    )


def _missing(cells: Sequence[CellReport]) -> str:
    found = [(cell, one) for cell in cells for one in cell.measurements if is_asked(one) and one.grade is Grade.VOID]
    found = [(cell, one) for cell, one in found if any(sample.verdict is Verdict.VOID for sample in one.samples)]
    if not found:
        return ""
    names = ", ".join(dict.fromkeys(one.workload for _, one in found))
    return f"rates void ({names}{_of(cells, [cell for cell, _ in found])}): {one_line(void_reason(found[0][1]))}"


def _noisy(cells: Sequence[CellReport]) -> str:
    found = [(cell, one) for cell in cells for one in cell.measurements if is_asked(one) and one.grade is Grade.NOISY]
    if not found:
        return ""
    # they come first: where they are exact, the loads alone are noisy
    rates = [(cell, one) for cell, one in found if is_main_rate(one)]
    what = "rates" if rates else "rates of loads"
    shown = rates or found
    first = Counter(one.grading.disturbances[0] for _, one in shown if one.grading and one.grading.disturbances)
    why = f": {first.most_common(1)[0][0]}" if first else ""
    return f"{what} noisy{_of(cells, [cell for cell, _ in shown])}{why}"


def _left_out(cells: Sequence[CellReport]) -> str:
    names = dict.fromkeys(
        one.workload
        for cell in cells
        for one in cell.measurements
        if one.samples and all(sample.disturbed is Disturbance.NO_TIME for sample in one.samples)
    )
    if len(names) > _NAMED:
        return f"no time was left for {len(names)} measurements"
    return f"no time was left for {', '.join(names)}" if names else ""


def _of(cells: Sequence[CellReport], these: Sequence[CellReport]) -> str:
    """` in 2 of 5 cells`; empty where it is all of them."""
    number = len({cell.name for cell in these})
    return "" if number == len(cells) else f" in {number} of {count(len(cells), 'cell')}"


def advice(cells: Sequence[CellReport]) -> Iterator[tuple[Disturbance, str]]:
    """What was seen at work on the rates of these cells, the most frequent first, and what helps against it."""
    seen = Counter(
        disturbance
        for cell in cells
        for one in cell.measurements
        if is_asked(one) and one.grading and one.grade is Grade.NOISY
        for disturbance in one.grading.disturbances
    )
    for disturbance, _ in seen.most_common():
        yield disturbance, ADVICE[disturbance]


def bounds(measurement: Measurement) -> str:
    """`110 to 143`, for behind a rate that has its unit; other quantities keep theirs: `59.3 ms to 1.04 s`."""
    return interval(measurement).removesuffix(f" {measurement.unit}").removesuffix(" t/s")


def interval(measurement: Measurement) -> str:
    """`110 to 143 t/s`; empty where it was not recorded."""
    grading = measurement.grading
    if grading is None or grading.low is None or grading.high is None:
        return ""
    if grading.low == grading.high and grading.grade is Grade.NOISY:
        return ONE
    return span(grading.low, grading.high, measurement.unit)
