"""Installing packages with an apt-get that only writes down what it was asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bakehouse.engine.embedded.apt import AptMachine, ensure_programs, install_docker, services_held
from bakehouse.errors import InfrastructureError

BOOKWORM = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
TRIXIE = 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'
NOBLE = 'ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\nPRETTY_NAME="Ubuntu 24.04"\n'
FEDORA = 'ID=fedora\nVERSION_ID=42\nPRETTY_NAME="Fedora 42"\n'

APT_GET = """#!/bin/sh
echo "$*" >> {root}/asked
cat "$APT_CONFIG" > {root}/apt.conf
cat {cache}/apt/sources/* > {root}/sources
cat {cache}/apt/preferences/* > {root}/preferences 2>/dev/null
[ -e {root}/usr/sbin/policy-rc.d ] && echo "services held: $1" >> {root}/asked
[ "$1" = update ] && [ -e {root}/no-network ] && {{ echo "E: no network" >&2; exit 100; }}
[ "$1" = install ] && [ -e {root}/no-package ] && {{ echo "E: Unable to locate package" >&2; exit 100; }}
[ "$1" = install ] && [ ! -e {root}/empty-package ] && for name in mmdebstrap dockerd; do
    printf '#!/bin/sh\\n' > {bin}/$name; chmod +x {bin}/$name
done
exit 0
"""


class World:
    """A made-up machine: its root, its programs, what it said and what its apt-get was asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, release: str) -> None:
        self.root, self.bin, self.cache = folder / "root", folder / "bin", folder / "cache"
        for path in (self.root / "etc/apt/sources.list.d", self.root / "usr/sbin", self.bin):
            path.mkdir(parents=True)
        (self.root / "etc/os-release").write_text(release)
        codename = release.partition("VERSION_CODENAME=")[2].partition("\n")[0]
        (self.root / "etc/apt/sources.list").write_text(
            f"deb [trusted=yes] http://mirror/d {codename} main universe\n"
            f"deb http://mirror/d {codename}-security main\n"
            f"deb http://vendor/x {codename} stable\ndeb http://vendor/y nodistro main\n"
        )
        self.program("apt-get", APT_GET.format(root=self.root, cache=self.cache, bin=self.bin))
        for name in ("sh", "cat", "chmod"):
            (self.bin / name).symlink_to(f"/bin/{name}")
        monkeypatch.setattr("bakehouse.system.process.SYSTEM_FOLDERS", "/nowhere")
        self.said: list[str] = []

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def machine(self, *, is_root: bool = True) -> AptMachine:
        environ = {"PATH": str(self.bin), "http_proxy": "http://proxy"}
        return AptMachine(cache=self.cache, say=self.said.append, environ=environ, root=self.root, is_root=is_root)

    @property
    def asked(self) -> list[str]:
        path = self.root / "asked"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def bookworm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch, release=BOOKWORM)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestEnsurePrograms:
    def test_what_is_there_is_not_installed(self, bookworm: World) -> None:
        ensure_programs({"cat": "coreutils"}, machine=bookworm.machine())
        assert bookworm.asked == []
        assert bookworm.said == []

    def test_installs_as_root_says_so_and_leaves_etc_apt_alone(self, bookworm: World) -> None:
        before = snapshot(bookworm.root / "etc")
        ensure_programs({"mmdebstrap": "mmdebstrap"}, machine=bookworm.machine())
        assert bookworm.asked == [
            "update",
            "install -y --no-install-recommends --no-remove mmdebstrap",
            "services held: install",
        ]
        assert "Installing mmdebstrap with apt-get" in bookworm.said[0]
        assert snapshot(bookworm.root / "etc") == before
        assert not (bookworm.root / "usr/sbin/policy-rc.d").exists()

    def test_only_the_distributions_own_sources_are_used(self, bookworm: World) -> None:
        ensure_programs({"mmdebstrap": "mmdebstrap"}, machine=bookworm.machine())
        sources = (bookworm.root / "sources").read_text()
        assert "http://mirror/d" in sources
        assert "trusted: yes" in sources
        assert "vendor" not in sources
        assert "trixie" not in sources

    @pytest.mark.parametrize(("is_root", "allow"), [(False, True), (True, False)])
    def test_where_it_may_not_it_names_the_command(self, bookworm: World, is_root: bool, allow: bool) -> None:
        with pytest.raises(InfrastructureError) as caught:
            ensure_programs(
                {"mmdebstrap": "mmdebstrap"}, machine=bookworm.machine(is_root=is_root), allow_install=allow
            )
        assert "sudo apt-get install mmdebstrap" in str(caught.value)
        assert bookworm.asked == []

    def test_on_another_distribution_it_says_what_to_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fedora = World(tmp_path, monkeypatch, release=FEDORA)
        with pytest.raises(InfrastructureError, match="package manager"):
            ensure_programs({"mmdebstrap": "mmdebstrap"}, machine=fedora.machine())

    def test_a_failure_shows_what_apt_said(self, bookworm: World) -> None:
        (bookworm.root / "no-network").touch()
        (bookworm.root / "no-package").touch()
        with pytest.raises(InfrastructureError) as caught:
            ensure_programs({"mmdebstrap": "mmdebstrap"}, machine=bookworm.machine())
        assert "E: no network" in str(caught.value)
        assert "E: Unable to locate package" in str(caught.value)
        assert not (bookworm.root / "usr/sbin/policy-rc.d").exists()

    def test_a_mirror_that_is_away_does_not_matter_when_the_package_is_had(self, bookworm: World) -> None:
        (bookworm.root / "no-network").touch()
        ensure_programs({"mmdebstrap": "mmdebstrap"}, machine=bookworm.machine())

    def test_a_package_without_the_program_is_noticed(self, bookworm: World) -> None:
        (bookworm.root / "empty-package").touch()
        with pytest.raises(InfrastructureError, match="mmdebstrap is still missing"):
            ensure_programs({"mmdebstrap": "mmdebstrap"}, machine=bookworm.machine())

    def test_a_system_without_sources_is_an_error(self, bookworm: World) -> None:
        (bookworm.root / "etc/apt/sources.list").write_text("")
        with pytest.raises(InfrastructureError, match="apt has no source for Debian"):
            ensure_programs({"mmdebstrap": "mmdebstrap"}, machine=bookworm.machine())

    def test_the_users_own_apt_config_is_included(self, bookworm: World) -> None:
        machine = bookworm.machine()
        environ = dict(machine.environ) | {"APT_CONFIG": "/home/me/apt.conf"}
        ensure_programs(
            {"mmdebstrap": "mmdebstrap"},
            machine=AptMachine(cache=machine.cache, say=machine.say, environ=environ, root=machine.root, is_root=True),
        )
        assert (bookworm.root / "apt.conf").read_text().startswith('#include "/home/me/apt.conf";')


class TestInstallDocker:
    def test_debian_12_takes_it_from_the_next_release_pinned_low(self, bookworm: World) -> None:
        install_docker(machine=bookworm.machine())
        assert bookworm.asked[1].endswith("docker.io/trixie docker-cli/trixie docker-buildx/trixie containerd/trixie")
        sources = (bookworm.root / "sources").read_text()
        assert "Suites: trixie\nComponents: main\ntrusted: yes" in sources
        assert "Suites: trixie-security" in sources
        assert "Pin: release n=trixie*\nPin-Priority: 100" in (bookworm.root / "preferences").read_text()

    @pytest.mark.parametrize(
        ("release", "packages"),
        [(TRIXIE, "docker.io docker-cli docker-buildx containerd"), (NOBLE, "docker.io docker-buildx")],
    )
    def test_newer_systems_take_their_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, packages: str
    ) -> None:
        world = World(tmp_path, monkeypatch, release=release)
        install_docker(machine=world.machine())
        assert world.asked[1] == f"install -y --no-install-recommends --no-remove {packages}"

    @pytest.mark.parametrize("release", [FEDORA, BOOKWORM.replace("12", "11")])
    def test_other_systems_are_told_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str
    ) -> None:
        world = World(tmp_path, monkeypatch, release=release)
        with pytest.raises(InfrastructureError, match=r"docs\.docker\.com/engine/install"):
            install_docker(machine=world.machine())

    def test_apparmor_comes_along_where_the_kernel_uses_it(self, bookworm: World) -> None:
        enabled = bookworm.root / "sys/module/apparmor/parameters/enabled"
        enabled.parent.mkdir(parents=True)
        enabled.write_text("Y\n")
        install_docker(machine=bookworm.machine())
        assert bookworm.asked[1].endswith(" apparmor")

    def test_under_systemd_the_new_service_is_left_off(self, bookworm: World) -> None:
        (bookworm.root / "run/systemd/system").mkdir(parents=True)
        bookworm.program("systemctl", f'#!/bin/sh\necho "systemctl $*" >> {bookworm.root}/asked\n')
        install_docker(machine=bookworm.machine())
        assert bookworm.asked[-1] == "systemctl disable --quiet docker.service docker.socket containerd.service"
        assert "systemctl enable --now docker.service" in bookworm.said[-1]

    def test_a_service_that_was_there_before_stays_as_it_is(self, bookworm: World) -> None:
        (bookworm.root / "run/systemd/system").mkdir(parents=True)
        bookworm.program("systemctl", f'#!/bin/sh\necho "systemctl $*" >> {bookworm.root}/asked\n')
        bookworm.program("dockerd", "#!/bin/sh\n")
        install_docker(machine=bookworm.machine())
        assert not [line for line in bookworm.asked if "systemctl" in line]


class TestServicesHeld:
    def test_a_policy_of_somebody_else_stays(self, tmp_path: Path) -> None:
        policy = tmp_path / "usr/sbin/policy-rc.d"
        policy.parent.mkdir(parents=True)
        policy.write_text("#!/bin/sh\nexit 0\n")
        with services_held(tmp_path):
            assert policy.read_text() == "#!/bin/sh\nexit 0\n"
        assert policy.exists()

    def test_ours_refuses_and_goes_also_when_something_fails(self, tmp_path: Path) -> None:
        policy = tmp_path / "usr/sbin/policy-rc.d"
        seen: list[str] = []

        def fail() -> None:
            with services_held(tmp_path):
                assert os.access(policy, os.X_OK)
                seen.append(policy.read_text())
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert seen[0].endswith("exit 101\n")
        assert not policy.exists()

    def test_one_that_a_killed_run_left_is_taken_away(self, tmp_path: Path) -> None:
        policy = tmp_path / "usr/sbin/policy-rc.d"
        with services_held(tmp_path):
            left = policy.read_text()
        policy.write_text(left)
        with services_held(tmp_path):
            pass
        assert not policy.exists()
