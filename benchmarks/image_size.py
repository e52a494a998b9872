"""How large our CPU image is, against the `server` image of llama.cpp's own CPU Dockerfile.

    python benchmarks/image_size.py

The Dockerfile is read from the source tree that our cells are built from, so it is of the same revision. Changed in it:
the base is ours (same file system below both images), and the web page is the one that our own stage made (upstream's
stage needs a Node.js image). Like is compared with like: upstream's image, which has ffmpeg, with our flag set `media`,
which has it too; and without ffmpeg, our plain cell. The last pair is what one gets without asking for anything. Sizes
are those of all layers, as they lie in the engine's store (compressed) and as tar archives (unpacked). Compiles
llama.cpp with 14 CPU variants the first time: several minutes.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness import (
    Comparison,
    ImageBuilder,
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
from bakehouse.prove.image.at_rest import open_image, save_image, to_report

DOCKERFILE = ".devops/cpu.Dockerfile"
PAGE = "web-page"
"""Our stage that builds the web page, in `/out`."""
MEBIBYTE = 2**20


def adapted(text: str, *, base: str, ffmpeg: bool) -> str:
    """Upstream's Dockerfile on our base, with the web page of our own stage.

    Raises InputError when it no longer reads as it did: a comparison with something else would be worth nothing.
    """
    changes = [
        (r"^FROM docker\.io/node:.*?(?=^FROM )", "", "the stage that builds the web page"),
        (r"^COPY --from=web \S+", f"COPY --from={PAGE} /out", "the copy of the web page"),
        (r"docker\.io/ubuntu:\$UBUNTU_VERSION", base, "the base"),
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


def build_upstream(builder: ImageBuilder, folder: Path, *, ffmpeg: bool) -> str:
    cell = builder.cells[0]
    tree = Path(builder.supplies.sources[cell.recipe.compiled.source].context)
    text = adapted((tree / DOCKERFILE).read_text(encoding="utf-8"), base=cell.runtime_base, ffmpeg=ffmpeg)
    name = "upstream-cpu" if ffmpeg else "upstream-cpu-without-ffmpeg"
    say(f"building {name}")
    return build_on_our_base(
        builder, folder, name=name, dockerfile=text, context=str(tree), target="server", stages=(PAGE,)
    )


def measure(builder: ImageBuilder, image: str, folder: Path) -> Image:
    tar = save_image(builder.engine, image, to=folder / "image.tar")
    found = to_report(open_image(tar, workspace=folder, platform=builder.cells[0].at.platform), reference=image)
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
        builder = prepare(context, engine, folder / "bake", also=("media",))
        cells = {cell.at.flag_set: cell for cell in builder.cells}
        ours, theirs = {}, {}
        try:
            for flag_set in ("default", "media"):
                builder.bake(cells[flag_set].target)
                ours[flag_set] = measure(builder, cells[flag_set].image, folder)
            images.append(cells["media"].image)
            for ffmpeg in (True, False):
                images.append(build_upstream(builder, folder, ffmpeg=ffmpeg))
                theirs[ffmpeg] = measure(builder, images[-1], folder)
        finally:
            if not asked.keep:
                remove_images(engine, *images)
    record.comparisons += compare(ours["media"], theirs[True], what="both with ffmpeg")
    record.comparisons += compare(ours["default"], theirs[False], what="both without ffmpeg")
    record.comparisons += compare(ours["default"], theirs[True], what="ours as it is, theirs as it is")
    for name, image in (*ours.items(), ("upstream", theirs[True]), ("upstream without ffmpeg", theirs[False])):
        record.details[name] = image.model_dump(mode="json")
    record.show()
    record.write(asked.json)


if __name__ == "__main__":
    main()
