"""Who vouches for identities, on loopback: GitHub's tokens for jobs, and sigstore's Fulcio, which gives certificates.

It believes whatever a token says. There is no log of transparency.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER = "https://token.actions.githubusercontent.com"
_VOUCHED = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
"""https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md : the issuer, as a UTF8String of DER."""
_NAME = x509.Name(
    [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tests"), x509.NameAttribute(NameOID.COMMON_NAME, "ca")]
)
_TOKEN_REQUEST = "a-request-token"


@dataclass
class Fulcio:
    workflow: str
    """Whose job asks: `https://github.com/OWNER/NAME/.github/workflows/FILE@REF`."""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """What GitHub gives a job with `id-token: write`."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": _TOKEN_REQUEST,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token?job=1",
        }

    def token(self) -> dict[str, str]:
        claims = {"iss": ISSUER, "sub": "repo:me/images", "aud": "sigstore", "job_workflow_ref": self.workflow}
        hour = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
        parts = [json.dumps({"alg": "RS256", "typ": "JWT"}), json.dumps(claims | {"exp": hour}), "signed"]
        return {"value": ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)}

    def root(self) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = self._builder(self.key.public_key(), subject=_NAME, lasts=timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(usage, critical=True)
        own = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        return builder.add_extension(own, critical=False).sign(self.key, hashes.SHA256())

    def certificate(self, public: CertificateIssuerPublicKeyTypes) -> x509.Certificate:
        """For ten minutes, to whoever the workflow is."""
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        issuer = ISSUER.encode()
        builder = self._builder(public, subject=x509.Name([]), lasts=timedelta(minutes=10))
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        who = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(self.workflow)])
        builder = builder.add_extension(who, critical=True)
        vouched = x509.UnrecognizedExtension(_VOUCHED, bytes([0x0C, len(issuer)]) + issuer)
        return builder.add_extension(vouched, critical=False).sign(self.key, hashes.SHA256())

    def _builder(
        self, public: CertificateIssuerPublicKeyTypes, *, subject: x509.Name, lasts: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(_NAME).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(minutes=1))
        return builder.not_valid_after(now + lasts)

    def chain(self, asked: dict[str, Any]) -> dict[str, Any]:
        public = serialization.load_pem_public_key(asked["publicKeyRequest"]["publicKey"]["content"].encode())
        assert isinstance(public, ec.EllipticCurvePublicKey)
        pems = [pem(one) for one in (self.certificate(public), self.root())]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": pems}}}


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@contextlib.contextmanager
def serving(fulcio: Fulcio) -> Iterator[Fulcio]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            fulcio.asked.append(self.path)
            assert self.headers["Authorization"].lower() == f"bearer {_TOKEN_REQUEST}"
            self._answer(fulcio.token())

        def do_POST(self) -> None:
            fulcio.asked.append(self.path)
            self._answer(fulcio.chain(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def _answer(self, document: object) -> None:
            content = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fulcio.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fulcio
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
