"""What is asked of cosign, and what is said when it cannot: a script stands for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bakehouse.errors import InfrastructureError
from bakehouse.publish.cosign import CosignSigner, CosignVerifier
from bakehouse.publish.signing import PAYLOAD_TYPE, open_bundle
from tests.unit.publish.conftest import signer

STATEMENT = json.dumps({"predicateType": "x", "predicate": {}, "subject": [{"digest": {"sha256": "ab" * 32}}]}).encode()


def program(folder: Path, script: str) -> str:
    path = folder / "cosign"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def by_certificate() -> bytes:
    """A bundle without a key's hint."""
    bundle = json.loads(signer().sign(STATEMENT))
    bundle["verificationMaterial"] = {"certificate": {"rawBytes": ""}}
    assert bundle["dsseEnvelope"]["payloadType"] == PAYLOAD_TYPE
    return json.dumps(bundle).encode()


def test_it_is_given_the_statement_and_gives_the_bundle(tmp_path: Path) -> None:
    script = 'test "$1 $2 $3" = "attest-blob --yes --statement" && cp "$4" "$6"'
    found = CosignSigner(environ={"PATH": "/usr/bin:/bin"}, program=program(tmp_path, script)).sign(STATEMENT)
    assert found == STATEMENT


def test_what_it_says_is_told(tmp_path: Path) -> None:
    asked = CosignSigner(environ={"PATH": "/usr/bin:/bin"}, program=program(tmp_path, "echo no token >&2; exit 1"))
    with pytest.raises(InfrastructureError, match="cosign did not sign: no token") as error:
        asked.sign(STATEMENT)
    assert "id-token: write" in str(error.value)


def test_it_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cosign is not installed"):
        CosignSigner(environ={"PATH": str(tmp_path)}).sign(STATEMENT)


def test_a_certificate_is_for_cosign_to_check(tmp_path: Path) -> None:
    script = f'echo "$@" > {tmp_path}/words; exit 0'
    verifier = CosignVerifier(
        environ={"PATH": "/usr/bin:/bin"}, identity="^https://x/", issuer="https://i", program=program(tmp_path, script)
    )
    opened = open_bundle(by_certificate(), verifier)
    assert opened
    assert opened.valid
    words = (tmp_path / "words").read_text()
    assert "--certificate-identity-regexp ^https://x/ --certificate-oidc-issuer https://i" in words
    assert f"--digest {'ab' * 32}" in words


def test_what_it_refuses_is_not_valid(tmp_path: Path) -> None:
    verifier = CosignVerifier(
        environ={"PATH": "/usr/bin:/bin"},
        identity="x",
        issuer="y",
        program=program(tmp_path, "echo none of the expected identities matched >&2; exit 1"),
    )
    opened = open_bundle(by_certificate(), verifier)
    assert opened
    assert opened.why_not == "cosign refuses it: none of the expected identities matched"


def test_a_key_is_no_certificate(tmp_path: Path) -> None:
    verifier = CosignVerifier(environ={}, identity="x", issuer="y")
    opened = open_bundle(signer().sign(STATEMENT), verifier)
    assert opened
    assert not opened.valid
    opened = open_bundle(by_certificate(), signer().public)
    assert opened
    assert opened.valid, "the signature itself is ours"
