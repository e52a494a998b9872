"""Which key signs, and which one is trusted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bakehouse.errors import InputError
from bakehouse.model.publish import Signing
from bakehouse.publish.cosign import CosignSigner, CosignVerifier
from bakehouse.publish.signing import (
    HOW,
    KeySigner,
    PublicKey,
    Signer,
    Verifier,
    load_public,
    load_signer,
    new_key,
)

LOCAL = "registry/key.pem"
"""In the cache: for what does not leave this machine."""
PUBLIC = "BAKEHOUSE_VERIFY_KEY_FILE"


def chosen_signer(environ: Mapping[str, str], cache: Path, signing: Signing, *, is_local: bool) -> Signer:
    """By the policy's tool. Raises InputError."""
    return CosignSigner(environ=environ) if signing.tool == "cosign" else signer(environ, cache, is_local=is_local)


def chosen_verifier(
    environ: Mapping[str, str], cache: Path, signing: Signing, *, root: Path, given: Path | None = None
) -> Verifier | None:
    """Whose signatures count: a key, or with cosign the identity that the policy names. None: no signature counts."""
    if signing.tool == "cosign" and signing.identity and signing.issuer and given is None:
        return CosignVerifier(environ=environ, identity=signing.identity, issuer=signing.issuer)
    project = root / signing.public_key if signing.public_key else None
    return public_key(environ, cache, given=given, project=project)


def signer(environ: Mapping[str, str], cache: Path, *, is_local: bool) -> KeySigner:
    """The key of the environment; for this machine's own registry, and for folders, one that is made here.

    Raises InputError where others would pull what nobody they know has signed.
    """
    if found := load_signer(environ):
        return found
    if not is_local:
        raise InputError("there is no key to sign with, and nothing goes to others unsigned", hint=HOW)
    path = cache / LOCAL
    _make(path)
    local = load_signer({"BAKEHOUSE_SIGNING_KEY_FILE": str(path)})
    assert local is not None
    return local


def _make(path: Path) -> None:
    """Readable by its owner alone, and never half a key."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(new_key())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def public_key(
    environ: Mapping[str, str], cache: Path, *, given: Path | None, project: Path | None
) -> PublicKey | None:
    """What the command line, the environment or matrix.yaml names; else the key that we would sign with."""
    named = given or (Path(environ[PUBLIC]) if environ.get(PUBLIC) else None) or project
    if named:
        try:
            return load_public(named.read_bytes(), source=str(named))
        except OSError as error:
            raise InputError(f"the public key {named} cannot be read: {error.strerror}") from None
    if found := load_signer(environ):
        return found.public
    if (cache / LOCAL).exists():
        return signer(environ, cache, is_local=True).public
    return None
