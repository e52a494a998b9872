"""Proxies, indexes and certificates that builds are told of."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path

import certifi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.engine.network import (
    TOLD_OF_BUNDLE,
    ca_bundle,
    ca_fingerprints,
    index_settings,
    network_secrets,
    proxy_settings,
    render_snippet,
)
from bakehouse.system import process


def pem(content: bytes) -> str:
    body = base64.encodebytes(content).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


def sourced(snippet: Path, name: str) -> bytes:
    script = f'. "$1"; printf %s "${name}"'
    return os.fsencode(process.run(["sh", "-euc", script, "sh", str(snippet)], env={"PATH": os.environ["PATH"]}).stdout)


class TestSecrets:
    def test_without_proxies_and_bundle_there_is_an_empty_snippet(self, tmp_path: Path) -> None:
        secrets = network_secrets({}, cache=tmp_path / "cache", root=tmp_path)
        assert [secret.id for secret in secrets] == ["network"]
        assert "export http" not in Path(secrets[0].path).read_text()

    def test_only_we_can_read_the_snippet_since_a_proxy_may_have_a_password(self, tmp_path: Path) -> None:
        environ = {"https_proxy": "http://me:secret@proxy:3128"}
        for _ in range(2):
            (secret,) = network_secrets(environ, cache=tmp_path, root=tmp_path)
            assert stat.S_IMODE(Path(secret.path).stat().st_mode) == 0o600
        assert sourced(Path(secret.path), "HTTPS_PROXY") == b"http://me:secret@proxy:3128"
        assert [path.name for path in (tmp_path / "network").iterdir()] == ["environment.sh"]

    def test_the_bundle_is_a_secret_of_its_own(self, tmp_path: Path) -> None:
        bundle = tmp_path / "corporate.pem"
        bundle.write_text("x")
        secrets = network_secrets({"SSL_CERT_FILE": str(bundle)}, cache=tmp_path, root=tmp_path)
        assert {secret.id: secret.path for secret in secrets}["ca-bundle"] == str(bundle)


class TestBundle:
    def test_what_people_name_comes_before_what_the_distribution_has(self, tmp_path: Path) -> None:
        named, usual = tmp_path / "named.pem", tmp_path / "etc/ssl/certs/ca-certificates.crt"
        usual.parent.mkdir(parents=True)
        usual.write_text("x")
        assert ca_bundle({}, root=tmp_path) == usual
        assert ca_bundle({"PIP_CERT": str(named)}, root=tmp_path) == usual
        named.write_text("x")
        assert ca_bundle({"PIP_CERT": str(named)}, root=tmp_path) == named

    def test_there_may_be_none(self, tmp_path: Path) -> None:
        assert ca_bundle({"SSL_CERT_FILE": ""}, root=tmp_path) is None

    def test_programs_are_told_only_where_the_step_has_the_secret(self, tmp_path: Path) -> None:
        snippet, there = tmp_path / "snippet", tmp_path / "there"
        here = render_snippet({}).replace("/run/secrets/ca-bundle", str(there))
        snippet.write_text(here)
        with pytest.raises(process.ProgramError):
            sourced(snippet, "SSL_CERT_FILE")
        there.touch()
        for name in TOLD_OF_BUNDLE:
            assert sourced(snippet, name) == str(there).encode()


class TestSnippet:
    @settings(max_examples=25, deadline=None)
    @given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
    def test_any_value_comes_back_as_it_is(self, value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.getbasetemp()
        (secret,) = network_secrets({"http_proxy": value or "x"}, cache=folder, root=folder)
        assert sourced(Path(secret.path), "http_proxy") == (value or "x").encode()

    def test_bytes_that_are_no_text_come_back_too(self, tmp_path: Path) -> None:
        (secret,) = network_secrets({"no_proxy": os.fsdecode(b"caf\xe9")}, cache=tmp_path, root=tmp_path)
        assert b"caf\xe9" in Path(secret.path).read_bytes()


class TestSettings:
    def test_proxies_are_given_in_both_cases_whichever_was_set(self) -> None:
        assert proxy_settings({"HTTPS_PROXY": "http://p:1", "no_proxy": "localhost"}) == {
            "https_proxy": "http://p:1",
            "HTTPS_PROXY": "http://p:1",
            "no_proxy": "localhost",
            "NO_PROXY": "localhost",
        }

    def test_an_empty_proxy_is_none(self) -> None:
        assert proxy_settings({"http_proxy": ""}) == {}

    def test_indexes_come_from_the_environment(self, tmp_path: Path) -> None:
        environ = {"PIP_INDEX_URL": "https://mirror/simple", "UV_INDEX": "corp=https://corp/simple"}
        assert index_settings(environ, root=tmp_path) == environ

    def test_an_index_that_is_a_folder_of_this_machine_is_left_out(self, tmp_path: Path) -> None:
        environ = {"PIP_EXTRA_INDEX_URL": "file:///srv/wheels https://mirror/simple", "PIP_INDEX_URL": "/srv/simple"}
        assert index_settings(environ, root=tmp_path) == {"PIP_EXTRA_INDEX_URL": "https://mirror/simple"}

    def test_indexes_come_from_pips_files_the_users_before_the_machines(self, tmp_path: Path) -> None:
        machine, user = tmp_path / "etc/pip.conf", tmp_path / "home/.config/pip/pip.conf"
        for path, text in (
            (
                machine,
                "[global]\nindex-url = https://machine/simple\nextra-index-url =\n  https://a/s\n  https://b/s\n",
            ),
            (user, "[global]\nindex-url = https://user/simple?a=%41\n"),
        ):
            path.parent.mkdir(parents=True)
            path.write_text(text)
        assert index_settings({"HOME": str(tmp_path / "home")}, root=tmp_path) == {
            "PIP_INDEX_URL": "https://user/simple?a=%41",
            "PIP_EXTRA_INDEX_URL": "https://a/s https://b/s",
        }
        assert index_settings({"PIP_INDEX_URL": "https://env/s"}, root=tmp_path)["PIP_INDEX_URL"] == "https://env/s"

    def test_a_broken_pip_file_is_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "pip.conf").write_text("no section\n")
        assert index_settings({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}, root=tmp_path) == {}


class TestFingerprints:
    def test_only_certificates_that_are_not_public_count(self, tmp_path: Path) -> None:
        bundle = tmp_path / "bundle.pem"
        bundle.write_text(Path(certifi.where()).read_text() + pem(b"the proxy's") + pem(b"the distribution's"))
        public = tmp_path / "usr/share/ca-certificates/mozilla/one.crt"
        public.parent.mkdir(parents=True)
        public.write_text(pem(b"the distribution's"))
        assert ca_fingerprints(bundle, root=tmp_path) == {hashlib.sha256(b"the proxy's").hexdigest()}

    def test_what_is_no_certificate_is_passed_over(self, tmp_path: Path) -> None:
        bundle = tmp_path / "bundle.pem"
        bundle.write_text("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n")
        assert ca_fingerprints(bundle, root=tmp_path) == set()
        assert ca_fingerprints(tmp_path / "none", root=tmp_path) == set()
