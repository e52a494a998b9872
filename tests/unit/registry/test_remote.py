"""A registry that fails: what is tried again, what is said, and what nobody is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from bakehouse.errors import ExitCode
from bakehouse.registry.connection import Connection, RegistryRequest, TransientRegistryError
from bakehouse.registry.content import MANIFEST, Manifest, artifact, blob_of
from bakehouse.registry.copying import copy
from bakehouse.registry.credentials import Credentials
from bakehouse.registry.remote import Remote
from bakehouse.registry.store import DeniedError, Placed, RegistryError, opener
from bakehouse.system.patience import Patience
from tests.doubles.images import layout_with, put_image
from tests.doubles.registry import FakeRegistry, serving
from tests.unit.registry.conftest import Client

LogIn = Callable[[FakeRegistry, str, str], None]
SECRET = "correct-horse"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_by_is_tried_again(
    registry: FakeRegistry, client: Client, pauses: list[float], status: int
) -> None:
    registry.fail("HEAD .*manifests", status=status, times=2)
    assert client(registry).resolve("nightly") is None
    assert pauses == [1.0, 2.0]


def test_it_waits_as_long_as_it_is_asked_to(registry: FakeRegistry, client: Client, pauses: list[float]) -> None:
    registry.fail("GET .*tags", status=429, retry_after="7")
    registry.fail("GET .*tags", status=429, retry_after=formatdate(time.time() + 3600, usegmt=True))
    assert client(registry).tags() == []
    assert pauses == [7.0, 30.0], "the longest pause is 30 s"


def test_a_registry_may_be_away_for_half_a_minute(registry: FakeRegistry, client: Client, pauses: list[float]) -> None:
    store = client(registry)
    store.tags()
    registry.fail("GET .*tags", drop=True, times=5)
    assert store.tags() == []
    assert sum(pauses) >= 30


def test_in_the_end_its_own_words_are_told(registry: FakeRegistry, client: Client, pauses: list[float]) -> None:
    registry.fail("GET .*tags", status=429, code="TOOMANYREQUESTS", times=99)
    with pytest.raises(TransientRegistryError, match=r"429 .*TOOMANYREQUESTS: toomanyrequests") as error:
        client(registry).tags()
    assert error.value.exit_code is ExitCode.INFRASTRUCTURE
    assert sum(pauses) <= 70


def test_a_name_that_nobody_answers_to_is_told_soon(client: Client, pauses: list[float]) -> None:
    with serving(FakeRegistry()) as gone:
        pass
    with pytest.raises(TransientRegistryError, match="does not answer"):
        client(gone).tags()
    assert pauses == [1.0, 2.0]


def test_a_name_that_does_not_resolve_is_told_at_once() -> None:
    connection = Connection("registry.invalid", credentials=Credentials(environ={}), patience=Patience(sleep=_never))
    connection._session.trust_env = False
    with pytest.raises(RegistryError, match=r"registry\.invalid cannot be reached|does not answer"):
        Remote(connection=connection, path="x").tags()


def _never(seconds: float) -> None:
    if seconds > 2:
        raise AssertionError("it waits for a name that does not exist")


@pytest.mark.parametrize("how", ["drop", "late"])
@pytest.mark.parametrize("what", ["POST .*uploads", "PUT .*uploads", "PUT .*manifests", "HEAD .*blobs"])
def test_a_broken_connection_anywhere_in_a_push(registry: FakeRegistry, client: Client, how: str, what: str) -> None:
    registry.fail(what, **{how: True})
    manifest = put_image(client(registry))
    assert client(registry).manifest(manifest.digest) == manifest


def test_an_answer_that_breaks_off_is_asked_for_again(registry: FakeRegistry, client: Client) -> None:
    store = client(registry)
    content = b"x" * 10_000
    blob = blob_of(content, "text/plain")
    store.put_blob(blob, opener(content))
    registry.fail("GET .*blobs", truncate=500)
    with store.open_blob(blob) as file:
        assert file.read() == content


@pytest.mark.parametrize("how", ["drop", "late"])
def test_a_large_upload_goes_on_where_it_broke(registry: FakeRegistry, client: Client, how: str) -> None:
    store = client(registry, chunk=1000)
    content = bytes(range(250)) * 20
    registry.fail("PATCH", after=2, **{how: True})
    assert store.put_blob(blob_of(content, "x/y"), opener(content)) is Placed.SENT
    assert len([line for line in registry.log if line.startswith("POST")]) == 1, "it did not begin anew"


def test_an_upload_that_was_forgotten_begins_anew(registry: FakeRegistry, client: Client) -> None:
    store = client(registry, chunk=1000)
    content = bytes(5000)
    registry.fail("PATCH", after=2, drop=True)
    registry.fail("GET .*uploads", status=404)
    assert store.put_blob(blob_of(content, "x/y"), opener(content)) is Placed.SENT


def test_the_registry_says_how_large_a_part_must_be(client: Client) -> None:
    with serving(FakeRegistry(chunk_least=3000)) as registry:
        content = bytes(7000)
        client(registry, chunk=1000).put_blob(blob_of(content, "x/y"), opener(content))
        assert len([line for line in registry.log if line.startswith("PATCH")]) == 3


def test_blobs_of_the_same_registry_are_mounted(registry: FakeRegistry, client: Client) -> None:
    source, target = client(registry, "me/x-staging"), client(registry, "me/x")
    manifest = put_image(source)
    placed = copy(manifest.digest, source=source, target=target)
    assert placed == {Placed.MOUNTED: 3}
    assert not any(line.startswith(("PUT /v2/me/x/blobs", "PATCH")) for line in registry.log)


def test_a_second_copy_writes_nothing(registry: FakeRegistry, client: Client, tmp_path: Path) -> None:
    source, manifest = layout_with(tmp_path / "l")
    copy(manifest.digest, source=source, target=client(registry), tag="v1")
    registry.log.clear()
    assert not copy(manifest.digest, source=source, target=client(registry), tag="v1")
    assert registry.writes == []


def test_what_comes_under_another_digest_is_refused(registry: FakeRegistry, client: Client) -> None:
    manifest = put_image(client(registry))
    registry.manifests["me/x"][manifest.digest] = (MANIFEST, b'{"schemaVersion":2}')
    with pytest.raises(RegistryError, match="came as sha256:"):
        client(registry).manifest(manifest.digest)


def test_a_full_registry_is_told_at_once(registry: FakeRegistry, client: Client, pauses: list[float]) -> None:
    registry.fail("POST .*uploads", status=500, code="UNKNOWN: write /data: no space left on device", times=99)
    with pytest.raises(RegistryError, match="no space left") as error:
        put_image(client(registry))
    assert error.value.hint is not None
    assert "--prune" in error.value.hint
    assert pauses == []


@pytest.mark.parametrize("bearer", [False, True])
def test_a_login_is_taken_from_dockers_configuration(client: Client, log_in: LogIn, bearer: bool) -> None:
    with serving(FakeRegistry(login=("me", SECRET), bearer=bearer)) as registry:
        log_in(registry, "me", SECRET)
        manifest = put_image(client(registry))
        assert client(registry).manifest(manifest.digest) == manifest
        assert SECRET not in "\n".join(registry.log)


def test_a_token_is_asked_for_both_repositories_of_a_mount(client: Client, log_in: LogIn) -> None:
    with serving(FakeRegistry(login=("me", SECRET), bearer=True)) as registry:
        log_in(registry, "me", SECRET)
        source = client(registry, "me/x-staging")
        copy(put_image(source).digest, source=source, target=client(registry, "me/x"))
        assert ["repository:me/x:pull,push", "repository:me/x-staging:pull"] in registry.scopes


def test_without_a_login_it_is_said_what_to_do(client: Client, pauses: list[float]) -> None:
    with serving(FakeRegistry(login=("me", SECRET))) as registry:
        with pytest.raises(DeniedError, match="asks for a login") as error:
            client(registry).tags()
        assert f"docker login {registry.host}" in str(error.value)
        assert pauses == []


@pytest.mark.parametrize("bearer", [False, True])
def test_a_wrong_password_is_told_and_not_shown(client: Client, log_in: LogIn, bearer: bool) -> None:
    with serving(FakeRegistry(login=("me", SECRET), bearer=bearer)) as registry:
        log_in(registry, "me", "wrong-" + SECRET)
        with pytest.raises(DeniedError, match=r"refuses GET .* to me, from .*config.json, with 401") as error:
            client(registry).tags()
        assert SECRET not in str(error.value)
        assert SECRET not in repr(error.value.__cause__)


def test_a_right_that_is_missing_is_told(registry: FakeRegistry, client: Client) -> None:
    registry.fail("PUT .*manifests", status=403, code="DENIED")
    with pytest.raises(DeniedError, match="403") as error:
        client(registry).put_manifest(Manifest.of({"schemaVersion": 2, "mediaType": MANIFEST}))
    assert "pull,push" in str(error.value)


def test_the_login_never_goes_to_another_host(client: Client, log_in: LogIn, registry: FakeRegistry) -> None:
    """An upload that is sent elsewhere: no Authorization goes there."""
    with serving(FakeRegistry(login=("me", SECRET))) as guarded:
        log_in(guarded, "me", SECRET)
        store = client(guarded)
        store.tags()
        elsewhere = RegistryRequest(method="GET", path=f"http://{registry.host}/v2/", repository="me/x")
        response = store.connection.once(elsewhere, ok=frozenset({200}))
        assert response.status_code == 200
        assert registry.headers_seen == [""]


def test_gitlabs_fallback_tag_is_no_list(client: Client) -> None:
    """GitLab's registry resolves sha256-HEX to the image itself."""
    with serving(FakeRegistry(referrers_api=False)) as registry:
        store = client(registry)
        manifest = put_image(store)
        store.put_manifest(manifest, tag=manifest.digest.replace(":", "-"))
        assert store.referrers(manifest.digest) == []


def test_other_writers_of_the_fallback_are_found_out(client: Client) -> None:
    with serving(FakeRegistry(referrers_api=False)) as registry:
        store = client(registry)
        manifest = put_image(store)
        attached = artifact(artifact_type="x/y", layers={}, subject=manifest.descriptor, annotations={})
        registry.blobs["me/x", "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"] = b"{}"

        def undo(double: FakeRegistry) -> None:
            double.tag_names["me/x"].pop(manifest.digest.replace(":", "-"), None)

        registry.watch = undo
        with pytest.raises(RegistryError, match="written by others at the same time"):
            store.put_manifest(attached)
