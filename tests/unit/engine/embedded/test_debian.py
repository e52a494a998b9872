"""Reading os-release and both formats of apt's sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.engine.embedded.debian import AptSource, parse_lines, parse_stanzas, read_distribution, read_sources

WORD = st.text(st.sampled_from("abcxyz0189.-+~"), min_size=1, max_size=12)
WORDS = st.lists(WORD, min_size=1, max_size=3).map(tuple)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class TestDistribution:
    @pytest.mark.parametrize("place", ["etc/os-release", "usr/lib/os-release"])
    def test_reads_a_release(self, tmp_path: Path, place: str) -> None:
        write(
            tmp_path / place,
            '# c\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n',
        )
        found = read_distribution(tmp_path)
        assert (found.id, found.major, found.codename, found.title) == ("ubuntu", 24, "noble", "Ubuntu 24.04.1 LTS")

    def test_testing_has_no_number(self, tmp_path: Path) -> None:
        write(tmp_path / "etc/os-release", "ID=debian\nVERSION_CODENAME=forky\n")
        assert read_distribution(tmp_path).major is None

    def test_a_system_that_says_nothing_is_unknown(self, tmp_path: Path) -> None:
        assert read_distribution(tmp_path).id == ""


class TestLines:
    def test_a_line_with_options(self) -> None:
        (source,) = parse_lines(
            "deb [ arch=amd64,arm64 signed-by=/k.gpg trusted=yes ] http://m/debian bookworm main contrib # note\n"
        )
        assert source.suites == ("bookworm",)
        assert source.components == ("main", "contrib")
        assert source.options == (("Architectures", "amd64 arm64"), ("signed-by", "/k.gpg"), ("trusted", "yes"))

    def test_comments_and_nonsense_are_left_out(self) -> None:
        assert parse_lines("# deb http://m bookworm main\n\nnonsense\n") == []

    def test_a_line_reads_the_same_once_it_is_a_stanza(self) -> None:
        (line,) = parse_lines("deb [trusted=yes] http://m/debian bookworm main\n")
        assert parse_stanzas(line.render()) == [line]


class TestStanzas:
    def test_several_stanzas_with_comments_and_an_inline_key(self) -> None:
        first, second = parse_stanzas(
            "# head\nTypes: deb deb-src\nURIs: http://m/debian\n# between\nSuites: bookworm bookworm-updates\n"
            "Components: main\nSigned-By:\n -----BEGIN PGP-----\n .\n abc\n\n\n"
            "Types: deb\nURIs: http://s\nSuites: bookworm-security\nComponents: main\n"
        )
        assert first.types == ("deb", "deb-src")
        assert first.options == (("Signed-By", "\n -----BEGIN PGP-----\n .\n abc"),)
        assert second.uris == ("http://s",)
        assert parse_stanzas(first.render()) == [first]

    def test_a_disabled_stanza_is_left_out(self) -> None:
        assert parse_stanzas("Types: deb\nURIs: http://m\nSuites: x\nComponents: main\nEnabled: no\n") == []

    @given(st.lists(st.builds(AptSource, types=WORDS, uris=WORDS, suites=WORDS, components=WORDS), max_size=3))
    def test_what_is_rendered_reads_back(self, sources: list[AptSource]) -> None:
        assert parse_stanzas("\n".join(source.render() for source in sources)) == sources


def test_all_files_are_read_and_disabled_ones_are_not(tmp_path: Path) -> None:
    apt = tmp_path / "etc/apt"
    write(apt / "sources.list", "deb http://one bookworm main\n")
    write(apt / "sources.list.d/two.sources", "Types: deb\nURIs: http://two\nSuites: bookworm\nComponents: main\n")
    write(apt / "sources.list.d/three.list", "deb http://three bookworm main\n")
    write(apt / "sources.list.d/four.list.save", "deb http://four bookworm main\n")
    assert [source.uris for source in read_sources(tmp_path)] == [("http://one",), ("http://three",), ("http://two",)]


def test_another_release_of_the_same_place() -> None:
    (source,) = parse_lines("deb [trusted=yes] http://m bookworm-updates main contrib\n")
    newer = source.of_suite("bookworm", "trixie")
    assert (newer.suites, newer.components, newer.options) == (("trixie-updates",), ("main",), source.options)
