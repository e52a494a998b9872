"""What an image was promised to be. The caller draws it from a cell."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field

from bakehouse.model.enums import AcceleratorName
from bakehouse.servers.plugins import Plugins


@dataclass(frozen=True, kw_only=True, slots=True)
class Forbidden:
    """A text that may not be in the image. It is never shown."""

    what: str
    """In words: `the host name of the build machine`."""
    text: bytes = field(repr=False)
    is_word: bool = False
    """Whether it counts only where no letter, digit, `_` or `-` stands next to it; a path may have more before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    user: str
    """`65532:65532`: numbers, so that a cluster can see that it is not root."""
    port: int
    entrypoint: tuple[str, ...]
    """Exactly the image's entrypoint."""
    labels: Mapping[str, str]
    """Each must be there with exactly this value; further ones may be."""
    plugins: tuple[str, ...]
    """File names of the backend plugins in `plugin_folder`: these and no others."""
    plugin_kind: Plugins | None = None
    """How the server loads them; None: nothing is known of that."""
    plugin_folder: str = "/app"
    """Also where everything of ours lies: what is under it, and the entrypoint, is called the product."""
    size_budget: int
    """Bytes of the unpacked layers."""
    accelerator: AcceleratorName = AcceleratorName.CPU
    backend_plugins: tuple[str, ...] = ()
    """Those of `plugins` that hold the accelerator's device code."""
    codes: tuple[str, ...] = ()
    """Native code that each of them holds, exactly: `sm_120a`, `gfx1100`."""
    ptx: str | None = None
    """The arch whose PTX each of them holds as well."""
    toolkit: str = ""
    """`cuda 12.4`, for messages."""
    driver_floor: str | None = None
    """Oldest driver with all features."""
    driver_floor_minor: str | None = None
    """Oldest driver that runs native code."""
    loaded_by_name: tuple[str, ...] = ()
    """Globs of paths in the image: files that are copied though nothing links to them."""
    vendor_libraries: tuple[str, ...] = ()
    """Globs of paths of libraries that were compiled elsewhere and are there only for those that need them."""
    driver_libraries: frozenset[str] = frozenset()
    """Sonames that the host's driver brings: they may be missing at rest (`libcuda.so.1`)."""
    instruction_levels: Mapping[str, str] = field(default_factory=dict)
    """Glob of a file name to the level it may use (a key of `instruction_sets.levels`), before the built-in rule: a
    variant's plugin may use the variant's level, and everything else the platform's baseline."""
    foreign: tuple[str, ...] = ()
    """Globs of paths whose code was compiled elsewhere, and asks the CPU by itself what it can do: wheels."""
    starts_published: bool = False
    """Whether it starts from an image that somebody published as it is: nothing in it was compiled here."""
    forbidden_certificates: frozenset[str] = frozenset()
    """sha256 (hex) of the DER form of certificates that may be in no layer."""
    forbidden: tuple[Forbidden, ...] = ()
    """Texts of the build machine that may be in no layer and no setting."""
    allowed_leftovers: tuple[str, ...] = ()
    """Globs of paths that look like leftovers and are needed at run time (`*/numpy/*.a`)."""

    def is_foreign(self, path: str) -> bool:
        """Whether the code at a path was compiled elsewhere."""
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.foreign)
