from __future__ import annotations

import pytest

from bakehouse.errors import InputError
from bakehouse.model.publish import Publish
from bakehouse.publish.destination import destination

POLICY = Publish.model_validate({"repository": "ghcr.io/me/{recipe}"})


def test_by_the_policy() -> None:
    found = destination("toy", policy=POLICY, to=None, local=None, recipes=["toy", "other"])
    assert str(found.target) == "ghcr.io/me/toy"
    assert str(found.staging) == "ghcr.io/me/toy-staging"


def test_staging_of_its_own() -> None:
    policy = Publish.model_validate({"repository": "ghcr.io/me/{recipe}", "staging": "r.example/wait/{recipe}"})
    found = destination("toy", policy=policy, to=None, local=None, recipes=["toy"])
    assert str(found.staging) == "r.example/wait/toy"


def test_without_a_policy_it_is_this_machine() -> None:
    found = destination("toy", policy=Publish(), to=None, local="127.0.0.1:5055", recipes=["toy"])
    assert str(found.target) == "127.0.0.1:5055/toy"


def test_a_folder_needs_no_staging() -> None:
    found = destination("toy", policy=POLICY, to="oci:out/{recipe}", local=None, recipes=["toy", "other"])
    assert str(found.target) == "oci:out/toy"
    assert found.staging is None


def test_one_place_for_several_recipes_is_refused() -> None:
    with pytest.raises(InputError, match="is one place") as error:
        destination("toy", policy=POLICY, to="ghcr.io/you/x", local=None, recipes=["toy", "other"])
    assert "{recipe}" in str(error.value)


def test_a_tag_is_no_repository() -> None:
    with pytest.raises(InputError, match="has a tag or a digest"):
        destination("toy", policy=POLICY, to="ghcr.io/you/x:nightly", local=None, recipes=["toy"])
