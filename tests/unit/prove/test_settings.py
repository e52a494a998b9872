from pathlib import Path
from typing import Any

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove.settings import check_entrypoint, check_healthcheck, check_labels, check_port, check_user
from tests.unit.prove.builders import PROMISE, bake, file, folder, promise
from tests.unit.prove.elves import AARCH64, elf


@pytest.mark.parametrize(
    ("user", "message"),
    [
        (None, "the user is root (none is set), expected 65532:65532"),
        ("0:0", "the user is root"),
        ("root", "the user root is not uid:gid in numbers: a cluster cannot see that it is not root"),
        ("65532", "the user is 65532, expected 65532:65532"),
        ("1000:1000", "the user is 1000:1000, expected 65532:65532"),
    ],
)
def test_the_user_is_the_promised_one_in_numbers(tmp_path: Path, user: str | None, message: str) -> None:
    check = check_user(bake(tmp_path, config={"User": user}), PROMISE)

    assert check.verdict is Verdict.FAILED
    assert message in (check.message, *check.details)


def test_root_is_wrong_even_where_it_was_promised(tmp_path: Path) -> None:
    check = check_user(bake(tmp_path, config={"User": "0:0"}), promise(user="0:0"))

    assert check.message == "the user is root"


@pytest.mark.parametrize(
    "item",
    [
        file("/app/model.json", mode=0o444, uid=65532),
        file("/app/model.json", mode=0o664, gid=65532),
        file("/app/model.json", mode=0o646),
        folder("/app/model.json", mode=0o777),
    ],
    ids=["owner", "group", "everybody", "folder"],
)
def test_the_user_cannot_change_the_product(tmp_path: Path, item: Any) -> None:
    assert check_user(bake(tmp_path, add=[item]), PROMISE).message == "/app/model.json can be changed by 65532:65532"


def test_a_writable_plugin_folder_is_writable_plugins(tmp_path: Path) -> None:
    check = check_user(bake(tmp_path, add=[folder("/app", uid=65532)]), PROMISE)

    assert check.message == "/app can be changed by 65532:65532"


def test_labels_are_there_with_their_values(tmp_path: Path) -> None:
    check = check_labels(
        bake(tmp_path), promise(labels={"org.opencontainers.image.title": "other", "x.arch": "sm_120"})
    )

    assert check.details == [
        "label org.opencontainers.image.title is 'llama-server', expected 'other'",
        "label x.arch is missing, expected 'sm_120'",
    ]
    assert check_labels(bake(tmp_path), PROMISE).verdict is Verdict.PASSED


def test_exactly_the_promised_port(tmp_path: Path) -> None:
    check = check_port(bake(tmp_path, config={"ExposedPorts": {"8000/tcp": {}}}), PROMISE)

    assert check.details == ["port 8080/tcp is not exposed", "port 8000/tcp is exposed and was not promised"]


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (None, "there is no HEALTHCHECK"),
        (["NONE"], "there is no HEALTHCHECK"),
        (["CMD-SHELL", "curl -f http://localhost:8080/health"], "the HEALTHCHECK runs in a shell"),
        (["CMD", "/bin/sh", "-c", "x"], "starts the shell /bin/sh"),
        (["CMD", "curl", "-f"], "the health check's program curl is not in the image"),
        (["CMD", "/app/data"], "the health check's program /app/data cannot be executed by 65532:65532 (mode 0644)"),
    ],
)
def test_the_health_check_can_run(tmp_path: Path, test: list[str] | None, message: str) -> None:
    add = [file("/app/data"), file("/bin/sh", mode=0o755)]
    check = check_healthcheck(bake(tmp_path, add=add, config={"Healthcheck": {"Test": test}}), PROMISE)

    assert check.verdict is Verdict.FAILED
    assert message in check.message


def test_the_entrypoint_is_the_promised_one(tmp_path: Path) -> None:
    check = check_entrypoint(bake(tmp_path, config={"Entrypoint": ["sh", "-c", "x"]}), PROMISE)

    assert check.details == [
        "the entrypoint is ['sh', '-c', 'x'], expected ['/app/llama-server']",
        "the entrypoint sh is not in the image",
    ]


def test_the_entrypoint_can_run_on_the_platform(tmp_path: Path) -> None:
    foreign = file("/app/llama-server", elf(machine=AARCH64), mode=0o744, uid=7)
    check = check_entrypoint(bake(tmp_path, add=[foreign]), PROMISE)

    assert check.details == [
        "the entrypoint /app/llama-server cannot be executed by 65532:65532 (mode 0744)",
        "the entrypoint /app/llama-server is for EM_AARCH64, the image for linux/amd64",
    ]
