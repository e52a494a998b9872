"""Credentials for a registry: what `docker login` kept, or the variables of CI. They are never written or shown."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.registry.location import DOCKER_HUB
from bakehouse.system import process

_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_TIMEOUT = 60.0
_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_IS_TOKEN = "<token>"  # noqa: S105 - what a helper says instead of a user's name

Helper = Callable[[str, str], tuple[str, str] | None]
"""Asks the helper of a name for the credentials of a server: user and secret."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """One user of one registry."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """What is exchanged for a token instead of user and password."""
    source: str = ""
    """Where it is from, for messages: `~/.docker/config.json`."""

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Looks a registry's login up when somebody needs it."""

    environ: Mapping[str, str] = field(repr=False)
    helper: Helper | None = None
    """Tests give their own; without one, `docker-credential-NAME` is run."""

    def of(self, host: str) -> Login | None:
        """What docker's configuration has for a host, else what CI's variables say. Raises InputError for a
        configuration that cannot be read.
        """
        return self._of_docker(host) or _of_gitlab(host, self.environ) or _of_github(host, self.environ)

    @property
    def config(self) -> Path:
        folder = self.environ.get("DOCKER_CONFIG") or str(Path(self.environ.get("HOME", "/root")) / ".docker")
        return Path(folder) / "config.json"

    def _of_docker(self, host: str) -> Login | None:
        content = self._read()
        keys = (_HUB_KEY, DOCKER_HUB, "registry-1.docker.io") if host == DOCKER_HUB else (host,)
        keys = (*keys, *(f"https://{key}" for key in keys if "://" not in key))
        helpers = content.get("credHelpers") or {}
        if name := next((helpers[key] for key in keys if key in helpers), content.get("credsStore")):
            for key in keys:
                if login := self._of_helper(str(name), key):
                    return login
        entries = content.get("auths") or {}
        entry = next((entries[key] for key in keys if entries.get(key)), None)
        return self._of_entry(entry, host) if entry else None

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.config.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not JSON"  # the text itself may hold a password
            raise InputError(
                f"{self.config} cannot be read: {why}", hint="Write it again with `docker login`."
            ) from None
        return content if isinstance(content, dict) else {}

    def _of_entry(self, entry: Mapping[str, Any], host: str) -> Login | None:
        if token := entry.get("identitytoken"):
            return Login(identity_token=str(token), source=str(self.config))
        try:
            text = base64.b64decode(str(entry.get("auth", "")), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise InputError(
                f"{self.config}: what it has for {host} is damaged", hint=f"Run: docker login {host}"
            ) from None
        user, colon, password = text.partition(":")
        if not colon:
            user, password = str(entry.get("username", "")), str(entry.get("password", ""))
        return Login(user=user, password=password, source=str(self.config)) if user else None

    def _of_helper(self, name: str, server: str) -> Login | None:
        ask = self.helper or self._run_helper
        found = ask(name, server)
        if not found:
            return None
        user, secret = found
        source = f"docker-credential-{name}"
        if user == _IS_TOKEN:
            return Login(identity_token=secret, source=source)
        return Login(user=user, password=secret, source=source)

    def _run_helper(self, name: str, server: str) -> tuple[str, str] | None:
        """Through its input and output: https://github.com/docker/docker-credential-helpers."""
        if not _HELPER.fullmatch(name):
            raise InputError(f"{self.config}: {name!r} is no credential helper")
        try:
            done = process.run(
                [f"docker-credential-{name}", "get"],
                env=self.environ,
                input=server.encode(),
                timeout=_HELPER_TIMEOUT,
                check=False,
            )
            answer = json.loads(done.stdout) if done.code == 0 else None
        except (InfrastructureError, ValueError):
            return None
        return (str(answer["Username"]), str(answer["Secret"])) if isinstance(answer, dict) else None


def _of_gitlab(host: str, environ: Mapping[str, str]) -> Login | None:
    """https://docs.gitlab.com/ci/variables/predefined_variables/"""
    user, password = environ.get("CI_REGISTRY_USER"), environ.get("CI_REGISTRY_PASSWORD")
    if host != environ.get("CI_REGISTRY") or not user or not password:
        return None
    return Login(user=user, password=password, source="CI_REGISTRY_USER and CI_REGISTRY_PASSWORD")


def _of_github(host: str, environ: Mapping[str, str]) -> Login | None:
    """GITHUB_TOKEN is in no step's environment unless the workflow puts it there."""
    user, token = environ.get("GITHUB_ACTOR"), environ.get("GITHUB_TOKEN")
    if host != "ghcr.io" or not user or not token:
        return None
    return Login(user=user, password=token, source="GITHUB_ACTOR and GITHUB_TOKEN")
