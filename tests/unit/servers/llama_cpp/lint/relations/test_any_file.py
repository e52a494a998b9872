"""Whatever stands in a file, the rules end without an exception and point at lines that are there."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.servers.llama_cpp.lint.check_dockerfile import check_dockerfile
from bakehouse.servers.llama_cpp.lint.known_options import load_knowledge
from tests.unit.servers.llama_cpp.lint.relations.test_relations import FILES
from tests.unit.servers.llama_cpp.lint.test_check_dockerfile import basis, pinned

LINES = sorted({line for path in FILES for line in path.read_text(encoding="utf-8").splitlines() if line})
ODD = st.text(alphabet=st.sampled_from("FROMCPYUNaz \\\"'${}[]=:;&|<>*/-\t."), max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(LINES), ODD), max_size=12))
def test_no_mixture_of_lines_is_too_much(lines: list[str]) -> None:
    text = "\n".join(lines)
    examined = check_dockerfile(
        text,
        file="Dockerfile",
        basis=basis(pinned(), load_knowledge()),
    )
    for one in examined.findings:
        assert one.where.line is not None
        assert 1 <= one.where.line <= len(text.splitlines())
