from __future__ import annotations

import base64
import hashlib
import json

import pytest

from bakehouse.errors import SupplyError
from bakehouse.supply.npm import Package, locate
from bakehouse.supply.web import new_session
from bakehouse.system.patience import Patience
from tests.unit.supply.conftest import WebServer

PATIENCE = Patience(connect=2.0, stall=2.0, pause=0.0)
HASH = hashlib.sha512(b"tarball").digest()


def find(web: WebServer, requirement: str, *, variable: str = "NPM_CONFIG_REGISTRY") -> Package:
    with new_session(patience=PATIENCE) as session:
        return locate(requirement, environ={variable: web.url("/npm/")}, session=session, patience=PATIENCE)


def listed(integrity: str) -> bytes:
    return json.dumps({"dist": {"tarball": "https://example.org/t.tgz", "integrity": integrity}}).encode()


@pytest.mark.parametrize("variable", ["NPM_CONFIG_REGISTRY", "npm_config_registry"])
def test_a_package_with_a_scope(web: WebServer, variable: str) -> None:
    web.put("/npm/@scope%2Fmodels/3.0.4", listed(f"sha1-xxx sha512-{base64.b64encode(HASH).decode()}"))

    found = find(web, "@scope/models@3.0.4", variable=variable)

    assert found == Package(url="https://example.org/t.tgz", sha512=HASH)


def test_a_version_that_is_not_there(web: WebServer) -> None:
    with pytest.raises(SupplyError, match="404"):
        find(web, "models@9.9.9")


@pytest.mark.parametrize("page", [b"<html>", b"{}", b'{"dist": []}', listed("sha1-xxx"), listed("sha512-?")])
def test_an_answer_without_a_hash_that_counts(web: WebServer, page: bytes) -> None:
    web.put("/npm/models/1.0.0", page)
    with pytest.raises(SupplyError, match="does not answer like an npm registry"):
        find(web, "models@1.0.0")
