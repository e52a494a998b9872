from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from bakehouse.errors import Interrupted, SupplyError
from bakehouse.model.places import DebootstrapPlace
from bakehouse.supply.debootstrap import Workshop, make_root_filesystem, platform_of
from tests.unit.supply.conftest import Programs

TRIXIE = DebootstrapPlace.Options(suite="trixie", include=("ca-certificates",))


def nothing() -> None:
    pass


def workshop(tmp_path: Path, programs: Programs, **changes: object) -> Workshop:
    settings = {
        "cache": tmp_path / "cache",
        "environ": {"PATH": programs.path},
        "machine": "x86_64",
        "say": lambda _: None,
        "check": nothing,
        "root": tmp_path / "machine",
    }
    return Workshop(**(settings | changes))  # type: ignore[arg-type]


def set_mirror(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "machine/etc/apt"
    folder.mkdir(parents=True)
    (folder / "sources.list").write_text(text)


def test_it_is_made_once_and_described(tmp_path: Path, programs: Programs) -> None:
    programs.add_mmdebstrap()
    first = make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    calls = programs.calls("mmdebstrap")
    second = make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    assert (first.made, second.made) == (True, False)
    assert programs.calls("mmdebstrap") == calls
    assert (first.folder, first.sha256) == (second.folder, second.sha256)
    assert first.sha256 == hashlib.sha256((first.folder / "rootfs.tar").read_bytes()).hexdigest()
    assert json.loads((first.folder / "rootfs.packages.json").read_text()) == {"apt": "3.0.3", "libc6": "2.41-12"}
    assert sorted(path.name for path in first.folder.iterdir()) == ["rootfs.packages.json", "rootfs.tar"]


def test_mmdebstrap_is_told_to_make_a_slim_and_repeatable_one(tmp_path: Path, programs: Programs) -> None:
    programs.add_mmdebstrap()
    make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    calls = programs.calls("mmdebstrap")
    assert {"--variant=minbase", "--include=ca-certificates", "epoch=1735689600"} <= set(calls)
    assert "--dpkgopt=path-exclude=/usr/share/man/*" in calls
    assert calls.index("--dpkgopt=path-exclude=/usr/share/doc/*") < calls.index(
        "--dpkgopt=path-include=/usr/share/doc/*/copyright"
    )
    (removal,) = [line for line in calls if line.startswith("--customize-hook=rm")]
    assert '"$1/etc/resolv.conf"' in removal
    assert '"$1/etc/hostname"' in removal


def sources(programs: Programs) -> list[str]:
    return [line for line in programs.calls("mmdebstrap") if line.startswith("deb ")]


def test_the_packages_come_from_this_machines_mirror(tmp_path: Path, programs: Programs) -> None:
    set_mirror(
        tmp_path,
        "deb https://apt.example/tools stable main\ndeb http://near.example/debian bookworm main\n"
        "deb http://near.example/debian-security/ bookworm-security main\n",
    )
    programs.add_mmdebstrap()
    make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    assert sources(programs) == [
        "deb http://near.example/debian trixie main",
        "deb http://near.example/debian trixie-updates main",
        "deb http://near.example/debian-security trixie-security main",
    ]


def test_a_machine_that_is_no_debian_uses_the_public_mirror(tmp_path: Path, programs: Programs) -> None:
    set_mirror(tmp_path, "deb http://archive.ubuntu.com/ubuntu noble main\n")
    programs.add_mmdebstrap()
    make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    assert sources(programs)[0] == "deb http://deb.debian.org/debian trixie main"


def test_the_places_own_mirror_wins_and_makes_another_base(tmp_path: Path, programs: Programs) -> None:
    programs.add_mmdebstrap()
    here = make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    own = DebootstrapPlace.Options(suite="trixie", include=("ca-certificates",), mirror="http://own.example/d")
    other = make_root_filesystem(own, workshop=workshop(tmp_path, programs))
    assert sources(programs)[3:] == [
        "deb http://own.example/d trixie main",
        "deb http://own.example/d trixie-updates main",
    ]
    assert other.folder != here.folder


def test_a_rolling_suite_has_no_updates(tmp_path: Path, programs: Programs) -> None:
    programs.add_mmdebstrap()
    make_root_filesystem(DebootstrapPlace.Options(suite="sid"), workshop=workshop(tmp_path, programs))
    assert sources(programs) == ["deb http://deb.debian.org/debian sid main"]


def test_builds_inside_use_the_public_mirror(tmp_path: Path, programs: Programs) -> None:
    """The hook's file is gone when mmdebstrap has ended, so the stand-in keeps it."""
    set_mirror(tmp_path, "deb http://near.example/debian bookworm main\n")
    programs.add_mmdebstrap()
    script = (programs.folder / "mmdebstrap").read_text()
    copy = f'cp "${{a%/*}}/debian.sources" {programs.folder}/kept'
    keep = f'for a in "$@"; do case "$a" in */rootfs.tar) {copy};; esac; done'
    programs.add("mmdebstrap", f"{script}\n{keep}")
    make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    text = (programs.folder / "kept").read_text()
    assert "near.example" not in text
    assert "URIs: http://deb.debian.org/debian\nSuites: trixie trixie-updates\n" in text
    assert "URIs: http://deb.debian.org/debian-security\nSuites: trixie-security\n" in text


FROZEN = DebootstrapPlace.Options(suite="forky", frozen=True)


def test_a_frozen_archive_may_be_of_any_age_here_and_in_builds_inside(tmp_path: Path, programs: Programs) -> None:
    programs.add_mmdebstrap()
    make_root_filesystem(FROZEN, workshop=workshop(tmp_path, programs))
    calls = programs.calls("mmdebstrap")
    assert '--aptopt=Acquire::Check-Valid-Until "false";' in calls
    assert any(line.endswith("/frozen' /etc/apt/apt.conf.d/frozen") for line in calls)


def test_an_archive_that_is_not_frozen_must_be_up_to_date(tmp_path: Path, programs: Programs) -> None:
    programs.add_mmdebstrap()
    fresh = make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    assert not [line for line in programs.calls("mmdebstrap") if "Valid-Until" in line or "frozen" in line]
    assert fresh.folder.name == "1ed17bfc45f7b68112c26554", "the key of root file systems in users' caches changed"
    assert (
        make_root_filesystem(TRIXIE.model_copy(update={"frozen": True}), workshop=workshop(tmp_path, programs)).folder
        != fresh.folder
    )


@pytest.mark.parametrize(
    ("says", "hint"),
    [
        (
            "Err:1 http://x trixie InRelease\n  Temporary failure resolving 'x'\nE: apt-get update failed",
            "name another",
        ),
        ("W: The following signatures NO_PUBKEY 6ED0E7B82643E131\nE: not signed", "debian-archive-keyring"),
        (
            "E: Release file for http://x/InRelease is expired (invalid since 14d 2h 33min). Updates are not applied.",
            "frozen: true",
        ),
        ("E: something else", ""),
    ],
)
def test_a_failure_is_told_in_mmdebstraps_words_and_leaves_nothing(
    tmp_path: Path, programs: Programs, says: str, hint: str
) -> None:
    programs.add("mmdebstrap", f'cat >&2 <<"END"\n{says}\nEND\nexit 25')
    with pytest.raises(SupplyError, match="mmdebstrap could not make trixie: ") as caught:
        make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    assert says.splitlines()[-1] in caught.value.message
    assert hint in (caught.value.hint or "")
    assert not list((tmp_path / "cache/bases").glob("*/*"))


def test_something_that_is_no_debian_system_is_refused(tmp_path: Path, programs: Programs) -> None:
    programs.add("mmdebstrap", 'for a in "$@"; do case "$a" in */rootfs.tar) tar -cf "$a" -T /dev/null;; esac; done')
    with pytest.raises(SupplyError, match="holds no var/lib/dpkg/status"):
        make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    assert not list((tmp_path / "cache/bases").glob("*/rootfs.tar"))


def test_ctrl_c_ends_mmdebstrap(tmp_path: Path, programs: Programs) -> None:
    programs.add("mmdebstrap", f"echo I: downloading; sleep 30 & wait; touch {programs.folder}/finished")

    def interrupt() -> None:
        raise Interrupted("interrupted")

    with pytest.raises(Interrupted):
        make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs, check=interrupt))
    assert not (programs.folder / "finished").exists()


def test_offline_only_the_cache_counts(tmp_path: Path, programs: Programs) -> None:
    programs.add_mmdebstrap()
    with pytest.raises(SupplyError, match="BAKEHOUSE_OFFLINE is set"):
        make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs, offline=True))
    make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs))
    assert not make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs, offline=True)).made


def test_platforms_have_their_own_root_file_systems(tmp_path: Path, programs: Programs) -> None:
    programs.add_mmdebstrap()
    folders = {
        make_root_filesystem(TRIXIE, workshop=workshop(tmp_path, programs, machine=machine)).folder
        for machine in ("x86_64", "aarch64")
    }
    assert len(folders) == 2
    assert platform_of("aarch64") == "linux/arm64"
    with pytest.raises(SupplyError, match="'riscv64'"):
        platform_of("riscv64")
