import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove import secrets
from bakehouse.prove.expect import Forbidden
from bakehouse.prove.secrets import check_secrets
from tests.unit.prove.builders import PROMISE, Item, bake, file, promise, removed

CERTIFICATE = bytes(range(200))


def pem(label: str, body: bytes = CERTIFICATE, *, header: str = "") -> bytes:
    text = base64.encodebytes(body).decode()
    return f"-----BEGIN {label}-----\n{header}{text}-----END {label}-----\n".encode()


HUNTER = Forbidden(what="the login", text=b"hunter2")
HOST_CA = promise(forbidden_certificates=frozenset({hashlib.sha256(CERTIFICATE).hexdigest()}))


def test_a_secret_that_a_later_layer_deletes_is_still_there(tmp_path: Path) -> None:
    key = file("/root/.ssh/id_ed25519", b"text before\n" + pem("OPENSSH PRIVATE KEY"), mode=0o600)
    image = bake(tmp_path, then=[[key], [removed("/root/.ssh/id_ed25519")]])
    check = check_secrets(image, PROMISE)

    assert image.tree.get("/root/.ssh/id_ed25519") is None
    assert check.message == (
        "/root/.ssh/id_ed25519 (in layer 2, deleted or replaced later) holds a private key (OPENSSH PRIVATE KEY)"
    )


def test_the_hosts_certificate_among_others_is_found(tmp_path: Path) -> None:
    bundle = pem("CERTIFICATE", b"another" * 9) + pem("CERTIFICATE") + pem("CERTIFICATE", b"third" * 9)
    image = bake(tmp_path, add=[file("/etc/ssl/certs/ca-certificates.crt", bundle)])

    assert check_secrets(image, PROMISE).verdict is Verdict.PASSED
    check = check_secrets(image, HOST_CA)
    assert check.message == "/etc/ssl/certs/ca-certificates.crt holds a certificate of the build machine's network"


def test_programs_that_only_speak_of_keys_are_fine(tmp_path: Path) -> None:
    words = b"\0-----BEGIN PRIVATE KEY-----\0-----END PRIVATE KEY-----\0-----BEGIN RSA PRIVATE KEY-----\n%s\n"

    assert check_secrets(bake(tmp_path, add=[file("/usr/lib/libssl.so", words)]), PROMISE).verdict is Verdict.PASSED


SITE = "/app/env/lib/python3.13/site-packages"
LIBRARY = b"\x7fELF" + pem("PRIVATE KEY")
"""GnuTLS tests itself with such keys; wheels and Debian 12's smallest image have it."""


def of_wheel(content: bytes, path: str = "gnutls.libs/libgnutls.so") -> Item:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    lines = f"{path},sha256={digest},{len(content)}\ngnutls-1.dist-info/RECORD,,\n"
    return file(f"{SITE}/gnutls-1.dist-info/RECORD", lines.encode())


def of_debian(content: bytes) -> Item:
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return file("/var/lib/dpkg/info/libgnutls30.md5sums", f"{digest}  usr/lib/libgnutls.so.30\n".encode())


@pytest.mark.parametrize(
    ("place", "listed"),
    [
        (f"{SITE}/gnutls.libs/libgnutls.so", of_wheel),
        ("/usr/lib/libgnutls.so.30", of_debian),
        ("/lib/libgnutls.so.30", of_debian),
    ],
)
def test_a_key_inside_a_library_that_is_as_it_was_published(
    tmp_path: Path, place: str, listed: Callable[[bytes], Item]
) -> None:
    def verdict(*items: Item) -> Verdict:
        return check_secrets(bake(tmp_path, add=list(items)), promise(foreign=("/app/env/*",))).verdict

    assert verdict(file(place, LIBRARY), listed(LIBRARY)) is Verdict.PASSED
    assert verdict(file(place, LIBRARY)) is Verdict.FAILED, "no list names it"
    assert verdict(file(place, LIBRARY + b"x"), listed(LIBRARY)) is Verdict.FAILED, "it was changed since"
    assert verdict(file(f"{place}.1", LIBRARY), listed(LIBRARY)) is Verdict.FAILED, "another file"


def test_a_key_in_a_file_of_its_own_is_none_of_a_library(tmp_path: Path) -> None:
    key = pem("PRIVATE KEY")
    parts = [file(f"{SITE}/server/test.key", key), of_wheel(key, "server/test.key")]

    assert "test.key holds a private key" in check_secrets(bake(tmp_path, add=parts), PROMISE).message


def test_a_replaced_library_of_a_lower_layer_is_known_by_its_own_list(tmp_path: Path) -> None:
    newer = LIBRARY + b"newer"
    place = "/usr/lib/libgnutls.so.30"
    layers = [[file(place, LIBRARY), of_debian(LIBRARY)], [file(place, newer), of_debian(newer)]]

    assert check_secrets(bake(tmp_path, then=layers), PROMISE).verdict is Verdict.PASSED


def test_a_published_image_is_its_makers(tmp_path: Path) -> None:
    image = bake(tmp_path, add=[file("/usr/bin/agent", LIBRARY)])

    assert check_secrets(image, promise(starts_published=True)).verdict is Verdict.PASSED
    assert check_secrets(image, PROMISE).verdict is Verdict.FAILED


def test_an_encrypted_key_with_headers_is_a_key(tmp_path: Path) -> None:
    key = pem("RSA PRIVATE KEY", header="Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n")

    assert "holds a private key" in check_secrets(bake(tmp_path, add=[file("/key", key)]), PROMISE).message


@pytest.mark.parametrize(
    ("path", "content", "what"),
    [
        ("/run/secrets/ca", b"anything", "is a build secret that was kept"),
        ("/root/.netrc", b"machine x login y password z", "holds credentials"),
        ("/root/.pypirc", b"[pypi]\npassword = pypi-x", "holds credentials"),
        ("/app/.npmrc", b"//r/:_authToken=npm_x", "holds credentials"),
        ("/root/.docker/config.json", b'{"auths": {"r": {"auth": "eDp5"}}}', "holds credentials"),
        ("/opt/x.conf", b"proxy=" + b"x" * 70000 + b"hunter2", "holds the login"),
    ],
)
def test_files_with_secrets_are_named_without_the_secret(tmp_path: Path, path: str, content: bytes, what: str) -> None:
    check = check_secrets(bake(tmp_path, add=[file(path, content)]), promise(forbidden=(HUNTER,)))

    assert check.message == f"{path} {what}"
    assert "hunter2" not in check.model_dump_json()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/run/secrets/ca", b""),
        ("/root/.npmrc", b"registry=https://registry.example/"),
        ("/root/.docker/config.json", b'{"auths": {}}'),
    ],
)
def test_harmless_files_of_the_same_name_are_fine(tmp_path: Path, path: str, content: bytes) -> None:
    assert check_secrets(bake(tmp_path, add=[file(path, content)]), PROMISE).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Env": ["HTTPS_PROXY=http://proxy:3128"]}, "the setting Env of the image names a proxy (HTTPS_PROXY)"),
        ({"Env": ["INDEX=https://me:pw@index/"]}, "the setting Env of the image holds an address with a password"),
        ({"Labels": {"note": "hunter2"}}, "the setting Labels of the image holds the login"),
    ],
)
def test_the_configuration_is_read_too(tmp_path: Path, config: dict[str, Any], message: str) -> None:
    check = check_secrets(bake(tmp_path, config=config), promise(forbidden=(HUNTER,)))

    assert check.message == message


def test_the_history_is_read_too(tmp_path: Path) -> None:
    image = bake(tmp_path)
    image.document["history"].append({"created_by": "|1 http_proxy=http://p RUN x", "empty_layer": True})

    assert check_secrets(image, PROMISE).message == "step 3 of the history of the image names a proxy (http_proxy)"


@pytest.mark.parametrize(
    ("text", "content", "is_found"),
    [
        (b"gpu-box-01", b"built on gpu-box-01.", True),
        (b"gpu-box-01", b"gpu-box-01", True),
        (b"gpu-box-01", b"built on gpu-box-012", False),
        (b"gpu-box-01", b"my-gpu-box-01", False),
        (b"/home/anna", b"RPATH\x1e/home/anna/src", True),
        (b"/home/anna", b"/home/annabel", False),
        (b"/home/anna", b"/mnt/home/anna", True),
    ],
)
def test_names_and_paths_count_as_whole_words(tmp_path: Path, text: bytes, content: bytes, is_found: bool) -> None:
    name = Forbidden(what="its name", text=text, is_word=True)
    image = bake(tmp_path, add=[file("/a", b"gpu-box-0"), file("/opt/x", content), file("/z", b"1/home/annabel")])
    check = check_secrets(image, promise(forbidden=(name,)))

    assert check.message == "/opt/x holds its name" if is_found else check.verdict is Verdict.PASSED


def test_a_text_over_the_edge_of_two_pieces_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_PIECE", 64)
    for shift in range(64):
        folder = tmp_path / str(shift)
        folder.mkdir()
        image = bake(folder, add=[file("/opt/x", b"x" * shift + b"hunter2" + b"y" * 100)])
        assert check_secrets(image, promise(forbidden=(HUNTER,))).message == "/opt/x holds the login"
