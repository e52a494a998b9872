"""Our load client as a program, for load_client.py: URL USERS TOKENS; prints what it measured as JSON."""

from __future__ import annotations

import json
import sys

from bakehouse.measure import loads
from bakehouse.measure.client import load
from bakehouse.measure.loads import Planned
from bakehouse.measure.workloads import Api, Request
from bakehouse.model.recipe import Limits


def main() -> None:
    url, users, tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    request = Request(prompt="How is bread made?", output_tokens=tokens, api=Api.CHAT, model="mock")
    planned = Planned(name="benchmark", users=users, requests=(request,) * users)
    outcome = load(url, planned.requests, users=users)
    found = loads.figures(planned, outcome, Limits())
    if found.reason:
        sys.exit(found.reason)
    said = {"ttft": "ttft", "tpot": "tpot", "system_rate": "system_rate"}
    print(json.dumps({name: found.values[key] for name, key in said.items()}))  # type: ignore[index]
    print(outcome.own.record(), outcome.own.saturation(found.shortest), file=sys.stderr)


if __name__ == "__main__":
    main()
