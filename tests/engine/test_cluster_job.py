"""A Job of `ci kubernetes` without a cluster: its image in this engine, held as the pod says, its commands beside."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import yaml
from tests.engine.toy import MODEL, Toy
from tests.registry.conftest import Real
from tests.registry.conftest import real as real  # noqa: PLC0414 - a fixture
from tests.registry.pod import Pod
from tests.unit.publish.conftest import KEY

from bakehouse.errors import ExitCode
from bakehouse.reporters import json_file

pytestmark = pytest.mark.engine


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the toy's model: a pod has no file of this machine."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "toy.gguf").write_bytes(MODEL)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/toy.gguf"
    server.shutdown()
    thread.join()
    server.server_close()


def started(toy: Toy, pod: Pod) -> tuple[str, str]:
    """The server's container, with what its part of the pod says and nothing more; and its address."""
    server: dict[str, Any] = pod.container("server")
    held = server["securityContext"]
    assert held["readOnlyRootFilesystem"]
    assert not held["allowPrivilegeEscalation"]
    words = ["--read-only", "--security-opt", "no-new-privileges"]
    words += ["--user", f"{held['runAsUser']}:{held['runAsGroup']}"]
    words += [word for name in held["capabilities"]["drop"] for word in ("--cap-drop", name)]
    words += ["--memory", server["resources"]["limits"]["memory"].removesuffix("i").lower()]
    words += [word for one in server["env"] for word in ("--env", f"{one['name']}={one['value']}")]
    for mount in server["volumeMounts"]:
        if mount["name"] == "tmp":
            words += ["--tmpfs", mount["mountPath"]]
        else:
            source = pod.folder / mount["name"] / mount["subPath"]
            words += ["--volume", f"{source}:{mount['mountPath']}{':ro' if mount['readOnly'] else ''}"]
    port = server["ports"][0]["containerPort"]
    words += ["--pull", "always", "--publish", f"127.0.0.1::{port}", server["image"], *server["args"]]
    name = toy.docker("run", "--detach", *words, DOCKER_CONFIG=str(pod.real.login)).strip()
    address = toy.docker("port", name, str(port)).strip().splitlines()[0]
    return name, f"http://{address}"


def test_its_image_is_pulled_by_digest_held_as_the_pod_says_and_asked(
    toy: Toy, real: Real, model: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    toy.write(model={"places": [{"url": model}]})
    (toy.root / "tests/images/test_throughput.py").unlink()  # ours takes its place
    matrix = toy.root / "matrix.yaml"
    policy = {
        "publish": {
            "repository": f"{real.host}/cluster/{{recipe}}",
            "channels": {"nightly": {"gates": {"speed": "reported"}}},
        },
        "ci": {"cluster": {"client": "ghcr.io/me/bakehouse:1"}},
    }
    matrix.write_text(matrix.read_text() + yaml.safe_dump(policy))
    secrets = {"DOCKER_CONFIG": str(real.login), "BAKEHOUSE_SIGNING_KEY": KEY}
    assert toy.build("--no-tests").code == ExitCode.OK
    built = toy.folders[-1]
    assert toy.run("publish", "--stage", **secrets).code == ExitCode.OK
    written = toy.run("ci", "kubernetes", str(built))
    assert written.code == ExitCode.OK, written.said
    pod = Pod(written.said, tmp_path_factory.mktemp("pod") / "pod", real)

    fetched = pod.run("models")
    assert fetched.code == ExitCode.OK, fetched.stderr
    assert (pod.folder / "work/models/toy.gguf").read_bytes() == MODEL
    name, url = started(toy, pod)
    try:
        asked = pod.run("suite", url=url)
    finally:
        said = toy.docker("logs", name)
        toy.docker("rm", "--force", name)
    assert asked.code == ExitCode.OK, asked.stdout + asked.stderr + said

    home = toy.run("ci", "collect", str(built), **secrets)
    assert home.code == ExitCode.OK, home.said
    (far,) = [folder for folder in toy.folders if folder != built]
    cell = json_file.read(far).cells[0]
    passed = {test.name.rpartition("::")[2] for test in cell.tests if test.verdict == "passed"}
    assert {"test_becomes_ready", "test_answers_the_question", "test_rates"} <= passed
    published = toy.run("publish", str(built), str(far), **secrets)
    assert published.code == ExitCode.OK, published.said
    assert real.client("cluster/toy").resolve("nightly-cpu")
