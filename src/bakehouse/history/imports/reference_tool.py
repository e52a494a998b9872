"""Results of a family's own benchmark program (servers/reference.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bakehouse.history.imports.document import Origin, broken, rows, value
from bakehouse.model.history import GpuFacts, Hardware, Row
from bakehouse.model.report import Metric
from bakehouse.servers.reference import Recorded, ReferenceTool


@dataclass(frozen=True, slots=True)
class ToolImporter:
    """An importer of its files."""

    tool: ReferenceTool

    def recognizes(self, document: Any) -> bool:
        return self.tool.is_of(document)

    def read(self, path: Path, documents: list[tuple[int, Any]], origin: Origin) -> Iterator[Row]:
        for line, document in documents:
            try:
                for test in self.tool.recorded(document):
                    yield from self._rows(test, origin)
            except ValueError as error:
                raise broken(path, line, str(error)) from None

    def _rows(self, test: Recorded, origin: Origin) -> Iterator[Row]:
        metric, workload = _workload(test)
        values = [value(rate, "tokens/s") for rate in test.rates]
        yield from rows(
            _with_machine(origin, test),
            client=self.tool.program,
            workload=workload,
            settings=test.settings,
            repetitions=[{metric: said} for said in values if said],
            time=test.time,
            revision=test.revision,
        )


def _workload(test: Recorded) -> tuple[Metric, str]:
    """`pp512`, `tg128`, `pp512+tg128`, with `@d4096` where the cache held tokens before."""
    prompt, output = test.prompt_tokens, test.output_tokens
    name = "+".join([*([f"pp{prompt}"] if prompt else []), *([f"tg{output}"] if output else [])])
    metric: Metric = "system_rate" if prompt and output else "prompt_rate" if prompt else "decode_rate"
    return metric, f"{name}@d{test.depth}" if test.depth else name


def _with_machine(origin: Origin, test: Recorded) -> Origin:
    known: dict[str, Any] = {} if origin.hardware.cpu or not test.cpu else {"cpu": test.cpu}
    if test.gpu and not origin.hardware.gpus:
        known |= {"gpus": (GpuFacts(name=test.gpu),), "device": test.gpu}
    hardware: Hardware = origin.hardware.model_copy(update=known)
    return replace(origin, hardware=hardware)
