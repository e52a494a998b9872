from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.prove.device_code.fatbin import read_fatbins
from bakehouse.prove.device_code.parts import BrokenDeviceCodeError, Form, Part, UnknownDeviceCodeError, codes, sizes
from tests.unit.prove.cards import CODES, DATA, fatbin


def read(content: bytes) -> list[Part]:
    return read_fatbins(io.BytesIO(content), offset=0, size=len(content))


def test_every_file_in_the_folder_is_known() -> None:
    assert {path.stem for path in DATA.glob("*.fatbin")} == set(CODES)


@pytest.mark.parametrize("name", CODES)
def test_what_nvcc_wrote_is_read_as_cuobjdump_lists_it(name: str) -> None:
    parts = read(fatbin(name))
    native, ptx = CODES[name]

    assert len(parts) == 1
    assert [piece.code for piece in parts[0] if piece.form is Form.NATIVE] == list(native)
    assert [piece.code for piece in parts[0] if piece.form is Form.PTX] == list(ptx)


def test_parts_follow_each_other_with_padding_between() -> None:
    parts = read(fatbin("cuda12-sm_86") + bytes(16) + fatbin("cuda13-sm_86-sm_120a") + bytes(8))

    assert codes(parts, Form.NATIVE) == {"sm_86": 2, "sm_120a": 1}
    assert codes(parts, Form.PTX) == {}
    assert sizes(parts, Form.NATIVE)["sm_86"] == 2600 + 760


def test_a_part_without_kernels_is_empty() -> None:
    header = fatbin("cuda12-sm_86")[:8] + bytes(8)
    assert read(header) == [()]


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("kept", [9, 40, 100, 170])
def test_a_container_that_is_cut_off_is_broken(name: str, kept: int) -> None:
    with pytest.raises(BrokenDeviceCodeError, match="cut off"):
        read(fatbin(name)[:kept])


def test_an_entry_that_goes_beyond_its_container_is_broken() -> None:
    content = bytearray(fatbin("cuda12-sm_86"))
    content[24:28] = (1 << 20).to_bytes(4, "little")
    with pytest.raises(BrokenDeviceCodeError, match="an entry for sm_86 goes beyond the container's end"):
        read(bytes(content))


@pytest.mark.parametrize("name", ["cuda12-sm_86", "cuda13-sm_86", "cuda12-sm_86-lz4", "cuda13-sm_86-zstd"])
def test_an_entry_that_says_another_arch_than_its_code_is_a_lie(name: str) -> None:
    """The driver would take it for sm_120, and fail to load it. Both compressions are looked into."""
    content = bytearray(fatbin(name))
    assert content[44:48] == (86).to_bytes(4, "little")
    content[44:48] = (120).to_bytes(4, "little")
    with pytest.raises(BrokenDeviceCodeError, match=r"\.nv_fatbin\+0x0: sm_120: the code inside is for sm_86"):
        read(bytes(content))


def test_damaged_compression_is_told() -> None:
    content = bytearray(fatbin("cuda13-sm_86-zstd"))
    content[84:140] = b"\xff" * 56
    with pytest.raises(BrokenDeviceCodeError, match="sm_86: its compressed code cannot be unpacked"):
        read(bytes(content))


def test_what_is_not_known_is_not_called_broken() -> None:
    version = bytearray(fatbin("cuda12-sm_86"))
    version[4] = 2
    with pytest.raises(UnknownDeviceCodeError, match="containers of version 2 are not known"):
        read(bytes(version))
    kind = bytearray(fatbin("cuda12-sm_86"))
    kind[16] = 8
    with pytest.raises(UnknownDeviceCodeError, match="entries of kind 8 are not known"):
        read(bytes(kind))


@given(st.sampled_from(sorted(CODES)), st.data())
def test_any_damage_is_read_or_told_in_words(name: str, data: st.DataObject) -> None:
    content = bytearray(fatbin(name))
    for _ in range(3):
        content[data.draw(st.integers(0, min(len(content), 200) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(content))
    except (BrokenDeviceCodeError, UnknownDeviceCodeError) as error:
        assert str(error).startswith(".nv_fatbin+0x")  # noqa: PT017 - either outcome is right
