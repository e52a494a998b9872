"""A second opinion on CUDA's device code: what NVIDIA's own `cuobjdump` lists."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from bakehouse.model.enums import AcceleratorName, Verdict
from bakehouse.model.report import Check
from bakehouse.prove.device_code.parts import BrokenDeviceCodeError, Form, UnknownDeviceCodeError, codes
from bakehouse.prove.device_code.plugin_code import Plugin, backend_plugins, fatbins
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge, skip
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.system import process

NAME = "cuobjdump"
TIMEOUT = 300.0
"""Seconds. It reads 140 MB in 0.2."""

_LINE = re.compile(r"(?:ELF|PTX) file +\d+: \S+\.\d+\.(?P<code>sm_\w+)\.(?P<form>cubin|ptx)")
_FORMS = {"cubin": Form.NATIVE, "ptx": Form.PTX}

Listing = dict[Form, Counter[str]]


def check_cuobjdump(
    image: ImageAtRest, expectation: Expectation, *, program: Path | None = None, why_not: str = "it was not fetched"
) -> Check:
    """NVIDIA's program lists the promised archs and no others, and as many pieces as we counted.

    Its list says nothing of suffixes: in a plugin that CUDA 13.0 made, `sm_120a` is `sm_120` to it. (`cuobjdump -elf`
    does say it, and takes a minute for 85 MB; our own reader takes it from each code's own header.) Errored without the
    program: two opinions were promised.
    """
    if expectation.accelerator is not AcceleratorName.CUDA:
        return skip(NAME, "only CUDA has it")
    if program is None:
        hint = "native-code stands alone; run `python -m bakehouse lock` once with a network, to have it in the cache"
        return Check(name=NAME, verdict=Verdict.ERRORED, message=f"there is no cuobjdump: {why_not}; {hint}")
    plugins, problems = backend_plugins(image, expectation)
    passed = []
    for plugin in plugins:
        listing, said = _listing(image, plugin, program)
        problems += _differences(image, plugin, listing, said, expectation)
        passed.append(f"{plugin.name}: {_in_words(listing)}")
    return judge(NAME, problems, passed=f"NVIDIA's cuobjdump agrees: {'; '.join(passed)}")


def parse(text: str) -> Listing:
    """What `cuobjdump -lelf -lptx` printed: form to code (without its suffix) to the number of pieces."""
    found: Listing = {Form.NATIVE: Counter(), Form.PTX: Counter()}
    for match in _LINE.finditer(text):
        found[_FORMS[match["form"]]][_without_suffix(match["code"])] += 1
    return found


def _listing(image: ImageAtRest, plugin: Plugin, program: Path) -> tuple[Listing, str]:
    """What it lists, and what it complains of: also of a list that is empty, as one of the two mostly is."""
    entry = image.tree.follow(plugin.path)
    assert entry is not None
    with tempfile.TemporaryDirectory(dir=image.layers[entry.layer].unpacked.parent) as folder:
        copy = Path(folder) / "plugin.so"
        with image.open(entry) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        done = process.run([str(program), "-lelf", "-lptx", str(copy)], timeout=TIMEOUT, check=False)
    return parse(done.stdout), process.last_lines(done.stderr, 3)


def _differences(
    image: ImageAtRest, plugin: Plugin, listing: Listing, said: str, expectation: Expectation
) -> list[str]:
    promised = {
        Form.NATIVE: {_without_suffix(code) for code in expectation.codes},
        Form.PTX: {_without_suffix(expectation.ptx)} if expectation.ptx else set(),
    }
    problems = [
        f"{plugin.name}: cuobjdump lists {form} code for {_names(set(listing[form]))}, promised is {_names(wanted)}"
        + (f" ({said})" if not any(listing.values()) and said else "")
        for form, wanted in promised.items()
        if set(listing[form]) != wanted
    ]
    try:
        parts = fatbins(image, plugin.elf)
    except (BrokenDeviceCodeError, UnknownDeviceCodeError) as error:
        return [*problems, f"{plugin.name}: {error}"]
    for form in Form:
        own: Counter[str] = Counter()
        for code, count in codes(parts, form).items():
            own[_without_suffix(code)] += count
        if own != listing[form]:
            problems.append(
                f"{plugin.name}: cuobjdump lists {_counts(listing[form])} of {form} code, we read {_counts(own)}: "
                "one of the two reads it wrong, so neither can be trusted"
            )
    return problems


def _without_suffix(code: str) -> str:
    """`sm_120` for `sm_120a` and `sm_120f`."""
    return code.rstrip("af")


def _in_words(listing: Listing) -> str:
    return ", ".join(
        f"{count} x {code}{'' if form is Form.NATIVE else ' (PTX)'}"
        for form in Form
        for code, count in sorted(listing[form].items())
    )


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{count} x {code}" for code, count in sorted(found.items())) or "nothing"
