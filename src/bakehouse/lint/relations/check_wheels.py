"""Python packages against each other, against Python, and against the CUDA of the image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import base_word, cuda_version
from bakehouse.lint.relations.wheels import Requirement, load_wheels, numbers, requirements
from bakehouse.lint.stages.stage import StageModel

_PYTHON = re.compile(r"(?P<version>3\.[0-9]+)(?:[.-]|$)")
_TWO = (2,)
_TORCH = "https://pytorch.org/get-started/previous-versions/"
_ORT = "https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html"


def check_wheels(stages: Sequence[StageModel]) -> Iterator[Finding]:
    for stage in stages:
        wanted = [*requirements(stage.contents.commands)]
        everything = [*requirements(stage.commands)]
        yield from _check_each(wanted, stage)
        yield from _check_numpy(wanted, everything)
        yield from _check_onnx(wanted, everything, stage)
        yield from _check_compiled(wanted, everything, stage)
        yield from _check_managed(stage)


# ---------------------------------------------------------------------------------------------- what exists


def _check_each(wanted: Sequence[Requirement], stage: StageModel) -> Iterator[Finding]:
    python = python_version(stage)
    for one in wanted:
        yield from _check_local(one, stage)
        known = load_wheels().packages.get(one.name)
        if known is None:
            continue
        first = known.python.get(python or "")
        if first and one.pinned and numbers(one.pinned) < numbers(first):
            yield finding(
                one.word,
                f"has no wheel for Python {python}",
                f'{first} is its first release with one: "No matching distribution found".',
                f"{one.name}=={first} or newer, or an older Python",
            )
        if not known.musl and stage.base.libc == "musl":
            yield finding(
                one.word,
                f"has no wheel for {stage.base.title}",
                'Its wheels are for glibc, and this image has musl: "No matching distribution found".',
                "an image on Debian: python:3.12-slim",
            )
        if one.name == "torch":
            yield from _check_torch(one, stage)


_PLACES = ("--index", "--extra-index", "--find-links", "-f", "-i", "--pre", "--no-index", "-r", "-c", "--torch-backend")


def _check_local(one: Requirement, stage: StageModel) -> Iterator[Finding]:
    """`torch==2.4.0+cu121`: PyPI takes no such versions, so that another index has to have it."""
    elsewhere = any(word.text.startswith(_PLACES) for word in one.command.words)
    told = any(
        name in stage.environment for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX_URL")
    )
    own = re.search(r"pip(?:\.conf|\b.*\bconfig\b)", " ".join(word.text for c in stage.commands for word in c.words))
    if one.pinned and "+" in one.pinned and not (elsewhere or told or own):
        local = one.pinned.partition("+")[2]
        yield finding(
            one.word,
            "is a version that PyPI does not have",
            'What stands after + is of another index: "No matching distribution found".',
            f"--extra-index-url https://download.pytorch.org/whl/{local}"
            if one.name.startswith("torch")
            else "its index",
            link=_TORCH,
        )


def _check_torch(one: Requirement, stage: StageModel) -> Iterator[Finding]:
    index = load_wheels().torch_indexes.get(one.index or "")
    version = numbers(one.pinned)[:2] if one.pinned else ()
    if index and version and version < numbers(index.first):
        yield _not_there(one, f"{one.index} begins with torch {index.first}")
    elif index and version and index.last and version > numbers(index.last):
        yield _not_there(one, f"{one.index} ends with torch {index.last}")
    toolkit = stage.base.image.toolkit if stage.base.image else None
    kind = "cpu" if one.index == "cpu" else "rocm" if (one.index or "").startswith("rocm") else "cuda"
    local = one.pinned and "+" in one.pinned
    only_pypi = one.index is None and not any("index" in word.text or word.text == "-f" for word in one.command.words)
    if toolkit in ("cuda", "rocm") and kind != toolkit and not local and (one.index is not None or only_pypi):
        yield finding(
            one.word,
            f"brings the build for {_TITLES[kind]} into an image for {_TITLES[toolkit]}",
            "It finds no card.",
            "--index-url https://download.pytorch.org/whl/" + ("rocm6.4" if toolkit == "rocm" else "cu128"),
            severity=Severity.WARNING,
            link=_TORCH,
        )


_TITLES = {"cuda": "CUDA", "rocm": "ROCm", "cpu": "the CPU"}


def _not_there(one: Requirement, why: str) -> Finding:
    return finding(
        one.word,
        f"is not in the index {one.index}",
        f'{why}: "No matching distribution found".',
        f"a release of torch that the index has, or another index ({_TORCH})",
        link=_TORCH,
    )


def python_version(stage: StageModel) -> str | None:
    """Of an image of Python: `3.12`. None where it is not known."""
    if stage.base.reference.repository.rpartition("/")[2] != "python":
        return None
    found = _PYTHON.match(stage.base.reference.tag)
    return found["version"] if found else None


# ---------------------------------------------------------------------------------------------- what goes together


def _check_numpy(wanted: Sequence[Requirement], everything: Sequence[Requirement]) -> Iterator[Finding]:
    """NumPy 2 beside a package that was built for NumPy 1."""
    numpy = next((one for one in reversed(everything) if one.name == "numpy"), None)
    if numpy is None or (numpy.below and numbers(numpy.below) <= _TWO):
        return
    if numpy.pinned and numbers(numpy.pinned) < _TWO:
        return
    for one in everything:
        known = load_wheels().packages.get(one.name)
        is_new = numpy in wanted or one in wanted
        if known and known.numpy2 and one.pinned and numbers(one.pinned) < numbers(known.numpy2) and is_new:
            yield finding(
                numpy.word,
                f"is too new for {one.name} {one.pinned}",
                f"It was built for NumPy 1; {known.numpy2} is its first release for NumPy 2: "
                '"A module that was compiled using NumPy 1.x cannot be run in NumPy 2".',
                '"numpy<2"',
                severity=Severity.ERROR if numpy.pinned else Severity.WARNING,
                link="https://numpy.org/doc/stable/numpy_2_0_migration_guide.html",
            )


_CUDNN9 = (1, 18, 1)
_CUDA12 = (1, 19)
_ELEVEN, _TWELVE = 11, 12


def _check_onnx(
    wanted: Sequence[Requirement], everything: Sequence[Requirement], stage: StageModel
) -> Iterator[Finding]:
    """ONNX Runtime takes CUDA and cuDNN from the image, and falls back to the CPU where they do not fit."""
    yield from _check_twice(wanted)
    yield from _check_cudnn9(wanted, stage)
    one = next((one for one in wanted if one.name == "onnxruntime-gpu"), None)
    image = stage.base.image
    brings = any(other.name.startswith(("nvidia-cudnn", "torch")) for other in everything)
    if one is None or "cud" in one.extras or image is None:
        return
    found = cuda_version(stage)
    release = numbers(one.pinned) if one.pinned else ()
    if found is None:
        if stage.base.complete and not brings and not stage.unseen:
            yield _falls_back(
                one, f"{base_word(stage).text} has no CUDA", "onnxruntime-gpu[cuda,cudnn], or an image of CUDA"
            )
        return
    major = numbers(found[0])[0]
    own_index = any("index" in word.text for word in one.command.words)
    if (release == () or release >= _CUDA12) and major <= _ELEVEN and not own_index:
        yield _falls_back(one, f"it is built for CUDA 12, the image has {found[0]}", "an image of CUDA 12 with cuDNN 9")
    elif release and release < _CUDA12 and major >= _TWELVE and not own_index:
        yield _falls_back(
            one, f"PyPI's is built for CUDA 11, the image has {found[0]}", "onnxruntime-gpu 1.19 or newer"
        )
    elif image.toolkit == "cuda" and "cudnn" not in stage.base.reference.tag and not brings and not _has_cudnn(stage):
        yield _falls_back(one, f"{base_word(stage).text} has no cuDNN", "an image with -cudnn- in its tag")
    elif "cudnn8" in stage.base.reference.tag and (release == () or release >= _CUDNN9):
        yield _falls_back(
            one, "it needs cuDNN 9, the image has 8", "an image with -cudnn- in its tag, of CUDA 12.4 or newer"
        )


def _check_twice(wanted: Sequence[Requirement]) -> Iterator[Finding]:
    """Both have the same module, and the one that comes last is there."""
    names = {one.name for one in wanted}
    plain = next((one for one in wanted if one.name == "onnxruntime"), None)
    if plain is not None and "onnxruntime-gpu" in names:
        yield finding(
            plain.word,
            "takes the place of onnxruntime-gpu",
            "Both bring the module onnxruntime: with the one for the CPU beside it no card is seen.",
            "onnxruntime-gpu alone",
            severity=Severity.WARNING,
            link="https://onnxruntime.ai/docs/install/",
        )


_FOR_CUDNN9 = {"ctranslate2": (4, 5), "faster-whisper": (1, 1), "whisperx": (3, 3)}
"""By package: the first release that asks for cuDNN 9."""


def _check_cudnn9(wanted: Sequence[Requirement], stage: StageModel) -> Iterator[Finding]:
    for one in wanted:
        first = _FOR_CUDNN9.get(one.name)
        if first and "cudnn8" in stage.base.reference.tag and (one.pinned is None or numbers(one.pinned) >= first):
            yield finding(
                one.word,
                "asks for cuDNN 9, and the image has 8",
                'It ends at the first sound: "Unable to load any of {libcudnn_ops.so.9...}".',
                "an image with -cudnn- in its tag, of CUDA 12.4 or newer; or ctranslate2==4.4.0",
                link="https://github.com/SYSTRAN/faster-whisper#gpu",
            )


def _has_cudnn(stage: StageModel) -> bool:
    return stage.fills(re.compile(r"cudnn"))


def _falls_back(one: Requirement, why: str, instead: str) -> Finding:
    return finding(
        one.word,
        "does not find CUDA",
        f"{why[0].upper()}{why[1:]}: ONNX Runtime says so in a warning, and computes on the CPU.",
        instead,
        severity=Severity.WARNING,
        link=_ORT,
    )


# ---------------------------------------------------------------------------------------------- what is compiled


def _check_compiled(
    wanted: Sequence[Requirement], everything: Sequence[Requirement], stage: StageModel
) -> Iterator[Finding]:
    """Packages that compile code for CUDA while they are installed."""
    for one in wanted:
        known = load_wheels().compiled.get(one.name)
        if known is None:
            continue
        flags = {word.text for word in one.command.words}
        if one.command.program in ("pip", "pip3") and "--no-build-isolation" not in flags and one.word.complete:
            yield finding(
                one.word,
                "does not see torch while it is built",
                "Pip builds in an environment of its own: \"ModuleNotFoundError: No module named 'torch'\".",
                "--no-build-isolation, after torch is installed",
            )
        forced = "--no-binary" in " ".join(flags) or any("FORCE_BUILD" in name for name in stage.environment)
        nvcc = _has_nvcc(stage)
        if nvcc is False and (forced or not known.often_prebuilt):
            yield finding(
                one.word,
                "needs nvcc, which its stage lacks",
                'It compiles code for CUDA: "CUDA_HOME environment variable is not set".',
                "an image nvidia/cuda:VERSION-devel-OS for this stage",
            )
        yield from _check_major(one, everything, stage)


def _has_nvcc(stage: StageModel) -> bool | None:
    if stage.unseen:
        return None
    return stage.has("nvcc")


def _check_major(one: Requirement, everything: Sequence[Requirement], stage: StageModel) -> Iterator[Finding]:
    torch = next((other for other in everything if other.name == "torch"), None)
    found = cuda_version(stage)
    cuda = _cuda_of(torch) if torch else None
    if found and cuda and numbers(found[0])[0] != numbers(cuda)[0]:
        yield finding(
            one.word,
            f"is compiled with CUDA {found[0]} for a torch of CUDA {cuda}",
            'Torch refuses another major version: "The detected CUDA version mismatches the version that was used to '
            'compile PyTorch".',
            f"an image of CUDA {numbers(cuda)[0]}, or the torch of an index for CUDA {numbers(found[0])[0]}",
            link=_TORCH,
        )


def _cuda_of(torch: Requirement) -> str | None:
    if torch.index and (found := re.fullmatch(r"cu([0-9]+)([0-9])", torch.index)):
        return f"{found[1]}.{found[2]}"
    if torch.index or not torch.pinned:
        return None
    table = load_wheels().torch_cuda
    fits = [cuda for first, cuda in table.items() if numbers(first) <= numbers(torch.pinned)]
    return fits[-1] if fits else None


# ---------------------------------------------------------------------------------------------- who manages Python


_MANAGED = {"debian": (12,), "ubuntu": (23, 4)}
"""First releases whose Python is the distribution's alone (PEP 668)."""
_FREE = re.compile(
    r"break[-_]system[-_]packages|EXTERNALLY-MANAGED|\bvenv\b|virtualenv|\bconda\b|\bmamba\b|\bpyenv\b|--user\b|--target|--prefix|get-pip"
    r"|\buv\b|python3?\.[0-9]+|pipx",
    re.IGNORECASE,
)


def _check_managed(stage: StageModel) -> Iterator[Finding]:
    first = _MANAGED.get(stage.base.distribution_name or "")
    packages = {one.name for one in stage.packages.installed}
    if first is None or stage.base.release is None or "python3-pip" not in packages:
        return
    if numbers(stage.base.release) < first or stage.fills(_FREE) or _is_freed(stage):
        return
    image = stage.base.image
    if image is None or not stage.base.complete or stage.unseen:
        return
    for command in stage.contents.commands:
        one = next(iter(requirements([command])), None)
        by_file = any(word.text == "-r" for word in command.words) and command.program in ("pip", "pip3")
        if one is not None or by_file:
            yield finding(
                command.words[0],
                f"may not install into the Python of {stage.base.title}",
                'The distribution keeps it for itself (PEP 668): "externally-managed-environment".',
                "python3 -m venv /opt/venv, and its pip; or pip install --break-system-packages",
                link="https://peps.python.org/pep-0668/",
            )
            return


def _is_freed(stage: StageModel) -> bool:
    names = {*stage.environment, *stage.arguments}
    return bool(names & {"PIP_BREAK_SYSTEM_PACKAGES", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER"})
