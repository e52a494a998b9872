"""How large our CPU image is, against the `server` image of llama.cpp's own CPU Dockerfile.

    python benchmarks/image_size.py

The Dockerfile is read from the source tree that our cells are built from, so it is of the same revision. Changed in it,
and told in the table's title: the base is ours (same file system below both images), and the web UI is left out (our
image has none; the stage needs a Node.js image). `without ffmpeg` also leaves out that package, which most of the
difference would otherwise be. Sizes are those of all layers, as they lie in the engine's store (compressed) and as tar
archives (unpacked). Compiles llama.cpp with 14 CPU variants the first time: several minutes.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness import (
    Comparison,
    Oven,
    Record,
    arguments,
    build_on_our_base,
    our_context,
    our_engine,
    prepare,
    remove_images,
    say,
    workspace,
)

from bakehouse.errors import InputError
from bakehouse.model.report import Image
from bakehouse.prove.image import open_image, save_image, to_report

DOCKERFILE = ".devops/cpu.Dockerfile"
MEBIBYTE = 2**20


def adapted(text: str, *, base: str, ffmpeg: bool) -> str:
    """Upstream's Dockerfile on our base, without the stage `web` and what is copied from it.

    Raises InputError when it no longer reads as it did: a comparison with something else would be worth nothing.
    """
    changes = [
        (r"^FROM docker\.io/node:.*?(?=^FROM )", "", "the stage that builds the web UI"),
        (r"^COPY --from=web .*\n", "", "the copy of the web UI"),
        (r"docker\.io/ubuntu:\$UBUNTU_VERSION", base, "the base"),
        (r"-DGGML_CPU_ALL_VARIANTS=ON", r"\g<0> -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF", "the configuration"),
    ]
    if not ffmpeg:
        changes.append((r" ffmpeg\b", "", "ffmpeg"))
    for pattern, replacement, what in changes:
        text, count = re.subn(
            pattern, replacement, text, flags=re.MULTILINE | re.DOTALL if "FROM docker" in pattern else re.MULTILINE
        )
        if not count:
            raise InputError(f"{DOCKERFILE} has changed: {what} is not found", hint="Mend benchmarks/image_size.py.")
    return text


def build_upstream(oven: Oven, folder: Path, *, ffmpeg: bool) -> str:
    cell = oven.cells[0]
    tree = Path(oven.supplies.sources[cell.recipe.build.source].context)
    text = adapted((tree / DOCKERFILE).read_text(encoding="utf-8"), base=cell.runtime_base, ffmpeg=ffmpeg)
    name = "upstream-cpu" if ffmpeg else "upstream-cpu-without-ffmpeg"
    say(f"building {name}")
    return build_on_our_base(oven, folder, name=name, dockerfile=text, context=str(tree), target="server")


def measure(oven: Oven, image: str, folder: Path) -> Image:
    tar = save_image(oven.engine, image, to=folder / "image.tar")
    found = to_report(open_image(tar, workspace=folder, platform=oven.cells[0].at.platform), reference=image)
    tar.unlink()
    return found


def compare(ours: Image, theirs: Image, *, what: str) -> list[Comparison]:
    sizes = (
        ("compressed", ours.bytes_compressed, theirs.bytes_compressed),
        ("unpacked", ours.bytes_unpacked, theirs.bytes_unpacked),
    )
    return [
        Comparison(what=f"{what}, {how}", ours=[here / MEBIBYTE], theirs=[there / MEBIBYTE], unit="MiB", limit=1.0)
        for how, here, there in sizes
    ]


def main() -> None:
    asked = arguments(__doc__, runs=1).parse_args()
    context = our_context()
    record = Record(name="image_size")
    images: list[str] = []
    with our_engine(context) as engine, workspace(context, keep=asked.keep) as folder:
        oven = prepare(context, engine, folder / "bake")
        cell = next(cell for cell in oven.cells if cell.at.flag_set == "default")
        oven.bake(cell.target)
        ours = measure(oven, cell.image, folder)
        try:
            for ffmpeg in (True, False):
                images.append(build_upstream(oven, folder, ffmpeg=ffmpeg))
                theirs = measure(oven, images[-1], folder)
                what = "upstream's server" if ffmpeg else "upstream's without ffmpeg"
                record.comparisons += compare(ours, theirs, what=what)
                record.details[what] = theirs.model_dump(mode="json")
        finally:
            if not asked.keep:
                remove_images(engine, *images)
    record.details["ours"] = ours.model_dump(mode="json")
    record.show()
    record.write(asked.json)


if __name__ == "__main__":
    main()
