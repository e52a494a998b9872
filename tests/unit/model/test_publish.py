"""`publish:` of the matrix: what people may write there."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bakehouse.model.publish import Channel, GateRule, Publish


def test_all_of_it_may_be_left_out() -> None:
    policy = Publish()
    assert policy.repository is None
    assert list(policy.channels) == ["nightly", "stable"]
    assert policy.channels["nightly"].gates.probes is GateRule.REQUIRED


def test_gates_are_written_as_words() -> None:
    channel = Channel.model_validate({"gates": {"speed": "required"}})
    assert channel.gates.speed is GateRule.REQUIRED


@pytest.mark.parametrize(
    "given",
    [
        {"tag": "{version}-{date}"},
        {"tag": "{variant}"},
        {"tag": "{variant}-{date}-{host}"},
        {"tag": "{variant-{date}"},
        {"tag": "{variant}/{date}"},
        {"tag": "{variant!r}-{date}"},
        {"tag": "-{variant}-{date}"},
        {"repository": "ghcr.io/me/llama"},
        {"repository": "https://ghcr.io/me/{recipe}"},
        {"repository": "user:password@ghcr.io/me/{recipe}"},
        {"repository": "{recipe}"},
        {"repository": "ghcr.io/../{recipe}"},
        {"channels": {}},
        {"channels": {"Nightly": {}}},
        {"channels": {"nightly": {"gates": {"speed": "sometimes"}}}},
        {"channels": {"nightly": {"gates": {"smell": "required"}}}},
        {"retention": {"days": -1}},
        {"signing": {"private_key": "key.pem"}},
        {"signing": {"tool": "cosign"}},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Publish.model_validate(given)


@pytest.mark.parametrize("tag", ["{version}-{variant}-{date}", "v{version}-{variant}-{digest}", "{variant}.{date}"])
def test_patterns_of_tags(tag: str) -> None:
    assert Publish.model_validate({"tag": tag}).tag == tag


@pytest.mark.parametrize("name", ["ghcr.io/me/{recipe}", "localhost:5000/{recipe}", "r.example/a/b/x-{recipe}-y"])
def test_patterns_of_repositories(name: str) -> None:
    assert Publish.model_validate({"repository": name}).repository == name
