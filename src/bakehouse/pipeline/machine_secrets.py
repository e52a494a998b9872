"""Texts of the build machine that no image may hold: its names, its folders, and the tokens that a run can read.

A text counts only where it differs from ordinary contents. `root`, `/home/ubuntu` and `runner` are in many base
images and packages; so short and shared names are not looked for, and names are looked for as whole words.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import platform
import pwd
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bakehouse.pipeline.context import Context
from bakehouse.prove.expect import Forbidden

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRETS|PAT|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY"
    r"|CREDENTIALS?)(?:_ID|_BASE64|_JSON)?$",
    re.IGNORECASE,
)
"""Of environment variables. GPG_KEY is none: Python's images publish theirs in it."""
_SHORTEST = 8
"""Characters of a token or a name. Shorter ones are in any large file by chance."""
# fmt: off
_SHARED = frozenset({
    "root", "user", "users", "ubuntu", "debian", "fedora", "centos", "alpine", "admin", "administrator",
    "ec2-user", "azureuser", "cloud-user", "opc", "runner", "gitlab-runner", "github", "actions", "jenkins",
    "circleci", "buildkite-agent", "builder", "build", "docker", "vscode", "codespace", "coder", "jovyan",
    "developer", "worker", "node", "app", "nobody", "nonroot", "nonexistent", "home", "work", "workspace",
    "src", "data", "opt", "lib", "tmp", "cache", "localhost", "localhost.localdomain"
})
# fmt: on
"""Names of accounts, folders and machines that do not say whose they are."""
_DEEP = 3
"""Parts of a path, with the root, from which on it can be told from a folder that any image may have."""


def machine_secrets(context: Context) -> tuple[Forbidden, ...]:
    """Those of this machine, as the process sees it."""
    environ = context.environ
    try:
        user = environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number that has no name
        user = environ.get("USER", "")
    return secrets_among(
        environ, cache=context.cache, host=platform.node(), user=user, docker_config=_docker_config(environ)
    )


def secrets_among(
    environ: Mapping[str, str], *, cache: Path, host: str, user: str, docker_config: str
) -> tuple[Forbidden, ...]:
    """The texts to look for, each once. `docker_config` is the content of Docker's config.json, empty without one."""
    found = [
        *_folders(environ.get("HOME", ""), cache, user),
        *_names(host, user),
        *_tokens(environ),
        *_logins(docker_config),
    ]
    return tuple({one.text: one for one in reversed(found)}.values())[::-1]


def _folders(home: str, cache: Path, user: str) -> Iterator[Forbidden]:
    homes = [home, *(f"{folder}/{user}" for folder in ("/home", "/Users") if user)]
    for path in map(PurePosixPath, homes):
        if len(path.parts) >= _DEEP and path.is_absolute() and path.name.lower() not in _SHARED:
            yield Forbidden(what="the home folder of the build machine's user", text=os.fsencode(path), is_word=True)
    if len(cache.parts) > _DEEP:
        yield Forbidden(what="the path of the build machine's cache", text=os.fsencode(cache), is_word=True)


def _names(host: str, user: str) -> Iterator[Forbidden]:
    for what, name in (("host name of the build machine", host), ("name of the build machine's user", user)):
        if len(name) >= _SHORTEST and not name.isalpha() and name.lower() not in _SHARED:
            yield Forbidden(what=f"the {what}", text=os.fsencode(name), is_word=True)


def _tokens(environ: Mapping[str, str]) -> Iterator[Forbidden]:
    for name, value in environ.items():
        if _SECRET_NAME.search(name) and _is_token(value):
            yield Forbidden(what=f"the value of the environment variable {name}", text=os.fsencode(value.strip()))


def _is_token(value: str) -> bool:
    """Paths of files that hold a secret are none, and neither are switches."""
    text = value.strip()
    return len(text) >= _SHORTEST and not text.startswith(("/", "./", "~"))


def _logins(text: str) -> Iterator[Forbidden]:
    """Secrets in Docker's config.json; a damaged file has none that could be used."""
    try:
        config = json.loads(text or "{}")
    except ValueError:
        return
    auths = config.get("auths") if isinstance(config, dict) else None
    for registry, login in (auths if isinstance(auths, dict) else {}).items():
        for secret in _of_login(login if isinstance(login, dict) else {}):
            if len(secret) >= _SHORTEST:
                yield Forbidden(what=f"the login of this machine at {registry}", text=secret)


def _of_login(login: Mapping[str, Any]) -> Iterator[bytes]:
    for key in ("auth", "identitytoken", "registrytoken", "password"):
        if isinstance(value := login.get(key), str):
            yield os.fsencode(value)
    try:
        yield base64.b64decode(str(login.get("auth", "")), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return


def _docker_config(environ: Mapping[str, str]) -> str:
    folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME", "/root")) / ".docker")
    try:
        return (Path(folder) / "config.json").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
