import json
from pathlib import Path

import pytest

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.prove.image.at_rest import open_image
from bakehouse.supply.archive import unpack
from tests.unit.prove.builders import (
    digest,
    file,
    image_descriptor,
    layer,
    write_docker,
    write_layout,
    write_tar,
)

LOWER = layer(file("/a", b"lower"), file("/b", b"stays"))
UPPER = layer(file("/a", b"upper!"))


@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
def test_reads_an_oci_layout(tmp_path: Path, zipped: bool) -> None:
    image = open_image(write_layout(tmp_path / "i.tar", [LOWER, UPPER], zipped=zipped), workspace=tmp_path)

    assert image.read("/a") == b"upper!"
    assert image.read("/b") == b"stays"
    assert [one.created_by for one in image.layers] == ["COPY 0", "COPY 1"]
    assert [one.bytes_unpacked for one in image.layers] == [10, 6]
    assert (image.layers[0].bytes_compressed < len(LOWER)) is zipped
    assert image.platform == "linux/amd64"


def test_reads_the_older_format_where_equal_layers_are_linked(tmp_path: Path) -> None:
    image = open_image(write_docker(tmp_path / "i.tar", [LOWER, UPPER, LOWER]), workspace=tmp_path)

    assert image.read("/a") == b"lower"
    assert [one.digest for one in image.layers] == [digest(LOWER), digest(UPPER), digest(LOWER)]


def test_reads_an_unpacked_folder(tmp_path: Path) -> None:
    layout = unpack(write_layout(tmp_path / "i.tar", [LOWER]), to=tmp_path / "layout", has_top_folder=False)

    assert open_image(layout, workspace=tmp_path).read("/a") == b"lower"


def test_passes_over_attestations_and_names_the_image_manifest(tmp_path: Path) -> None:
    plain = open_image(write_layout(tmp_path / "plain.tar", [LOWER]), workspace=tmp_path)
    attested = open_image(write_layout(tmp_path / "attested.tar", [LOWER], attested=True), workspace=tmp_path)

    assert attested.digest == plain.digest


def test_several_platforms_need_a_choice(tmp_path: Path) -> None:
    blobs: dict[str, bytes] = {}
    both = [image_descriptor(blobs, [layer(file("/arch", a.encode()))], architecture=a) for a in ("amd64", "arm64")]
    write_tar(tmp_path / "i.tar", blobs | {"index.json": json.dumps({"manifests": both}).encode()})

    with pytest.raises(InputError, match="should hold one image; it holds: linux/amd64, linux/arm64"):
        open_image(tmp_path / "i.tar", workspace=tmp_path)
    assert open_image(tmp_path / "i.tar", workspace=tmp_path, platform="linux/arm64").read("/arch") == b"arm64"
    with pytest.raises(InputError, match="for linux/riscv64"):
        open_image(tmp_path / "i.tar", workspace=tmp_path, platform="linux/riscv64")


def test_platforms_that_the_engine_left_out_are_passed_over(tmp_path: Path) -> None:
    blobs: dict[str, bytes] = {}
    here = image_descriptor(blobs, [LOWER])
    gone = image_descriptor({}, [UPPER], architecture="arm64")
    write_tar(tmp_path / "i.tar", blobs | {"index.json": json.dumps({"manifests": [gone, here]}).encode()})

    assert open_image(tmp_path / "i.tar", workspace=tmp_path).platform == "linux/amd64"


def test_an_unpacked_layer_is_used_again(tmp_path: Path) -> None:
    open_image(write_layout(tmp_path / "i.tar", [LOWER]), workspace=tmp_path)
    unpacked = tmp_path / f"{digest(LOWER).replace(':', '-')}.tar"
    before = unpacked.stat().st_mtime_ns
    open_image(write_layout(tmp_path / "j.tar", [LOWER, UPPER]), workspace=tmp_path)

    assert unpacked.stat().st_mtime_ns == before
    assert not list(tmp_path.glob("*.part"))


def test_a_damaged_layer_is_not_judged(tmp_path: Path) -> None:
    raw = write_layout(tmp_path / "i.tar", [LOWER], zipped=False).read_bytes()
    (tmp_path / "i.tar").write_bytes(raw.replace(b"lower", b"l0wer"))

    with pytest.raises(InfrastructureError, match="is damaged: it unpacks to sha256:"):
        open_image(tmp_path / "i.tar", workspace=tmp_path)


def test_zstd_is_named(tmp_path: Path) -> None:
    write_layout(tmp_path / "i.tar", [b"\x28\xb5\x2f\xfd rest"], zipped=False)

    with pytest.raises(InfrastructureError, match="compressed with zstd") as caught:
        open_image(tmp_path / "i.tar", workspace=tmp_path)
    assert "compression=gzip" in str(caught.value)


def test_what_is_no_image_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    write_tar(tmp_path / "other.tar", {"hello": b""})

    for name, message in (("text", "not a tar"), ("other.tar", "holds no image"), ("none", "there is no image")):
        with pytest.raises(InputError, match=message) as caught:
            open_image(tmp_path / name, workspace=tmp_path)
        assert "docker save" in str(caught.value)
