from __future__ import annotations

import io
import zipfile

import pytest
from cuda_size import Remote, choose, compare, images_of_run, libraries_in, requirements_of
from pypi_simple import DistributionPackage

METADATA = """\
Name: cuda-toolkit
Requires-Dist: nvidia-cublas==13.1.0.3.*; (sys_platform == 'linux' or sys_platform == 'win32') and extra == 'cublas'
Requires-Dist: nvidia-cufile==1.15.1.6.*; (sys_platform == 'linux') and extra == 'cufile'
Requires-Dist: nvidia-only-there==1.0.*; (sys_platform == 'win32') and extra == 'cufft'
"""


def wheel(**files: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in files.items():
            archive.writestr(name.replace("__", "/"), bytes(size))
        archive.writestr("stored", bytes(range(256)) * 4000, zipfile.ZIP_STORED)
    return file.getvalue()


def test_of_a_remote_wheel_only_the_end_is_fetched() -> None:
    content, fetched = wheel(**{"nvidia__lib__libx.so.12": 5000}), []

    def fetch(first: int, last: int) -> bytes:
        fetched.append(last - first + 1)
        return content[first : last + 1]

    with zipfile.ZipFile(io.BufferedReader(Remote(len(content), fetch), 1000)) as archive:
        assert libraries_in(archive.infolist()) == 5000
    assert sum(fetched) < len(content) / 50


def test_only_shared_libraries_count() -> None:
    names = {"a__libcublas.so.12": 100, "a__libcublas_static.a": 1000, "a__cublas.h": 10, "so__b.so": 7}
    with zipfile.ZipFile(io.BytesIO(wheel(**names))) as archive:
        assert libraries_in(archive.infolist()) == 107


def test_the_toolkit_names_the_versions_of_its_libraries_on_linux() -> None:
    assert requirements_of(METADATA, ["cublas", "cufft", "cufile", "npp"]) == {
        "cublas": "nvidia-cublas==13.1.0.3",
        "cufile": "nvidia-cufile==1.15.1.6",
    }


def distribution(name: str) -> DistributionPackage:
    project, version, *_ = name.split("-")
    return DistributionPackage(
        filename=name,
        project=project,
        version=version,
        package_type="wheel",
        url=f"https://index.invalid/{name}",
        digests={},
        requires_python=None,
        has_sig=None,
    )


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("x-1.0-py3-none-manylinux_2_27_aarch64.whl", "x-1.0-py3-none-manylinux_2_27_x86_64.whl"), 1),
        (("x-1.1-py3-none-any.whl", "x-1.0-py3-none-any.whl"), 1),
        (("x-1.0-py3-none-win_amd64.whl",), None),
    ],
)
def test_the_wheel_is_of_the_version_and_for_this_machine(names: tuple[str, ...], chosen: int | None) -> None:
    found = choose([distribution(name) for name in names], "1.0")
    assert (found.filename if found else None) == (None if chosen is None else names[chosen])


def test_theirs_is_ours_with_what_ours_leaves_out() -> None:
    mebibyte = 2**20
    sizes = {"cublas": 500, "cudart": 1, "cufft": 300, "npp": 100, "nccl": 200, "cudnn": 900, "cupti": 50}
    found = compare("cuda12.4", 600 * mebibyte, {name: size * mebibyte for name, size in sizes.items()})
    assert [(one.ours, one.theirs) for one in found] == [([600], [2150]), ([600], [1200])]
    assert [one.met for one in found] == [True, True]


def test_a_run_tells_the_sizes_of_its_images() -> None:
    image = {"reference": "bakehouse/llama-server:cuda12.4-sm86-amd64", "bytes_unpacked": 7}
    assert images_of_run({"cells": [{"image": image}, {"image": None}, {}]}) == {"cuda12.4-sm86-amd64": 7}
