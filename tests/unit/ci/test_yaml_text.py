from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.ci.yaml_text import dump

texts = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=30)
values = st.recursive(
    st.one_of(texts, st.booleans(), st.integers(-9, 9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=10,
)


def test_words_of_ci_systems_stay_words() -> None:
    assert dump({"on": {"a": "no", "b": True, "c": "true", "d": "1.10", "e": "x\ny\n"}}) == (
        "on:\n  a: no\n  b: true\n  c: 'true'\n  d: '1.10'\n  e: |\n    x\n    y\n"
    )


class _Yaml12(yaml.SafeLoader):
    """Only `true` and `false` are truth values, as in YAML 1.2, which CI systems read."""


_Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tf"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_written_is_read(value: dict[str, Any]) -> None:
    assert yaml.load(dump(value), Loader=_Yaml12) == value
