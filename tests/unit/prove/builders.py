"""Images of a few kilobytes, built by hand: layers, archives, and one product that keeps every promise."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakehouse.prove.expect import Expectation
from bakehouse.prove.image.at_rest import ImageAtRest, open_image
from bakehouse.servers.llama_cpp.plugins import PLUGINS
from tests.unit.prove.elves import AVX2, RET, elf

Item = tuple[tarfile.TarInfo, bytes]

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBRARIES = "/usr/lib/x86_64-linux-gnu"


def file(path: str, content: bytes = b"", *, mode: int = 0o644, uid: int = 0, gid: int = 0) -> Item:
    info = _info(path, tarfile.REGTYPE, mode=mode, uid=uid, gid=gid)
    info.size = len(content)
    return info, content


def folder(path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Item:
    return _info(path, tarfile.DIRTYPE, mode=mode, uid=uid, gid=gid), b""


def symlink(path: str, target: str) -> Item:
    info = _info(path, tarfile.SYMTYPE, mode=0o777)
    info.linkname = target
    return info, b""


def hardlink(path: str, target: str) -> Item:
    info = _info(path, tarfile.LNKTYPE)
    info.linkname = target.lstrip("/")
    return info, b""


def capable(path: str, content: bytes = b"") -> Item:
    info, _ = file(path, content, mode=0o755)
    info.pax_headers = {"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}
    return info, content


def removed(path: str) -> Item:
    parent, _, name = path.rpartition("/")
    return file(f"{parent}/.wh.{name}")


def emptied(path: str) -> Item:
    return file(f"{path}/.wh..wh..opq")


def layer(*items: Item) -> bytes:
    """A layer as a tar without compression."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in items:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_layout(
    path: Path,
    layers: Sequence[bytes],
    *,
    config: Mapping[str, Any] | None = None,
    zipped: bool = True,
    attested: bool = False,
    architecture: str = "amd64",
) -> Path:
    """An OCI layout in a tar file, as `docker save` writes it from the containerd store."""
    blobs: dict[str, bytes] = {}
    described = image_descriptor(blobs, layers, config=config, zipped=zipped, architecture=architecture)
    index: dict[str, Any] = {"schemaVersion": 2, "manifests": [described]}
    if attested:
        statement = {"schemaVersion": 2, "config": described, "layers": []}
        note = {"vnd.docker.reference.type": "attestation-manifest"}
        inner = {"schemaVersion": 2, "manifests": [described, _put(blobs, statement) | {"annotations": note}]}
        index["manifests"] = [_put(blobs, inner) | {"mediaType": INDEX_TYPE}]
    write_tar(path, blobs | {"index.json": json.dumps(index).encode(), "oci-layout": b"{}"})
    return path


def image_descriptor(
    blobs: dict[str, bytes],
    layers: Sequence[bytes],
    *,
    config: Mapping[str, Any] | None = None,
    zipped: bool = True,
    architecture: str = "amd64",
) -> dict[str, Any]:
    document = document_of(layers, config, architecture=architecture)
    described = [_put(blobs, gzip.compress(content, mtime=0) if zipped else content) for content in layers]
    manifest = {"schemaVersion": 2, "config": _put(blobs, document), "layers": described}
    return _put(blobs, manifest) | {"mediaType": MANIFEST_TYPE}


def write_docker(path: Path, layers: Sequence[bytes], *, config: Mapping[str, Any] | None = None) -> Path:
    """The older format of `docker save`, where a layer that is there twice is a symlink."""
    document = json.dumps(document_of(layers, config)).encode()
    name = f"{hashlib.sha256(document).hexdigest()}.json"
    names = [f"{index}/layer.tar" for index in range(len(layers))]
    manifest = json.dumps([{"Config": name, "RepoTags": ["a:b"], "Layers": names}]).encode()
    with tarfile.open(path, "w") as archive:
        for index, content in enumerate(layers):
            first = layers.index(content)
            item = file(names[index], content) if first == index else symlink(names[index], f"../{first}/layer.tar")
            archive.addfile(item[0], io.BytesIO(item[1]))
        for info, content in (file(name, document), file("manifest.json", manifest)):
            archive.addfile(info, io.BytesIO(content))
    return path


def write_tar(path: Path, files: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info, _ = file(name, content)
            archive.addfile(info, io.BytesIO(content))


def document_of(
    layers: Sequence[bytes], config: Mapping[str, Any] | None, *, architecture: str = "amd64"
) -> dict[str, Any]:
    history: list[dict[str, Any]] = [{"created_by": f"COPY {index}"} for index in range(len(layers))]
    history.insert(1, {"created_by": "ENV A=B", "empty_layer": True})
    return {
        "architecture": architecture,
        "os": "linux",
        "config": dict(config or {}),
        "rootfs": {"type": "layers", "diff_ids": [digest(content) for content in layers]},
        "history": history,
    }


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def good_parts() -> dict[str, Item]:
    """Files of an image that keeps every promise, by path."""
    program = elf(interpreter=LOADER, needed=("libllama.so.0", "libc.so.6"), runpath="$ORIGIN", undefined=("llama",))
    plugin = {"ggml_backend_init": 0, "ggml_backend_score": 1}
    items = [
        symlink("/lib", "usr/lib"),
        symlink("/lib64", "usr/lib64"),
        folder(LIBRARIES),
        file("/usr/lib64/ld-linux-x86-64.so.2", elf(soname="ld-linux-x86-64.so.2"), mode=0o755),
        file(
            f"{LIBRARIES}/libc.so.6",
            elf(soname="libc.so.6", exports={"malloc": 0}, defines=("GLIBC_2.2.5", "GLIBC_2.38")),
        ),
        folder("/app"),
        file("/app/llama-server", program, mode=0o755),
        file("/app/probe", elf(interpreter=LOADER, needed=("libc.so.6",)), mode=0o755),
        file(
            "/app/libllama.so.0.1",
            elf(
                soname="libllama.so.0",
                needed=("libc.so.6",),
                needs={"libc.so.6": ("GLIBC_2.38",)},
                undefined=("malloc",),
                exports={"llama": 0},
            ),
            mode=0o755,
        ),
        symlink("/app/libllama.so.0", "libllama.so.0.1"),
        file(
            "/app/libggml-cpu-x64.so",
            elf(soname="libggml-cpu-x64.so", needed=("libc.so.6",), exports=plugin, code=RET + RET),
            mode=0o755,
        ),
        file(
            "/app/libggml-cpu-haswell.so",
            elf(soname="libggml-cpu-haswell.so", needed=("libc.so.6",), exports=plugin, code=RET + RET + AVX2 + RET),
            mode=0o755,
        ),
    ]
    return {f"/{info.name}": (info, content) for info, content in items}


GOOD_CONFIG: dict[str, Any] = {
    "User": "65532:65532",
    "Env": ["PATH=/usr/bin:/bin"],
    "Entrypoint": ["/app/llama-server"],
    "ExposedPorts": {"8080/tcp": {}},
    "Labels": {"org.opencontainers.image.title": "llama-server", "extra": "is fine"},
    "Healthcheck": {"Test": ["CMD", "/app/probe", "--port", "8080"]},
}

PROMISE = Expectation(
    user="65532:65532",
    port=8080,
    entrypoint=("/app/llama-server",),
    labels={"org.opencontainers.image.title": "llama-server"},
    plugins=("libggml-cpu-haswell.so", "libggml-cpu-x64.so"),
    plugin_kind=PLUGINS,
    size_budget=1 << 20,
)


def promise(**changes: Any) -> Expectation:
    return replace(PROMISE, **changes)


def bake(
    folder: Path,
    *,
    add: Sequence[Item] = (),
    without: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
    then: Sequence[Sequence[Item]] = (),
    architecture: str = "amd64",
) -> ImageAtRest:
    """The good image with changes: files added or left out, settings replaced, further layers."""
    parts = {path: item for path, item in good_parts().items() if path not in without}
    parts |= {f"/{item[0].name}": item for item in add}
    layers = [layer(*parts.values()), *(layer(*items) for items in then)]
    settings = {key: value for key, value in {**GOOD_CONFIG, **(config or {})}.items() if value is not None}
    path = write_layout(folder / "image.tar", layers, config=settings, architecture=architecture)
    return open_image(path, workspace=folder)


def _info(path: str, kind: bytes, *, mode: int = 0o644, uid: int = 0, gid: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path.lstrip("/"))
    info.type, info.mode, info.uid, info.gid = kind, mode, uid, gid
    return info


def _put(blobs: dict[str, bytes], content: bytes | Mapping[str, Any]) -> dict[str, Any]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    name = digest(raw)
    blobs[f"blobs/{name.replace(':', '/')}"] = raw
    return {"digest": name, "size": len(raw)}
