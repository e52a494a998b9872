from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.prove.device_code.offload_bundle import read_bundles
from bakehouse.prove.device_code.parts import BrokenDeviceCodeError, Part, UnknownDeviceCodeError
from tests.unit.prove.cards import DATA, bundle

CODES = {
    "gfx1100": ["gfx1100"],
    "gfx1100-zstd": ["gfx1100"],
    "gfx1100-gfx942-zstd": ["gfx1100", "gfx942"],
    "gfx90a-xnack-off-zstd": ["gfx90a:xnack-"],
}


def read(content: bytes) -> list[Part]:
    return read_bundles(io.BytesIO(content), offset=0, size=len(content))


def test_every_file_in_the_folder_is_known() -> None:
    assert {path.stem for path in DATA.glob("*.hipfb")} == set(CODES)


@pytest.mark.parametrize("name", CODES)
def test_what_clang_wrote_is_read(name: str) -> None:
    assert [[piece.code for piece in part] for part in read(bundle(name))] == [CODES[name]]


def test_bundles_follow_each_other_with_padding_between() -> None:
    first = bundle("gfx1100")
    parts = read(first.ljust(8192, b"\0") + bundle("gfx1100-zstd") + bytes(100))
    assert [[piece.code for piece in part] for part in parts] == [["gfx1100"], ["gfx1100"]]


def test_a_bundle_that_zlib_compressed_is_read() -> None:
    packed = zlib.compress(bundle("gfx1100"))
    header = struct.pack("<4sHHQQQ", b"CCOB", 3, 0, 32 + len(packed), len(bundle("gfx1100")), 0)
    assert [piece.code for piece in read(header + packed)[0]] == ["gfx1100"]


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("kept", [10, 30, 60, 1000])
def test_a_bundle_that_is_cut_off_is_broken(name: str, kept: int) -> None:
    with pytest.raises(BrokenDeviceCodeError, match=r"^\.hip_fatbin\+0x0: "):
        read(bundle(name)[:kept])


def test_a_name_that_the_code_does_not_bear_is_a_lie() -> None:
    content = bundle("gfx1100").replace(b"--gfx1100", b"--gfx1201", 1)
    with pytest.raises(BrokenDeviceCodeError, match="the code for gfx1201 says of itself that it is for gfx1100"):
        read(content)


def test_what_is_not_known_is_not_called_broken() -> None:
    with pytest.raises(UnknownDeviceCodeError, match="compressed bundles of version 9 are not known"):
        read(b"CCOB\x09" + bundle("gfx1100-zstd")[5:])
    with pytest.raises(UnknownDeviceCodeError, match="code for 'openmp-amdgcn-amd-amdhsa--gfx1100' is not known"):
        read(renamed("openmp-amdgcn-amd-amdhsa--gfx1100"))


def renamed(name: str) -> bytes:
    """A bundle of one entry without code."""
    return b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<QQQQ", 1, 0, 0, len(name)) + name.encode()


@given(st.sampled_from(sorted(CODES)), st.data())
def test_any_damage_is_read_or_told_in_words(name: str, data: st.DataObject) -> None:
    content = bytearray(bundle(name))
    for _ in range(3):
        content[data.draw(st.integers(0, min(len(content), 200) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(content))
    except (BrokenDeviceCodeError, UnknownDeviceCodeError) as error:
        assert str(error).startswith(".hip_fatbin+0x")  # noqa: PT017 - either outcome is right
