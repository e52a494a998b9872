"""How many pictures a second our detector serves, against the same model behind a plain FastAPI.

    python benchmarks/detector_service.py
    python benchmarks/detector_service.py --clients 1 16 --seconds 3 --runs 1 --sizes 1280x720

Three servers run side by side, of which one is asked at a time, in turn: ours, plain with `async def`, and plain with
`def`. Clients ask again as soon as they are answered, over connections that stay open. A rate is answers a second;
a latency is the median of a client's. Each answer must name the astronaut. The model is the one that the cell
`detector-cpu-amd64` is probed with: from the cache, where a build has put it, or `--model FILE`.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import ROOT, Comparison, Record, arguments, lease, our_context, say
from PIL import Image

from bakehouse.config.load import load_project
from bakehouse.errors import InfrastructureError, InputError
from bakehouse.system import daemon

PICTURE = ROOT / "recipes/detector/tests/pictures/astronaut.jpg"
MODEL = "nanodet-plus-m-416"
PATIENCE = 60.0
GRACE = 10.0
"""Seconds."""
BOUNDARY = "benchmark"
OURS, ASYNC, THREADS = "ours", "plain, async def", "plain, def"
RATE_TARGET, LATENCY_TARGET = 1.5, 1.0
MANY = 16
"""Clients."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What came of some clients that asked for some seconds."""

    rate: float
    """Answers a second."""
    latency: float
    """Median, seconds."""


def picture(width: int, height: int) -> bytes:
    """The astronaut on grey, as a camera's JPEG."""
    canvas = Image.new("RGB", (width, height), (90, 100, 110))
    side = min(width, height)
    canvas.paste(Image.open(PICTURE).resize((side, side)), ((width - side) // 2, 0))
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=85)
    return out.getvalue()


def request(content: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a form with one file."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
    body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def ask(port: int, content: bytes, *, clients: int, seconds: float) -> Load:
    """Raises InfrastructureError for an answer without a person."""
    body, headers = request(content)
    until = time.perf_counter() + seconds
    taken: list[list[float]] = [[] for _ in range(clients)]
    wrong: list[str] = []

    def client(own: list[float]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while time.perf_counter() < until and not wrong:
            begin = time.perf_counter()
            connection.request("POST", "/detect", body, headers)
            answer = connection.getresponse().read()
            own.append(time.perf_counter() - begin)
            if b'"person"' not in answer:
                wrong.append(answer[:300].decode(errors="replace"))
        connection.close()

    begin = time.perf_counter()
    threads = [threading.Thread(target=client, args=(own,)) for own in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise InfrastructureError(f"an answer that names no person: {wrong[0]}")
    every = [one for own in taken for one in own]
    return Load(rate=len(every) / (time.perf_counter() - begin), latency=statistics.median(every))


@contextmanager
def served(words: Sequence[str], *, model: Path, log: Path, **more: str) -> Iterator[int]:
    """A server in a process of its own. Gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [ROOT / "benchmarks", ROOT / "recipes/detector/app"]
    paths += [ROOT / "recipes/_detection", ROOT / "recipes/_service", ROOT / "src"]
    environ = {
        **os.environ,
        "MODEL": str(model),
        "PORT": str(port),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        **more,
    }
    pid = daemon.start([sys.executable, *words], env=environ, log=log)
    try:
        wait(port, log)
        yield port
    finally:
        daemon.stop(pid, grace=GRACE)


def wait(port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ready")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise InfrastructureError(f"a server was not ready in {PATIENCE:.0f} s: {log.read_text(encoding='utf-8')[-2000:]}")


def shares(port: int) -> dict[str, float]:
    """Seconds that requests took so far, and of these decoding, inference and post-processing. By our /metrics."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    stages = sum(float(value) for name, value in values.items() if name.startswith("request_stage_seconds_sum"))
    return {
        "requests": float(values.get('http_request_duration_seconds_sum{path="/detect"}', 0)),
        "work": stages + float(values["inference_duration_seconds_sum"]),
    }


def the_model(given: Path | None) -> Path:
    """Raises InputError where there is none."""
    row = load_project(ROOT).world.matrix.models[MODEL]
    file = given or our_context().cache / "models" / row.sha256 / row.file
    if not file.is_file():
        raise InputError(
            f"there is no {file}", hint="build-matrix --only 'detector-cpu*' gets it; or name --model FILE."
        )
    return file


def size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def main() -> None:
    parser = arguments(__doc__, runs=3)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement (default: 4)")
    parser.add_argument("--sizes", type=size, nargs="+", default=[(640, 480), (1920, 1080)], metavar="WIDTHxHEIGHT")
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    model, record = the_model(options.model), Record(name="detector service")
    record.look("before")
    with ExitStack() as stack:
        stack.enter_context(lease(our_context(), alone=True))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports = {
            OURS: stack.enter_context(served(["-m", "detector"], model=model, log=folder / "ours.log")),
            ASYNC: stack.enter_context(
                served(["-m", "detector_plain"], model=model, log=folder / "async.log", PLAIN="async")
            ),
            THREADS: stack.enter_context(
                served(["-m", "detector_plain"], model=model, log=folder / "threads.log", PLAIN="threads")
            ),
        }
        for width, height in options.sizes:
            content = picture(width, height)
            for clients in options.clients:
                asked = Asked(
                    name=f"{width}x{height}",
                    content=content,
                    clients=clients,
                    seconds=options.seconds,
                    runs=options.runs,
                )
                compare(record, ports, asked)
    record.look("after")
    record.show()
    record.write(options.json)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One load: the same for each side."""

    name: str
    content: bytes
    clients: int
    seconds: float
    runs: int


def compare(record: Record, ports: dict[str, int], asked: Asked) -> None:
    """In turn, after a warm-up of each: what drifts on the machine meets all of them."""
    found: dict[str, list[Load]] = {side: [] for side in ports}
    for port in ports.values():
        ask(port, asked.content, clients=asked.clients, seconds=min(1.0, asked.seconds))
    before = shares(ports[OURS])
    for _ in range(asked.runs):
        for side, port in ports.items():
            found[side].append(ask(port, asked.content, clients=asked.clients, seconds=asked.seconds))
    taken = {key: value - before[key] for key, value in shares(ports[OURS]).items()}
    for side in (ASYNC, THREADS):
        tell(record, f"{asked.name}, {asked.clients} clients, against {side}", found[OURS], found[side])
    if asked.clients == 1:
        share = 1 - taken["work"] / taken["requests"]
        record.details[f"{asked.name}: share of a request beside decoding, inference and boxes"] = share
        say(f"{asked.name}: {share:.1%} of a request is neither decoding nor inference nor boxes")


def tell(record: Record, what: str, ours: Sequence[Load], theirs: Sequence[Load]) -> None:
    """Rate and latency. Beside `async def` both have a target: with many clients the rate, with one the latency."""
    beside = ASYNC in what
    record.add(
        Comparison(
            what=what,
            ours=[one.rate for one in ours],
            theirs=[one.rate for one in theirs],
            unit="images/s",
            limit=RATE_TARGET if beside and f", {MANY} clients" in what else None,
            higher_is_better=True,
        )
    )
    record.add(
        Comparison(
            what=what,
            ours=[one.latency * 1000 for one in ours],
            theirs=[one.latency * 1000 for one in theirs],
            unit="ms",
            limit=LATENCY_TARGET if beside and ", 1 clients" in what else None,
        )
    )


if __name__ == "__main__":
    main()
