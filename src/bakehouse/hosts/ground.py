"""A host that tests: what it has, what is brought there, and the suite that runs on it."""

from __future__ import annotations

import dataclasses
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.engine.connect import reach
from bakehouse.engine.connection import Engine
from bakehouse.engine.docker import Docker
from bakehouse.hosts import images
from bakehouse.hosts.agent_container import Agent, HostLostError
from bakehouse.hosts.facts import SOCKET, HostFacts
from bakehouse.hosts.mirror import Receiver
from bakehouse.hosts.places import VOLUME, HostFolders
from bakehouse.hosts.suite_image import SuiteImage
from bakehouse.measure.machine_speed import MachineSpeed
from bakehouse.model.fleet import FleetHost
from bakehouse.suite.ground import Ended, OnLine

DEFAULT_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostGround:
    """A host for one run. See `suite.ground.Ground`."""

    name: str
    run_name: str
    agent: Agent
    folders: HostFolders
    facts: HostFacts
    _models: dict[Path, Path] = field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        """As the agent reaches it."""
        return inside(self.agent.engine)

    @property
    def results(self) -> Path:
        """The run's folder on the host."""
        return self.folders.results(self.run_name)

    def there(self, path: Path) -> str:
        return str(self._models.get(path) or self.folders.sent(self.run_name, path))

    def bring_image(self, image: str, *, name: str, here: Engine, folder: Path) -> tuple[str, bool]:
        """Its ID there, and whether it had to be sent."""
        return images.bring(image, name=name, here=here, there=self.agent.engine, folder=folder)

    def bring_model(self, path: Path, sha256: str) -> bool:
        """Whether it had to be sent. It is kept for later runs, readable, and written once."""
        self._models[path] = self.folders.model(sha256, path.name)
        if sha256 in self.facts.models:
            return False
        self.agent.ask("model", str(self.folders.volume), sha256, path.name, feed=path)
        self.facts.models.append(sha256)
        return True

    def send(self, paths: Iterable[Path], *, folder: Path) -> None:
        """Files and folders of this machine, for this run."""
        archive = folder / "files.tar"
        with tarfile.open(archive, "w") as tar:
            for path in sorted(set(paths)):
                tar.add(path, arcname=str(path).lstrip("/"), filter=_worth_sending)
        self.agent.ask("receive", str(self.folders.run(self.run_name) / "files"), feed=archive)
        archive.unlink()

    def speed(self, working_set: int) -> MachineSpeed:
        """What its processor reaches; measured there, once for a machine."""
        return MachineSpeed(
            **json.loads(self.agent.ask("speed", str(self.folders.cache), self.run_name, str(working_set)))
        )

    def run(self, command: list[str], *, folder: Path, on_line: OnLine, log: Path) -> Ended:
        """The folder goes there, and what is written in it comes back while it is written."""
        receiver = Receiver(folder)
        try:
            self._send_results(folder)
            with log.open("w", encoding="utf-8", errors="replace") as file:

                def hear(line: str) -> None:
                    if not receiver.take(line):
                        file.write(f"{line}\n")
                        on_line(line)

                heard = self.agent.hear("run", str(self.results), *command, on_line=hear)
        except HostLostError as error:
            return Ended(code=0, said="", lost=error.message)
        return Ended(code=heard.code, said=_text(log))

    def forget(self) -> None:
        """Remove what belongs to this run alone."""
        self.agent.ask("forget", str(self.folders.run(self.run_name)))

    def _send_results(self, folder: Path) -> None:
        with tempfile.TemporaryDirectory() as name:
            archive = Path(name, "results.tar")
            with tarfile.open(archive, "w") as tar:
                for path in sorted(folder.rglob("*")):
                    if path.is_file() and path.suffix != ".tmp":
                        tar.add(path, arcname=path.relative_to(folder).as_posix())
            self.agent.ask("receive", str(self.results), feed=archive)


def open_host(
    name: str,
    host: FleetHost,
    *,
    run: str,
    environ: Mapping[str, str],
    suite: SuiteImage,
    with_nvidia: bool,
    say: Callable[[str], None],
    wanted: Callable[[], bool],
) -> HostGround:
    """Reach a host, and bring it the suite. Raises InfrastructureError where that cannot be."""
    engine = reach(environ, host=address(host), context=host.context)
    folders = HostFolders(volume=Path(Docker(engine).volume(VOLUME)))
    image, brought = suite.ensure(engine)
    if brought:
        say(f"{name}: brought the suite there ({image})")
    agent = Agent(
        host=name,
        engine=engine,
        image=image,
        volume=str(folders.volume),
        socket=host.socket,
        run=run,
        with_nvidia=with_nvidia,
        wanted=wanted,
    )
    told = agent.ask("facts", str(folders.volume), text=json.dumps(dataclasses.asdict(inside(engine))))
    return HostGround(name=name, run_name=run, agent=agent, folders=folders, facts=HostFacts.model_validate_json(told))


def address(host: FleetHost) -> str | None:
    """What DOCKER_HOST would be; None where a context reaches it."""
    if host.ssh is None or host.socket == DEFAULT_SOCKET:
        return host.ssh
    return f"{host.ssh}{host.socket}"


def inside(engine: Engine) -> Engine:
    """The same engine for programs in a container on its machine."""
    return dataclasses.replace(engine, host=f"unix://{SOCKET}", context=None, extra={})


def _worth_sending(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    member.uid = member.gid = 0
    return None if member.name.endswith(("__pycache__", ".pyc")) else member


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")
