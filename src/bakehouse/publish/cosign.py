"""cosign as the signer: in CI without a key, by the identity of the workflow (Fulcio and Rekor, which it asks itself).

It signs our statements (`attest-blob --statement`); we attach what it wrote, as with a key of our own. What it needs to
know of CI it reads from its environment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.errors import InfrastructureError
from bakehouse.publish.signing import Envelope
from bakehouse.system import process
from bakehouse.system.process import MissingProgramError, ProgramError

PROGRAM = "cosign"
_TIMEOUT = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CosignSigner:
    """See Signer."""

    environ: Mapping[str, str] = field(repr=False)
    words: tuple[str, ...] = ()
    """Further arguments: a key in a vault, another Fulcio."""
    program: str = PROGRAM

    def sign(self, statement: bytes) -> bytes:
        """Raises InfrastructureError where cosign is missing or refuses: no identity, no network."""
        with tempfile.TemporaryDirectory() as name:
            told, bundle = Path(name) / "statement.json", Path(name) / "bundle.json"
            told.write_bytes(statement)
            args = [
                self.program,
                "attest-blob",
                "--yes",
                "--statement",
                str(told),
                "--bundle",
                str(bundle),
                *self.words,
            ]
            try:
                process.run(args, env=self.environ, timeout=_TIMEOUT)
                return bundle.read_bytes()
            except MissingProgramError as error:
                raise _missing() from error
            except (ProgramError, FileNotFoundError) as error:
                said = error.stderr if isinstance(error, ProgramError) else "it wrote no bundle"
                raise InfrastructureError(
                    f"cosign did not sign: {said.splitlines()[-1] if said else 'it said nothing'}",
                    hint="Without a key it needs an identity: in GitHub the permission id-token: write, in GitLab "
                    "id_tokens: SIGSTORE_ID_TOKEN.",
                ) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class CosignVerifier:
    """See Verifier. Signatures of one workflow count."""

    environ: Mapping[str, str] = field(repr=False)
    identity: str
    """Regular expression."""
    issuer: str
    words: tuple[str, ...] = ()
    program: str = PROGRAM

    @property
    def name(self) -> str:
        return f"{self.identity}, vouched for by {self.issuer}"

    def why_not(self, envelope: Envelope) -> str:
        """Raises InfrastructureError where cosign is missing."""
        if envelope.hint:
            return "a key signed it, and a certificate is asked for"
        digests = [one["digest"]["sha256"] for one in envelope.statement.get("subject") or ()]
        if not digests:
            return "it names no subject"
        with tempfile.TemporaryDirectory() as name:
            bundle = Path(name) / "bundle.json"
            bundle.write_bytes(envelope.bundle)
            args = [self.program, "verify-blob-attestation", "--bundle", str(bundle), *self._whose, *self.words]
            args += ["--type", str(envelope.statement.get("predicateType", ""))]
            args += ["--digest", str(digests[0]), "--digestAlg", "sha256"]
            try:
                done = process.run(args, env=self.environ, timeout=_TIMEOUT, check=False)
            except MissingProgramError as error:
                raise _missing() from error
        said = done.stderr.strip().splitlines()
        return "" if done.code == 0 else f"cosign refuses it: {said[-1] if said else 'without a word'}"

    @property
    def _whose(self) -> tuple[str, ...]:
        return ("--certificate-identity-regexp", self.identity, "--certificate-oidc-issuer", self.issuer)


def _missing() -> InfrastructureError:
    return InfrastructureError(
        "the program cosign is not installed, and matrix.yaml names it (publish: signing: tool)",
        hint="Install it (https://docs.sigstore.dev/cosign/system_config/installation/), or sign with a key.",
    )
