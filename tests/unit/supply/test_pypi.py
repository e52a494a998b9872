from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bakehouse.errors import SupplyError
from bakehouse.supply.pypi import Distribution, indexes, locate
from bakehouse.supply.web import new_session
from bakehouse.system.patience import Patience
from tests.unit.supply.conftest import Index, Page, WebServer

PATIENCE = Patience(connect=2.0, stall=2.0, pause=0.0)


def find(requirement: str, environ: dict[str, str], *, file: str | None = None) -> Distribution:
    with new_session(retries=2, patience=PATIENCE) as session:
        return locate(requirement, environ=environ, session=session, patience=PATIENCE, file=file)


@pytest.mark.parametrize("html", [False, True])
def test_a_pure_wheel_is_preferred(web: WebServer, html: bool) -> None:
    index = Index(web, html=html)
    index.add("some-model", "some_model-0.1.2.tar.gz", b"sdist")
    index.add("some-model", "some_model-0.1.2-py3-none-any.whl", b"wheel")
    index.add("some-model", "some_model-0.1.3-py3-none-any.whl", b"newer")
    found = find("some_model==0.1.2", index.environ)
    assert found.file == "some_model-0.1.2-py3-none-any.whl"
    assert found.url == web.url("/files/some_model-0.1.2-py3-none-any.whl")
    assert found.sha256 == hashlib.sha256(b"wheel").hexdigest()


def test_wheels_for_one_platform_are_passed_over_for_the_sdist(index: Index) -> None:
    index.add("engine", "engine-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", b"wheel")
    index.add("engine", "engine-1.0.tar.gz", b"sdist")
    assert find("engine==1.0", index.environ).file == "engine-1.0.tar.gz"


def test_a_pinned_file_is_taken_even_when_another_would_be_preferred(index: Index) -> None:
    index.add("engine", "engine-1.0-py3-none-any.whl", b"wheel")
    index.add("engine", "engine-1.0.tar.gz", b"sdist")
    assert find("engine==1.0", index.environ, file="engine-1.0.tar.gz").file == "engine-1.0.tar.gz"


def test_versions_are_compared_as_versions(index: Index) -> None:
    index.add("engine", "engine-1.0.0.tar.gz", b"sdist")
    assert find("engine==1.0", index.environ).file == "engine-1.0.0.tar.gz"


def test_the_next_index_is_asked(web: WebServer) -> None:
    second = Index(web, root="/second")
    second.add("engine", "engine-1.0.tar.gz", b"sdist")
    environ = {
        "PIP_INDEX_URL": web.url("/first"),
        "PIP_EXTRA_INDEX_URL": web.url("/second/"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    assert find("engine==1.0", environ).file == "engine-1.0.tar.gz"


def test_what_there_is_instead_is_said(index: Index) -> None:
    index.add("engine", "engine-1.0-cp311-cp311-win_amd64.whl", b"wheel")
    with pytest.raises(SupplyError, match=r"has engine-1\.0-cp311-cp311-win_amd64\.whl, but no pure wheel or sdist"):
        find("engine==1.0", index.environ)
    with pytest.raises(SupplyError, match="has nothing of that version"):
        find("engine==2.0", index.environ)
    with pytest.raises(SupplyError, match=r"no file for none==1: http://127\.0\.0\.1:\d+/simple has no none"):
        find("none==1", index.environ)


def test_an_index_that_is_none_is_said(web: WebServer) -> None:
    web.put("/simple/engine/", Page(body=b"\x89PNG", kind="image/png"))
    with pytest.raises(SupplyError, match="does not answer like a package index"):
        find("engine==1.0", Index(web).environ)


def test_a_hiccup_of_the_index_is_waited_out(index: Index) -> None:
    index.add("engine", "engine-1.0.tar.gz", b"sdist")
    index.web.pages["/simple/engine/"].statuses = [500, 503]
    assert find("engine==1.0", index.environ).file == "engine-1.0.tar.gz"


def test_an_index_that_stays_broken_is_named_without_its_credentials(index: Index) -> None:
    index.add("engine", "engine-1.0.tar.gz", b"sdist")
    index.web.pages["/simple/engine/"].statuses = [500] * 5
    environ = {"PIP_INDEX_URL": index.web.url("/simple", user="me:secret@"), "PIP_CONFIG_FILE": os.devnull}
    with pytest.raises(SupplyError, match="status 500") as caught:
        find("engine==1.0", environ)
    assert "secret" not in str(caught.value)


def test_a_closed_network_is_one_clause() -> None:
    environ = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_CONFIG_FILE": os.devnull}
    with pytest.raises(SupplyError, match=r"^no file for engine==1\.0: 127\.0\.0\.1 cannot be reached: .*refused$"):
        find("engine==1.0", environ)


def test_pip_settings_come_from_its_files_and_variables(tmp_path: Path) -> None:
    (tmp_path / ".config/pip").mkdir(parents=True)
    (tmp_path / ".config/pip/pip.conf").write_text(
        "[global]\nindex-url = https://files.example/simple\nextra-index-url =\n  https://more.example/simple\n"
        "  file:///srv/simple\n"
    )
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "none")}
    assert indexes(environ) == ("https://files.example/simple", "https://more.example/simple")
    assert indexes(environ | {"PIP_INDEX_URL": "https://env.example/"})[0] == "https://env.example/"
    assert indexes(environ | {"PIP_CONFIG_FILE": os.devnull}) == ("https://pypi.org/simple",)


def test_the_named_file_wins_and_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    home = tmp_path / ".config/pip"
    home.mkdir(parents=True)
    (home / "pip.conf").write_text("no section\n")
    (tmp_path / "named.conf").write_text("[install]\nindex-url = https://named.example/simple\n")
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "named.conf")}
    assert indexes(environ)[0] == "https://named.example/simple"
