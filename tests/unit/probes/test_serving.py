from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.engine.devices import Devices
from bakehouse.model.recipe import Health
from bakehouse.model.serving import Start, Told
from bakehouse.model.suite import Subject
from bakehouse.probes import ProbeFailed
from bakehouse.probes.serving import bare, serving

SUBJECT = Subject(
    server="llama.cpp",
    cell="llama-server-cpu-amd64",
    recipe="llama-server",
    accelerator="cpu",
    reference="bakehouse/llama-server:cpu-amd64",
    digest="sha256:1",
    platform="linux/amd64",
    port=8080,
    version="build 1",
    plugins=[],
    health=Health(),
    memory_limit="4 GiB",
    args=["--no-webui"],
    model_path="/cache/tiny.gguf",
)


def test_the_image_itself_must_know_its_host_and_port() -> None:
    launch = serving(SUBJECT, run="r")
    assert launch.args == ("--model", "/models/tiny.gguf", "--no-webui")
    assert launch.env == {}
    assert launch.port == 8080
    assert launch.files == {"/cache/tiny.gguf": "/models/tiny.gguf"}
    assert launch.memory == 4 << 30


def test_another_port_from_the_environment_or_an_argument() -> None:
    by_env = serving(SUBJECT, run="r", port=9099, port_from="environment")
    assert (by_env.port, by_env.env) == (9099, {"LLAMA_ARG_PORT": "9099"})
    assert "--port" not in by_env.args
    by_argument = serving(SUBJECT, run="r", port=9100, port_from="argument")
    assert (by_argument.port, by_argument.env) == (9100, {})
    assert by_argument.args[2:4] == ("--port", "9100")


def test_a_recipes_own_arguments_come_last_and_win() -> None:
    assert serving(SUBJECT, run="r", args=("--ctx-size", "768")).args[-3:] == ("--ctx-size", "768", "--no-webui")


def test_a_bare_start_mounts_nothing() -> None:
    launch = bare(SUBJECT, run="r", args=("--version",))
    assert (launch.args, launch.files, launch.port) == (("--version",), {}, None)


def test_a_driver_in_software_is_named_in_the_words_of_the_family() -> None:
    software = Devices(is_software=True)
    assert serving(SUBJECT, run="r", devices=software).env == {"GGML_VK_VISIBLE_DEVICES": "0"}
    assert bare(SUBJECT, run="r", devices=software).env == {"GGML_VK_VISIBLE_DEVICES": "0"}
    other = SUBJECT.model_copy(update={"server": "openai"})
    assert bare(other, run="r", devices=software).env == {}


def test_a_server_may_be_told_the_folder_of_its_model() -> None:
    start = Start(model=Told(argument="--model", folder=True))
    files = {"start": start, "model_path": "/cache/1/model.safetensors", "models_beside": ["/cache/2/config.json"]}
    launch = serving(SUBJECT.model_copy(update=files), run="r")

    assert launch.args[:2] == ("--model", "/models")
    assert launch.files == {
        "/cache/1/model.safetensors": "/models/model.safetensors",
        "/cache/2/config.json": "/models/config.json",
    }


def test_a_recipe_gives_its_server_variables_and_folders(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    given = {"env": {"API_KEY": "k"}, "mounts": {"repository": "/repository"}, "recipe_folder": str(tmp_path)}
    launch = serving(SUBJECT.model_copy(update=given), run="r", port=9000, port_from="environment")

    assert launch.env == {"API_KEY": "k", "LLAMA_ARG_PORT": "9000"}
    assert launch.files[str(tmp_path / "repository")] == "/repository"


def test_a_folder_that_a_link_brings_from_outside_is_not_mounted(tmp_path: Path) -> None:
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe" / "models").symlink_to("/etc")
    given = {"mounts": {"models": "/models"}, "recipe_folder": str(tmp_path / "recipe")}

    with pytest.raises(ProbeFailed, match="leads out of the recipe's folder"):
        serving(SUBJECT.model_copy(update=given), run="r")
