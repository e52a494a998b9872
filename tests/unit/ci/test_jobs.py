from __future__ import annotations

import json

from bakehouse.ci.jobs import for_github, for_programs, jobs
from bakehouse.planning.shards import Shard
from tests.unit.ci.settings import NOTHING

SHARDS = [Shard(cells=("a", "b"), seconds=900.4), Shard(cells=("c",), seconds=60)]


def test_a_card_tests_what_it_runs_and_the_rest_is_told() -> None:
    found = jobs(SHARDS, {"cpu": ["x"], "rtx5090": ["y", "z"], "gb10": ["z"]}, {"cpu": ["a"], "rtx5090": ["a", "c"]})
    assert [(job.card, job.cells) for job in found.test] == [("cpu", ("a",)), ("rtx5090", ("a", "c"))]
    assert [job.name for job in found.build] == ["1 of 2", "2 of 2"]
    assert found.untested == ("b",)
    assert for_programs(found)["build"][0] == {"name": "1 of 2", "cells": ["a", "b"], "seconds": 900}


def test_outputs_are_one_line_each_of_json() -> None:
    build, test = for_github(jobs(SHARDS, {"cpu": ["x"]}, {"cpu": ["a"]})).splitlines()
    assert json.loads(build.removeprefix("build="))[0] == {"name": "1 of 2", "cells": "a b"}
    assert json.loads(test.removeprefix("test=")) == [{"card": "cpu", "labels": ["x"], "cells": "a"}]
    assert for_github(NOTHING) == "build=[]\ntest=[]\n"
