"""Keys and bundles; that no error shows a key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bakehouse.errors import InputError
from bakehouse.publish import keys
from bakehouse.publish.signing import load_public, load_signer, new_key, open_bundle
from tests.unit.publish.conftest import KEY, signer

STATEMENT = json.dumps({"predicateType": "x", "predicate": {}, "subject": [{"digest": {"sha256": "ab"}}]}).encode()


def test_what_is_signed_can_be_opened() -> None:
    opened = open_bundle(signer().sign(STATEMENT), signer().public)
    assert opened
    assert opened.valid
    assert opened.subjects == {"sha256:ab"}


def test_the_same_statement_gets_the_same_signature() -> None:
    assert signer().sign(STATEMENT) == signer().sign(STATEMENT)


def test_without_a_key_nothing_is_valid() -> None:
    opened = open_bundle(signer().sign(STATEMENT), None)
    assert opened
    assert not opened.valid


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"dsseEnvelope": {"payload": "!", "signatures": []}}'])
def test_what_is_no_bundle(content: bytes) -> None:
    assert open_bundle(content, signer().public) is None


def test_a_key_with_a_password() -> None:
    private = serialization.load_pem_private_key(KEY.encode(), None)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    ).decode()
    assert load_signer({"BAKEHOUSE_SIGNING_KEY": pem, "BAKEHOUSE_SIGNING_PASSWORD": "secret"})
    for environ in ({}, {"BAKEHOUSE_SIGNING_PASSWORD": "wrong"}):
        with pytest.raises(InputError) as error:
            load_signer({"BAKEHOUSE_SIGNING_KEY": pem, **environ})
        assert "wrong" not in str(error.value).replace("is wrong", "")
        assert "PRIVATE KEY" not in str(error.value)


def test_another_kind_of_key_is_refused() -> None:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(InputError, match=r"no ECDSA key on the curve P-256"):
        load_signer({"BAKEHOUSE_SIGNING_KEY": pem.decode()})


def test_what_others_pull_is_never_unsigned(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing goes to others unsigned") as error:
        keys.signer({}, tmp_path, is_local=False)
    assert "BAKEHOUSE_SIGNING_KEY_FILE" in str(error.value)


def test_this_machine_makes_its_own_key_once(tmp_path: Path) -> None:
    first = keys.signer({}, tmp_path, is_local=True)
    assert keys.signer({}, tmp_path, is_local=True).public.pem == first.public.pem
    assert (tmp_path / keys.LOCAL).stat().st_mode & 0o777 == 0o600
    found = keys.public_key({}, tmp_path, given=None, project=None)
    assert found
    assert found.pem == first.public.pem


def test_the_public_key_is_looked_for_in_order(tmp_path: Path) -> None:
    given, project = load_signer({"BAKEHOUSE_SIGNING_KEY": new_key().decode()}), signer()
    assert given
    (tmp_path / "given.pub").write_bytes(given.public.pem)
    (tmp_path / "project.pub").write_bytes(project.public.pem)
    found = keys.public_key({}, tmp_path, given=tmp_path / "given.pub", project=tmp_path / "project.pub")
    assert found
    assert found.hint == given.public.hint
    found = keys.public_key({}, tmp_path, given=None, project=tmp_path / "project.pub")
    assert found
    assert found.hint == project.public.hint
    with pytest.raises(InputError, match="cannot be read"):
        keys.public_key({}, tmp_path, given=tmp_path / "none", project=None)


def test_what_is_no_public_key() -> None:
    with pytest.raises(InputError, match="no public key in PEM"):
        load_public(KEY.encode(), source="x")
