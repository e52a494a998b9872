"""Names of annotations and media types that are read from a registry: by `verify`, by the catalogue, by other programs.

An image index carries only what never changes of it. What is learned later (tests, rates, the date of its removal) is
attached to its digest.
"""

from __future__ import annotations

PREFIX = "io.bakehouse"
OCI = "org.opencontainers.image"

TITLE, VERSION, REVISION = f"{OCI}.title", f"{OCI}.version", f"{OCI}.revision"

RECIPE = f"{PREFIX}.recipe"
CELL = f"{PREFIX}.cell"
"""On the descriptor of one platform in an index: the cell that it is."""
VARIANT = f"{PREFIX}.variant"
"""The cell without its recipe and platform: `cuda12.9-sm120`."""
ACCELERATOR = f"{PREFIX}.accelerator"
TOOLKIT = f"{PREFIX}.toolkit"
"""`cuda 12.9.1`."""
FLAG_SET = f"{PREFIX}.flag-set"
ARCHS = f"{PREFIX}.archs"
"""Native code, with commas: `sm_86,sm_120`."""
PTX = f"{PREFIX}.ptx"
DRIVER_FLOOR = f"{PREFIX}.driver-floor"
DRIVER_FLOOR_MINOR = f"{PREFIX}.driver-floor-minor"
BYTES_COMPRESSED = f"{PREFIX}.bytes-compressed"
"""To pull. On the descriptor of one platform."""
BYTES_UNPACKED = f"{PREFIX}.bytes-unpacked"
OF_THE_IMAGE = (VERSION, REVISION, RECIPE, ACCELERATOR, TOOLKIT, FLAG_SET, ARCHS, PTX, DRIVER_FLOOR, DRIVER_FLOOR_MINOR)
"""Labels of an image that its index repeats as annotations."""

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PROVENANCE = "https://slsa.dev/provenance/v1"
SBOM = "https://spdx.dev/Document"
MEASUREMENTS = "https://bakehouse.io/attestation/measurements/v1"
"""Predicate: `{run, host, card, cell, figures: [...], measurements: [...]}`; see publish/attestations.py."""
RUN = "https://bakehouse.io/attestation/run/v1"
"""Predicate: run.json of a machine that tested a digest in staging."""
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
"""Predicate types of what is attached to a digest. A signature is a statement with an empty predicate."""

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PREDICATE_TYPE = "dev.sigstore.bundle.predicateType"
CONTENT = "dev.sigstore.bundle.content"

HISTORY_TYPE = "application/vnd.bakehouse.channel-history.v1+json"
"""Artifact under the tag `CHANNEL-VARIANT.history`: every digest that the channel named, and since when."""
NOTICE_TYPE = "application/vnd.bakehouse.notice.v1+json"
"""Artifact that is attached to a digest which retention will remove."""
EXPIRES = f"{PREFIX}.expires"
"""On a notice: the day from which the image may be gone, `2026-12-27`."""
