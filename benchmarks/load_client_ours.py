"""Our load client as a program, for load_client.py: URL USERS TOKENS; prints what it measured as JSON."""

from __future__ import annotations

import json
import sys

from bakehouse.measure import workload_runs
from bakehouse.measure.loadgen.client import load
from bakehouse.measure.loadgen.workloads import Api, Request
from bakehouse.measure.workload_runs import PlannedLoad
from bakehouse.model.recipe import Limits


def main() -> None:
    url, users, tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    request = Request(prompt="How is bread made?", output_tokens=tokens, api=Api.CHAT, model="mock")
    planned = PlannedLoad(name="benchmark", users=users, requests=(request,) * users)
    outcome = load(url, planned.requests, users=users)
    found = workload_runs.figures(planned, outcome, Limits())
    if found.reason:
        sys.exit(found.reason)
    said = {"ttft": "ttft", "tpot": "tpot", "system_rate": "system_rate"}
    print(json.dumps({name: found.values[key] for name, key in said.items()}))  # type: ignore[index]
    print(
        outcome.overhead.record(), outcome.overhead.fault or outcome.overhead.lateness(found.shortest), file=sys.stderr
    )


if __name__ == "__main__":
    main()
