"""What RUN steps need on this machine's network: proxies, package indexes, certificates of a TLS-inspecting proxy.

Both are given as BuildKit secrets: a step can read them, no layer keeps them, and they do not change cache keys. A step
that uses the network begins with `[ ! -f /run/secrets/network ] || . /run/secrets/network`.
"""

from __future__ import annotations

import base64
import binascii
import configparser
import hashlib
import os
import re
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import certifi

from bakehouse.model.plan import Secret

CA_BUNDLE = "ca-bundle"
NETWORK = "network"

BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
"""Where people name a bundle; the first that is a file wins."""
BUNDLES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/cert.pem",
)
"""Where distributions keep theirs: Debian and Arch, Fedora, older Fedora, openSUSE, Alpine."""
PUBLIC = ("usr/share/ca-certificates/mozilla/*.crt", "usr/share/pki/ca-trust-source/*")
"""Where distributions keep the certificates that are public: what a bundle has beyond them is this machine's."""

TOLD_OF_BUNDLE = (
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "NPM_CONFIG_REGISTRY")
"""Settings that name package indexes; only http(s) addresses mean anything inside a build."""

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def network_secrets(environ: Mapping[str, str], *, cache: Path, root: Path = Path("/")) -> tuple[Secret, ...]:
    """Return the secrets for builds. Writes the `network` snippet below the cache, readable by us only."""
    settings = proxy_settings(environ) | index_settings(environ, root=root)
    folder = cache / "network"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    snippet = folder / "environment.sh"
    _write_private(snippet, render_snippet(settings))
    secrets = [Secret(id=NETWORK, path=str(snippet))]
    bundle = ca_bundle(environ, root=root)
    if bundle:
        secrets.append(Secret(id=CA_BUNDLE, path=str(bundle)))
    return tuple(secrets)


def ca_bundle(environ: Mapping[str, str], *, root: Path = Path("/")) -> Path | None:
    """Find the file with the certificates that this machine trusts."""
    named = (Path(environ[key]) for key in BUNDLE_VARIABLES if environ.get(key))
    usual = (root / place for place in BUNDLES)
    return next((path.absolute() for path in (*named, *usual) if path.is_file()), None)


def proxy_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies in both cases: curl reads only `http_proxy`, others only `HTTPS_PROXY`."""
    settings: dict[str, str] = {}
    for name in PROXIES:
        value = environ.get(name) or environ.get(name.upper())
        if value:
            settings |= {name: value, name.upper(): value}
    return settings


def index_settings(environ: Mapping[str, str], *, root: Path = Path("/")) -> dict[str, str]:
    """Return the package indexes that the user set, in the environment or in pip's configuration files."""
    configured = _pip_configuration(environ, root=root)
    settings = {}
    for name in INDEXES:
        value = environ.get(name) or environ.get(name.lower()) or configured.get(name, "")
        addresses = [word for word in value.split() if re.search(r"(?:^|=)https?://", word)]
        if addresses:
            settings[name] = " ".join(addresses)
    return settings


def render_snippet(settings: Mapping[str, str]) -> str:
    """Write settings for a POSIX shell. Every value comes back as it is, whatever is in it."""
    exports = [f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()]
    bundle = f"/run/secrets/{CA_BUNDLE}"
    told = " ".join(f"{name}={bundle}" for name in TOLD_OF_BUNDLE)
    return "".join([*exports, f"if [ -f {bundle} ]; then\n  export {told}\nfi\n"])


def ca_fingerprints(path: Path, *, root: Path = Path("/")) -> set[str]:
    """sha256 (hex, of the DER form) of the bundle's certificates that are not public ones.

    Public are those of Mozilla's list, as certifi and the distribution have it. What remains belongs to this machine,
    and must not be found in an image.
    """
    public = [Path(certifi.where()), *(found for pattern in PUBLIC for found in root.glob(pattern))]
    return _fingerprints([path]) - _fingerprints(public)


def _fingerprints(paths: Iterable[Path]) -> set[str]:
    found = set()
    for path in paths:
        if not path.is_file():
            continue
        for match in _CERTIFICATE.finditer(path.read_bytes()):
            try:
                found.add(hashlib.sha256(base64.b64decode(b"".join(match[1].split()), validate=True)).hexdigest())
            except binascii.Error:
                continue
    return found


def _pip_configuration(environ: Mapping[str, str], *, root: Path) -> dict[str, str]:
    """Read pip's files; a later one wins. https://pip.pypa.io/en/stable/topics/configuration/"""
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    config = environ.get("XDG_CONFIG_HOME") or (home / ".config" if home else None)
    files = [root / "etc/pip.conf"]
    files += [home / ".pip/pip.conf"] if home else []
    files += [Path(config) / "pip/pip.conf"] if config else []
    files += [Path(environ["PIP_CONFIG_FILE"])] if environ.get("PIP_CONFIG_FILE") else []
    parser = configparser.RawConfigParser()
    for file in files:
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
    found = {}
    for section in ("global", "install"):
        for key, name in (("index-url", "PIP_INDEX_URL"), ("extra-index-url", "PIP_EXTRA_INDEX_URL")):
            if parser.has_option(section, key):
                found[name] = parser.get(section, key)
    return found


def _write_private(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    Path(temporary).replace(path)
