"""How true our load client is, and how many tokens one core of it handles, next to other load clients.

The mock server writes down when it really sent each token, by the clock that all processes share. So each client's
TTFT, time per token and system rate are held against what happened, at rising load, and not against a plan. The CPU
time of a client is that of its whole process tree in a run, less that of a run with one short request (start, imports,
writing files), over the tokens.

    python benchmarks/load_client.py                    # ours, and those peers that are installed
    python benchmarks/load_client.py --install          # installs the peers first, in folders of their own (3 GB)
    python benchmarks/load_client.py --users 1 8 --seconds 2 --runs 1

Peers: aiperf and guidellm as programs; of vLLM, whose package needs a GPU's worth of libraries, the function that
`vllm bench serve` sends each request with, without its bookkeeping: an upper bound of what it could do.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import harness
from harness import Comparison, Record, say
from load_client_peers import PEERS, Asked, Peer, Reported, install, tokenizer
from tests.doubles.mock import Mock, mock_server
from tests.doubles.mock_server import Script, Told

from bakehouse.errors import BakehouseError
from bakehouse.system import process

GAP = 0.01
"""Seconds between two tokens of a stream."""
TTFT = 0.1
PADDING = 120
"""Bytes: real servers' chunks are as long."""
ERROR_LIMIT = 0.01
STARTS = 3
CPU_FLOOR = 0.5
"""Of the CPU time of a start: less on top of it cannot be told from its noise."""
FACTOR = 2.0
TIMEOUT = 240.0
SERVER_LATE = 0.002
"""Seconds. A mock server that sends later than this (median) is itself the bottleneck; it then says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """What the server really did."""

    ttft: float
    """Median, from the request's last byte to the first token."""
    tpot: float
    system_rate: float
    late: float
    """Median of how late tokens were sent."""
    tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One run of one client."""

    client: str
    users: int
    reported: Reported
    truth: Truth
    cpu: float | None
    """Seconds, without the start; None: too few to tell from it."""

    @property
    def rate(self) -> float | None:
        """Tokens a second that one core would handle."""
        return self.truth.tokens / self.cpu if self.cpu else None

    def errors(self) -> dict[str, float]:
        """By how much what was said differs from what was, relative."""
        pairs = {
            "ttft": (self.reported.ttft, self.truth.ttft),
            "tpot": (self.reported.tpot, self.truth.tpot),
            "system_rate": (self.reported.system_rate, self.truth.system_rate),
        }
        return {name: abs(said / real - 1) for name, (said, real) in pairs.items() if said is not None and real}


def main() -> None:
    parser = harness.arguments(__doc__, runs=3)
    parser.add_argument("--users", type=int, nargs="+", default=[1, 16, 64, 128, 256], help="streams at the same time")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each stream")
    parser.add_argument("--clients", nargs="+", help="only these (ours, " + ", ".join(PEERS) + ")")
    parser.add_argument("--peers", type=Path, default=None, metavar="FOLDER", help="where the peers are installed")
    parser.add_argument("--install", action="store_true", help="install the peers there first")
    options = parser.parse_args()
    context = harness.our_context()
    home = options.peers or context.cache / "benchmarks" / "load-clients"
    if options.install:
        for name in PEERS:
            install(name, home, say=say)
    clients = _clients(home, only=options.clients)
    record = Record(name="load client")
    with harness.lease(context, alone=True):
        record.look("before")
        found = _measure(clients, options)
        record.look("after")
    _judge(record, found)
    _show(found)
    record.details = {"runs": [asdict(one) | {"errors": one.errors()} for one in found], "clients": list(clients)}
    record.show()
    record.write(options.json)


def _clients(home: Path, *, only: Sequence[str] | None) -> dict[str, Peer]:
    ours = {"ours": Peer(python=Path(sys.executable), run=_ours)}
    found = ours | {name: peer for name, make in PEERS.items() if (peer := make(home / name)) is not None}
    for name in PEERS:
        if name not in found:
            say(f"{name} is not installed in {home / name}: left out (--install)")
    return {name: peer for name, peer in found.items() if not only or name in only}


def _measure(clients: dict[str, Peer], options: argparse.Namespace) -> list[Found]:
    """Run all clients in turn, level by level; a client that fails at a level is said to, and left out above it."""
    tokens = max(2, round(options.seconds / GAP))
    found: list[Found] = []
    with tempfile.TemporaryDirectory(prefix="bakehouse-load-") as name:
        folder = Path(name)
        tokenizer(folder / "tokenizer")
        start = {client: _start(client, peer, folder=folder) for client, peer in clients.items()}
        running = {client for client, one in start.items() if one is not None}
        for users in options.users:
            for _ in range(options.runs):
                for client in sorted(running, key=list(clients).index):
                    one = _one(client, clients[client], users=users, tokens=tokens, folder=folder)
                    base = start[client]
                    if one is None or base is None or one.cpu is None or base.cpu is None:
                        running.discard(client)
                        continue
                    cpu = one.cpu - base.cpu
                    found.append(replace(one, cpu=cpu if cpu > CPU_FLOOR * base.cpu else None))
                    errors = ", ".join(f"{key} {value:.2%}" for key, value in found[-1].errors().items())
                    rate = f"{found[-1].rate:,.0f}" if found[-1].rate else "too few to tell how many"
                    say(f"{client}, {users} users: off by {errors}; {rate} tokens/s and core")
    return found


def _start(client: str, peer: Peer, *, folder: Path) -> Found | None:
    """The cheapest of some runs with next to nothing to do."""
    found = [_one(client, peer, users=1, tokens=4, folder=folder) for _ in range(STARTS)]
    return min((one for one in found if one), key=lambda one: one.cpu or 0.0, default=None)


def _one(client: str, peer: Peer, *, users: int, tokens: int, folder: Path) -> Found | None:
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    script = Script(ttft=TTFT, gaps=(GAP,), padding=PADDING)
    with mock_server({"default": script, "mock": script}, folder=work) as mock:
        asked = Asked(url=mock.url, users=users, tokens=tokens, folder=work, tokenizer=folder / "tokenizer")
        before = _children_seconds()
        try:
            reported = peer.run(peer.python, asked)
        except (BakehouseError, KeyError, ValueError, OSError) as error:
            say(f"{client}, {users} users: failed: {str(error)[:2000]}")
            return None
        cpu = _children_seconds() - before
        truth = _truth(mock, tokens)
    if truth is None:
        say(f"{client}, {users} users: no request with {tokens} tokens reached the server")
        return None
    if truth.late > SERVER_LATE:
        say(f"{client}, {users} users: the mock server itself was {truth.late * 1000:.1f} ms late (median)")
    return Found(client=client, users=users, reported=reported, truth=truth, cpu=cpu)


def _truth(mock: Mock, tokens: int) -> Truth | None:
    """Of the requests that were asked for; some clients send others to warm up."""
    told = [one for one in mock.told() if len(one.sent) == tokens]
    if not told:
        return None
    wall = max(one.sent[-1] for one in told) - min(one.received for one in told)
    return Truth(
        ttft=statistics.median(one.sent[0] - one.received for one in told),
        tpot=statistics.median((one.sent[-1] - one.sent[0]) / (tokens - 1) for one in told),
        system_rate=len(told) * tokens / wall,
        late=statistics.median(_late(told)),
        tokens=len(told) * tokens,
    )


def _late(told: Sequence[Told]) -> list[float]:
    return [sent - planned for one in told for sent, planned in zip(one.sent, one.planned, strict=True)]


def _children_seconds() -> float:
    """CPU time of all programs that we started and that have ended. The mock server ends later."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _ours(python: Path, asked: Asked) -> Reported:
    """Run ours as a program, too: the same price for the start as all others pay."""
    done = process.run(
        [
            str(python),
            str(Path(__file__).with_name("load_client_ours.py")),
            asked.url,
            str(asked.users),
            str(asked.tokens),
        ],
        env={**os.environ, "PYTHONPATH": str(harness.ROOT / "src")},
        timeout=TIMEOUT,
    )
    return Reported(**json.loads(done.stdout))


def _judge(record: Record, found: Sequence[Found]) -> None:
    """Hold ours against the truth, and against the best of the others."""
    for users in sorted({one.users for one in found}):
        at = [one for one in found if one.users == users]
        ours = _by_client(at, _largest_error).get("ours")
        if ours:
            others = _by_client([one for one in at if one.client != "ours"], _largest_error)
            best = min(others, key=lambda name: statistics.median(others[name]), default=None)
            record.add(
                Comparison(
                    what=f"largest error, {users} users" + (f" (against {best})" if best else ""),
                    ours=ours,
                    theirs=others[best] if best else [ERROR_LIMIT],
                    unit="",
                    limit=1.0,
                    note="" if best else "no peer: against 1 %",
                )
            )
    top = max((one.users for one in found if one.client == "ours"), default=0)
    rates = _by_client([one for one in found if one.users == top], lambda one: one.rate)
    others = {name: values for name, values in rates.items() if name != "ours"}
    if "ours" in rates and others:
        best = max(others, key=lambda name: statistics.median(others[name]))
        record.add(
            Comparison(
                what=f"tokens/s for each client core, {top} users (against {best})",
                ours=rates["ours"],
                theirs=others[best],
                unit="tokens/s",
                limit=FACTOR,
                higher_is_better=True,
            )
        )


def _largest_error(one: Found) -> float | None:
    return max(one.errors().values(), default=None)


def _by_client(found: Sequence[Found], value: Callable[[Found], float | None]) -> dict[str, list[float]]:
    """Without the clients that reported nothing that can be compared."""
    values: dict[str, list[float]] = {}
    for one in found:
        known = value(one)
        if known is not None:
            values.setdefault(one.client, []).append(known)
    return values


def _show(found: Sequence[Found]) -> None:
    """One row for each client and level, medians: as a table for docs/measuring.md."""
    print("| client | users | tokens/s sent | TTFT off by | time per token | system rate | tokens/s and core |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for client, users in dict.fromkeys((one.client, one.users) for one in found):
        runs = [one for one in found if (one.client, one.users) == (client, users)]
        off = [_middle(one.errors().get(key) for one in runs) for key in ("ttft", "tpot", "system_rate")]
        words = " | ".join("" if value is None else f"{value:.2%}" for value in off)
        sent, rate = _middle(one.truth.system_rate for one in runs), _middle(one.rate for one in runs)
        print(f"| {client} | {users} | {sent or 0:,.0f} | {words} | {f'{rate:,.0f}' if rate else ''} |")


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


if __name__ == "__main__":
    main()
