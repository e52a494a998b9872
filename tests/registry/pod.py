"""A pod of `ci kubernetes` without a cluster: its folders, and the commands of its containers as they are written.

Paths of the pod become folders, and names of its secrets files; nothing else is changed.
"""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import Any

import yaml

from bakehouse.system import process
from bakehouse.system.process import Completed
from tests.registry.conftest import Real
from tests.unit.publish.conftest import KEY

FOLDERS = ("job", "login", "key", "work")


class Pod:
    """A pod's folders, and its containers as they are written."""

    def __init__(self, text: str, folder: Path, real: Real) -> None:
        self.config, self.job = yaml.safe_load_all(text)
        self.spec: dict[str, Any] = self.job["spec"]["template"]["spec"]
        self.folder, self.real = folder, real
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
        (folder / "login/config.json").write_text((real.login / "config.json").read_text())
        (folder / "key/key.pem").write_text(KEY)
        self._mount_job()

    def _mount_job(self) -> None:
        (volume,) = (one["configMap"] for one in self.spec["volumes"] if one["name"] == "job")
        for item in volume["items"]:
            path = self.folder / "job" / item["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            text = self.config["data"].get(item["key"])
            path.write_bytes(text.encode() if text else base64.b64decode(self.config["binaryData"][item["key"]]))

    def container(self, name: str) -> dict[str, Any]:
        containers = (*self.spec["initContainers"], *self.spec["containers"])
        (found,) = (one for one in containers if one["name"] == name)
        assert isinstance(found, dict)
        return found

    def run(self, name: str, *, url: str = "") -> Completed:
        """A container of bakehouse's, as a program here. `url`: where the server is."""
        container = self.container(name)
        told = [self._here(word) for word in container["command"] + container["args"]]
        words = [url if word == "http://127.0.0.1:8080" else word for word in told]
        env = {one["name"]: self._here(one.get("value", "node-7")) for one in container["env"]}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return process.run(words, env={**env, "PATH": path, "NO_PROXY": "127.0.0.1"}, timeout=300, check=False)

    def _here(self, word: str) -> str:
        for name in FOLDERS:
            if word == f"/{name}" or word.startswith(f"/{name}/"):
                return f"{self.folder}{word}"
        return word
