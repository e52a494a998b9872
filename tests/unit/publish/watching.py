"""A reader who looks at a registry after each request that wrote: no channel is ever on something half or unsigned."""

from __future__ import annotations

import json
from typing import Any

from tests.doubles.registry import FakeRegistry

SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
TESTS = "https://in-toto.io/attestation/test-result/v0.1"


def broken(registry: FakeRegistry, repository: str, tags: tuple[str, ...]) -> list[str]:
    """What is wrong with what these tags name."""
    found = []
    for tag in tags:
        digest = registry.tag_names.get(repository, {}).get(tag)
        if digest:
            found += [f"{tag}: {problem}" for problem in _problems(registry, repository, digest)]
    return found


def _problems(registry: FakeRegistry, repository: str, digest: str) -> list[str]:
    manifests = registry.manifests[repository]
    if digest not in manifests:
        return ["its index is not there"]
    problems = []
    for child in _document(registry, repository, digest)["manifests"]:
        if child["digest"] not in manifests:
            problems.append("a platform is not there")
            continue
        image = _document(registry, repository, child["digest"])
        blobs = [image["config"], *image["layers"]]
        problems += ["a blob is not there" for blob in blobs if (repository, blob["digest"]) not in registry.blobs]
    attached = {
        one["annotations"].get("dev.sigstore.bundle.predicateType") for one in listed(registry, repository, digest)
    }
    return [*problems, *(f"{kind} is not attached" for kind in (SIGNATURE, TESTS) if kind not in attached)]


def listed(registry: FakeRegistry, repository: str, digest: str) -> list[dict[str, Any]]:
    """What a reader is told to be attached."""
    if registry.referrers_api:
        return registry.referrers(repository, digest)
    index = registry.tag_names[repository].get(digest.replace(":", "-"))
    return list(_document(registry, repository, index)["manifests"]) if index else []


def _document(registry: FakeRegistry, repository: str, digest: str) -> Any:
    return json.loads(registry.manifests[repository][digest][1])


class Reader:
    """Looks after each write."""

    def __init__(self, repository: str, *tags: str) -> None:
        self.repository, self.tags = repository, tags
        self.seen: list[str] = []
        self.looks = 0

    def __call__(self, registry: FakeRegistry) -> None:
        self.looks += 1
        self.seen += broken(registry, self.repository, self.tags)
