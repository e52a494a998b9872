"""Signatures that cosign 3 reads: DSSE envelopes with an ECDSA P-256 key, in bundles of sigstore's version 0.3.

https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md ,
https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bakehouse.errors import InputError
from bakehouse.model.annotations import BUNDLE
from bakehouse.registry.content import canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
KEY, KEY_FILE, PASSWORD = "BAKEHOUSE_SIGNING_KEY", "BAKEHOUSE_SIGNING_KEY_FILE", "BAKEHOUSE_SIGNING_PASSWORD"
HOW = (
    "Make one with: openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out key.pem; "
    f"keep it out of the project, and name it in {KEY_FILE} (in CI: its content in {KEY})."
)


class Signer(Protocol):
    """Signs a statement: the content of a bundle."""

    def sign(self, statement: bytes) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """What a bundle holds."""

    bundle: bytes
    """As it came."""
    payload: bytes
    signatures: tuple[bytes, ...]
    hint: str
    """Of the key that signed; empty: a certificate did."""
    statement: dict[str, Any]


class Verifier(Protocol):
    """Knows whose signatures count."""

    @property
    def name(self) -> str:
        """For people: who signs."""
        ...

    def why_not(self, envelope: Envelope) -> str:
        """Why a signature does not count; empty: it does."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicKey:
    key: ec.EllipticCurvePublicKey
    source: str = ""
    """Where it is from, for messages."""

    @property
    def hint(self) -> str:
        """What a bundle says of the key that it is signed with."""
        return base64.b64encode(hashlib.sha256(self._der).digest()).decode()

    @property
    def name(self) -> str:
        """For people: the first digits of the hash of its DER form."""
        return f"key {hashlib.sha256(self._der).hexdigest()[:12]}"

    def why_not(self, envelope: Envelope) -> str:
        """See Verifier."""
        for signature in envelope.signatures:
            with contextlib.suppress(InvalidSignature):
                self.key.verify(signature, _encoded(envelope.payload), ec.ECDSA(hashes.SHA256()))
                return ""
        if not envelope.hint:
            return "it was signed with a certificate, and there is a key to check it with"
        return "it was changed after it was signed" if envelope.hint == self.hint else "another key signed it"

    @property
    def _der(self) -> bytes:
        return self.key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> bytes:
        return self.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySigner:
    private: ec.EllipticCurvePrivateKey = field(repr=False)
    source: str = ""

    @property
    def public(self) -> PublicKey:
        return PublicKey(key=self.private.public_key(), source=self.source)

    def sign(self, statement: bytes) -> bytes:
        signature = self.private.sign(_encoded(statement), _algorithm())
        return canonical(
            {
                "mediaType": BUNDLE,
                "verificationMaterial": {"publicKey": {"hint": self.public.hint}},
                "dsseEnvelope": {
                    "payload": base64.b64encode(statement).decode(),
                    "payloadType": PAYLOAD_TYPE,
                    "signatures": [{"sig": base64.b64encode(signature).decode()}],
                },
            }
        )


def _algorithm() -> ec.ECDSA:
    """By RFC 6979, where this OpenSSL can: the same statement gets the same signature, and is never attached twice."""
    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(hashes.SHA256())


def _encoded(payload: bytes) -> bytes:
    """PAE: what is really signed."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A bundle that was read."""

    statement: dict[str, Any]
    valid: bool
    """Whether the key that was asked for signed it."""
    why_not: str = ""

    @property
    def predicate_type(self) -> str:
        return str(self.statement.get("predicateType", ""))

    @property
    def predicate(self) -> dict[str, Any]:
        found = self.statement.get("predicate")
        return found if isinstance(found, dict) else {}

    @property
    def subjects(self) -> frozenset[str]:
        """Digests that it speaks of."""
        found = self.statement.get("subject")
        digests = [one.get("digest") or {} for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        return frozenset(f"sha256:{digest['sha256']}" for digest in digests if digest.get("sha256"))


def open_bundle(content: bytes, verifier: Verifier | None) -> Opened | None:
    """Read a bundle and check it; None for what is none. Without a verifier nothing is valid."""
    envelope = _envelope(content)
    if envelope is None:
        return None
    why_not = verifier.why_not(envelope) if verifier else "no key is known whose signature would count"
    return Opened(statement=envelope.statement, valid=not why_not, why_not=why_not)


def _envelope(content: bytes) -> Envelope | None:
    try:
        bundle = json.loads(content)
        envelope = bundle["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = tuple(base64.b64decode(one["sig"], validate=True) for one in envelope["signatures"])
        statement = json.loads(payload)
        hint = str(bundle.get("verificationMaterial", {}).get("publicKey", {}).get("hint", ""))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None
    if not isinstance(statement, dict) or envelope.get("payloadType") != PAYLOAD_TYPE:
        return None
    return Envelope(bundle=content, payload=payload, signatures=signatures, hint=hint, statement=statement)


def load_signer(environ: Mapping[str, str]) -> KeySigner | None:
    """The key that the environment names; None: it names none. Raises InputError, without a word of the key."""
    if text := environ.get(KEY):
        return _signer(text.encode(), environ, source=KEY)
    if path := environ.get(KEY_FILE):
        try:
            return _signer(Path(path).expanduser().read_bytes(), environ, source=path)
        except OSError as error:
            raise InputError(f"{KEY_FILE}: {path} cannot be read: {error.strerror}", hint=HOW) from None
    return None


def _signer(content: bytes, environ: Mapping[str, str], *, source: str) -> KeySigner:
    password = environ.get(PASSWORD)
    try:
        key = serialization.load_pem_private_key(content, password.encode() if password else None)
    except TypeError:
        needs = f"{PASSWORD} is not set" if not password else f"it has no password, and {PASSWORD} is set"
        raise InputError(f"{source}: the key cannot be read: {needs}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{source} is no private key in PEM, or its password is wrong", hint=HOW) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InputError(f"{source} is no ECDSA key on the curve P-256", hint=HOW)
    return KeySigner(private=key, source=source)


def load_public(content: bytes, *, source: str) -> PublicKey:
    """Raises InputError."""
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(
            f"{source} is no public key in PEM", hint="`openssl ec -in key.pem -pubout` writes it."
        ) from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InputError(f"{source} is no ECDSA key", hint="`openssl ec -in key.pem -pubout` writes it.")
    return PublicKey(key=key, source=source)


def new_key() -> bytes:
    """A private key in PEM, for a registry of this machine alone."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
