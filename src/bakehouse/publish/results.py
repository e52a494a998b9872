"""What a remote machine found out about an image, attached to the digest that it tested; and read back here.

It needs no shared file system, and no connection to us. Three statements are about one digest: the tests and the rates
as they will be published, which others can read, and the whole record of the run, from which the gates are judged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from bakehouse.model import annotations as names
from bakehouse.model.report import RunReport
from bakehouse.publish import attestations
from bakehouse.publish.attestations import Statement
from bakehouse.publish.candidates import Evidence
from bakehouse.publish.execute import Executor
from bakehouse.publish.reading import bundles
from bakehouse.publish.signing import Signer, Verifier
from bakehouse.publish.steps import Attach
from bakehouse.registry.store import Source, Store
from bakehouse.reporters import json_file


def statements(run: RunReport, digest: str, *, name: str) -> Iterator[Statement]:
    """Of a run with one cell. `name`: of the repository. Pure."""
    (cell,) = run.cells
    one = Evidence(run=run, cell=cell)
    said = [(names.TEST_RESULT, attestations.test_result(one), "tests")]
    if any(measurement.counted for measurement in cell.measurements):
        said.append((names.MEASUREMENTS, attestations.measurements(one), "rates"))
    said.append((names.RUN, json.loads(json_file.render(run, folder=Path())), "report"))
    for kind, predicate, what in said:
        about = f"{what} of {cell.name}, run {run.run}"
        yield Statement(predicate_type=kind, predicate=predicate, subjects=(digest,), name=name, about=about)


def attach(run: RunReport, digest: str, *, store: Store, signer: Signer, say: Callable[[str], None]) -> None:
    """The report comes last: where it is, everything is. Raises RegistryError; what was attached stays."""
    steps = [Attach(subject=digest, statement=one) for one in statements(run, digest, name=store.name)]
    Executor(target=store, staging=None, images={}, signer=signer, say=say).execute(steps)


def attached_runs(store: Source, digest: str, verifier: Verifier | None) -> tuple[list[RunReport], list[str]]:
    """Reports of runs that tested a digest, the oldest first, and why others do not count. Raises RegistryError."""
    runs, refused = [], []
    for _, opened in bundles(store, digest, verifier):
        if opened.predicate_type != names.RUN:
            continue
        try:
            run = RunReport.model_validate(opened.predicate)
        except ValidationError:
            refused.append("a report that this version cannot read")
            continue
        if opened.valid:
            runs.append(run)
        else:
            refused.append(f"the report of run {run.run}: {opened.why_not}")
    return sorted(runs, key=lambda run: run.started), refused
