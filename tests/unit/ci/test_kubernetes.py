"""Jobs of a cluster: what a pod is asked for by card, and what no pod can do."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
import yaml

from bakehouse.ci.cluster_job import ClusterJob
from bakehouse.ci.kubernetes import jobs, why_not
from bakehouse.ci.settings import Settings
from bakehouse.errors import InputError
from bakehouse.model.ci import Automation, Cluster
from bakehouse.model.enums import AcceleratorName
from tests.unit.projects import ROOT

GOLDEN = ROOT / "tests/golden/ci/kubernetes"
DIGEST = "sha256:" + "5d1c" * 16
PLAIN = Settings(ci=Automation(install="bakehouse==1.2.0"), registry="ghcr.io", keyless=False)
OWN = Settings(
    ci=Automation(
        minutes=60, cluster=Cluster(client="ghcr.io/me/bakehouse:1", login="pull", key="sign", groups=(44, 992))
    ),
    registry="ghcr.io",
    keyless=False,
)
CPU = ClusterJob(
    cell="detector-cpu-amd64",
    image=f"ghcr.io/me/detector-staging@{DIGEST}",
    accelerator=AcceleratorName.CPU,
    archs=(),
    driver_floor=None,
    platform="linux/amd64",
    user="65532:65532",
    port=8080,
    args=("--verbose",),
    env={"MODEL": "/models/model.onnx", "SAYS": "costs $(5)"},
    memory=1 << 30,
    models="/models",
    model_bytes=22_928_619,
    job='{\n "a": 1\n}\n',
    files={"images/astronaut.jpg": b"\xff\xd8\xff", "labels.txt": b"cat\n"},
    mounts={"labels.txt": "/app/labels.txt"},
    seconds=300,
)
CUDA = replace(
    CPU,
    cell="llama-server-cuda12.9-ampere-blackwell-fa-all-quants-and-a-very-long-name-arm64",
    image=f"ghcr.io/me/llama-server-staging@{DIGEST}",
    accelerator=AcceleratorName.CUDA,
    archs=("sm_86", "sm_120", "sm_121"),
    driver_floor="575.57.08",
    platform="linux/arm64",
    files={},
    mounts={},
)
ROCM = replace(
    CUDA,
    cell="llama-server-rocm7.2-gfx1100-amd64",
    accelerator=AcceleratorName.ROCM,
    archs=("gfx1100",),
    platform="linux/amd64",
    models="",
    model_bytes=0,
)
KEPT = {"plain": ((CPU, CUDA), PLAIN), "own-client": ((ROCM,), OWN)}


def pod(job: ClusterJob, settings: Settings = PLAIN) -> Any:
    _, found = yaml.safe_load_all(jobs([job], settings))
    return found["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", KEPT)
def test_files_are_as_they_were_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    text = jobs(*KEPT[name])
    golden = GOLDEN / f"{name}.yaml"
    if request.config.getoption("--regenerate"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_card_is_asked_for_by_its_vendors_name() -> None:
    server = pod(CUDA)["initContainers"][1]
    assert server["resources"]["limits"]["nvidia.com/gpu"] == "1"
    terms = pod(CUDA)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    codes = [[one["values"][0] for one in term["matchExpressions"][:3]] for term in terms]
    assert codes == [["8", "6", "574"], ["12", "0", "574"], ["12", "1", "574"]]
    rocm = pod(ROCM, OWN)
    assert rocm["initContainers"][0]["resources"]["limits"]["amd.com/gpu"] == "1"
    assert rocm["securityContext"]["supplementalGroups"] == [44, 992]
    assert "tolerations" not in pod(CPU)
    assert pod(CUDA)["nodeSelector"] == {"nvidia.com/gpu.present": "true", "kubernetes.io/arch": "arm64"}
    assert "any" in why_not(AcceleratorName.VULKAN)
    assert not any(map(why_not, (AcceleratorName.CPU, *(job.accelerator for job in (CUDA, ROCM)))))


@pytest.mark.parametrize("job", [CPU, CUDA, ROCM])
def test_every_container_is_held(job: ClusterJob) -> None:
    found = pod(job, OWN)
    for container in (*found["initContainers"], *found["containers"]):
        held = container["securityContext"]
        assert held["readOnlyRootFilesystem"] is True
        assert held["allowPrivilegeEscalation"] is False
        assert held["capabilities"] == {"drop": ["ALL"]}
    assert found["automountServiceAccountToken"] is False
    assert [one["restartPolicy"] for one in found["initContainers"] if one["name"] == "server"] == ["Always"]
    (server,) = (one for one in found["initContainers"] if one["name"] == "server")
    assert server["image"] == job.image
    assert not {"login", "key"} & {mount["name"] for mount in server["volumeMounts"]}, "the image gets no secret"


def test_files_come_back_under_their_names() -> None:
    config, job = yaml.safe_load_all(jobs([CPU], PLAIN))
    (volume,) = (one["configMap"] for one in job["spec"]["template"]["spec"]["volumes"] if one["name"] == "job")
    content = {item["path"]: config.get("binaryData", {}).get(item["key"]) for item in volume["items"]}
    assert base64.b64decode(content["images/astronaut.jpg"]) == b"\xff\xd8\xff"
    assert config["data"]["job.json"] == CPU.job
    assert volume["name"] == config["metadata"]["name"] == job["metadata"]["name"]


def test_names_are_short_and_one_for_each_image() -> None:
    other = replace(CUDA, image=CUDA.image.replace("5d1c", "5d1d"))
    names = [job.name for job in (CUDA, other)]
    assert len(set(names)) == 2
    assert all(len(name) <= 63 and "." not in name for name in names)


def test_nothing_of_a_value_is_replaced_by_kubernetes() -> None:
    env = {one["name"]: one.get("value") for one in pod(CPU)["initContainers"][1]["env"]}
    assert env["SAYS"] == "costs $$(5)"


def test_what_no_pod_can_do_is_said() -> None:
    with pytest.raises(
        InputError, match=r"files have 1\.\d+ MiB, and a ConfigMap holds 1 MiB; the largest is big\.jpg"
    ):
        jobs([replace(CPU, files={"big.jpg": bytes(900_000), "small.jpg": b"x"})], PLAIN)
    here = replace(PLAIN, ci=Automation(install="."))
    with pytest.raises(InputError, match=r"a pod cannot install \., which is a folder of this machine"):
        jobs([CPU], here)
    assert jobs([CPU], replace(OWN, ci=OWN.ci.model_copy(update={"install": "."})))
