"""Settings of small and of large projects."""

from __future__ import annotations

from bakehouse.ci.jobs import BuildJob, Jobs, TestJob
from bakehouse.ci.settings import Settings
from bakehouse.model.ci import Automation

PLAIN = Settings(ci=Automation(install="bakehouse==1.2.0"), registry=None, keyless=False)
WHOLE = Settings(
    ci=Automation(
        schedule="5 1 * * 1-5",
        branch="release/1.x",
        install="bakehouse==1.2.0",
        builder=("ubuntu-latest",),
        checker=("ubuntu-22.04",),
        runners={"cpu": ("ubuntu-latest",), "rtx5090": ("self-hosted", "gpu", "rtx5090")},
        cache="ghcr.io/me/cache",
        update=True,
        minutes=90,
    ),
    registry="ghcr.io",
    keyless=True,
)
OTHER = Settings(ci=Automation(install="bakehouse==1.2.0"), registry="registry.example.org", keyless=False)
"""A registry that is not the CI system's own, and a key that signs."""
KEPT = {"plain": PLAIN, "other": OTHER, "whole": WHOLE}
JOBS = Jobs(
    build=(
        BuildJob(name="1 of 2", cells=("server-cpu-amd64",), seconds=300),
        BuildJob(name="2 of 2", cells=("server-cuda12.9-sm120-amd64", "server-cuda12.9-sm86-amd64"), seconds=900),
    ),
    test=(
        TestJob(card="cpu", labels=("ubuntu-latest",), cells=("server-cpu-amd64",)),
        TestJob(card="rtx5090", labels=("self-hosted", "rtx5090"), cells=("server-cuda12.9-sm120-amd64",)),
    ),
    untested=("server-cuda12.9-sm86-amd64",),
)
NOTHING = Jobs(build=(), test=(), untested=())
