"""cosign signs without a key, as in a job of GitHub: by a certificate of its workflow's identity.

cosign and the registry are real. A double gives GitHub's tokens and Fulcio's certificates; there is no log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bakehouse.publish.cosign import CosignSigner, CosignVerifier
from bakehouse.publish.plan import Outcome
from bakehouse.publish.verify import verify
from tests.doubles.fulcio import ISSUER, Fulcio, pem, serving
from tests.registry.conftest import RealWorld, Tool
from tests.unit.publish.conftest import signer

WORKFLOW = "https://github.com/me/images/.github/workflows/bakehouse-nightly.yml@refs/heads/main"
OURS, OTHERS = "^https://github.com/me/images/", "^https://github.com/others/"
_WITHOUT_LOG = ("--insecure-ignore-tlog", "--insecure-ignore-sct")


class Keyless:
    """A job of a workflow, and who knows its identity."""

    def __init__(self, fulcio: Fulcio, run: Tool, folder: Path) -> None:
        self._fulcio, self._folder = fulcio, folder
        self.program = run("version").args[0]
        (folder / "ca.pem").write_text(pem(fulcio.root()))
        none = [f"--no-default-{name}" for name in ("fulcio", "rekor", "tsa")]
        root = f"--fulcio=url={fulcio.url},certificate-chain={folder / 'ca.pem'}"
        run("trusted-root", "create", root, *none, "--no-default-ctfe", "--out", str(folder / "root.json"))
        service = f"url={fulcio.url},api-version=1,start-time=2024-01-01T00:00:00Z,operator=tests"
        asked = (f"--fulcio={service}", f"--oidc-provider={service}", *none, "--no-default-oidc")
        run("signing-config", "create", *asked, "--out", str(folder / "signing.json"))
        self.root = ("--trusted-root", str(folder / "root.json"))

    def signer(self) -> CosignSigner:
        words = ("--signing-config", str(self._folder / "signing.json"), *self.root)
        return CosignSigner(environ=self._environ | self._fulcio.environ, words=words, program=self.program)

    def verifier(self, identity: str, *, issuer: str = ISSUER) -> CosignVerifier:
        return CosignVerifier(
            environ=self._environ,
            identity=identity,
            issuer=issuer,
            words=(*self.root, *_WITHOUT_LOG),
            program=self.program,
        )

    @property
    def _environ(self) -> dict[str, str]:
        return {"HOME": str(self._folder), "PATH": os.environ["PATH"]}


@pytest.fixture
def fulcio() -> Iterator[Fulcio]:
    with serving(Fulcio(workflow=WORKFLOW)) as found:
        yield found


@pytest.fixture
def keyless(fulcio: Fulcio, tool: Callable[[str], Tool], tmp_path: Path) -> Keyless:
    return Keyless(fulcio, tool("cosign"), tmp_path)


def test_a_workflow_signs_and_is_believed_by_its_identity(
    real_world: RealWorld, keyless: Keyless, fulcio: Fulcio, tool: Callable[[str], Tool]
) -> None:
    world, ours = real_world, keyless.verifier(OURS)
    planned = world.publish(world.run(world.cell()), signer=keyless.signer(), key=ours)
    assert planned.plan.outcome is Outcome.MOVES
    assert {path.partition("?")[0] for path in fulcio.asked} == {"/token", "/api/v2/signingCert"}
    target, _ = world.stores()
    found = verify(target, "nightly-cpu", name="x", key=ours)
    assert found.problems == ()
    assert found.key == f"{OURS}, vouched for by {ISSUER}"
    again = world.publish(world.run(world.cell()), signer=keyless.signer(), key=ours)
    assert again.plan.steps == (), "each signature has another key, and nothing is said twice"

    words = ("--certificate-oidc-issuer", ISSUER, *keyless.root, *_WITHOUT_LOG, "--allow-http-registry")
    image = f"{world.reference}@{planned.plan.index.digest}"
    for identity, code in ((OURS, 0), (OTHERS, 1)):
        done = tool("cosign")("verify", "--certificate-identity-regexp", identity, *words, image, check=False)
        assert done.code == code, done.stderr


def test_another_workflow_another_issuer_and_a_key_are_not_believed(real_world: RealWorld, keyless: Keyless) -> None:
    world = real_world
    world.publish(world.run(world.cell()), signer=keyless.signer(), key=keyless.verifier(OURS))
    target, _ = world.stores()
    for key in (keyless.verifier(OTHERS), keyless.verifier(OURS, issuer="https://gitlab.com")):
        problems = verify(target, "nightly-cpu", name="x", key=key).problems
        assert "it is not signed" in problems
        assert any("cosign refuses it" in one for one in problems)
    assert "it is not signed" in verify(target, "nightly-cpu", name="x", key=signer().public).problems
