"""Pictures of strangers: decoded within limits, upright, as 8-bit RGB. Runs beside the event loop."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from service.jpeg import scans_of
from service.refused import Refused

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
"""What is opened at all. Others (GIF, TIFF, PDF, ...) would only be more code for strangers to reach."""
ONE = 1
BAND = 256
"""Rows that are converted at a time."""
MOST_SCANS = 64
"""Encoders write a dozen. Each scan of 80 bytes makes a decoder go over all pixels again: 1 MB of them took minutes."""
Image.MAX_IMAGE_PIXELS = None  # ours is checked first, by the header, and has a setting
SIXTEEN_BITS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """`image` is RGB and upright; it may be smaller than the one that was sent, whose size is `width` x `height`."""

    image: Image.Image
    width: int
    height: int

    def resized(self, width: int, height: int) -> Pixels:
        """Height x width x RGB."""
        return np.asarray(self.image.resize((width, height), Image.Resampling.BILINEAR))

    def cropped(self, box: tuple[float, float, float, float]) -> Picture:
        """`box`: left, top, right, bottom in pixels of the picture that was sent. Raises Refused outside it."""
        left, top, right, bottom = box
        if not (0 <= left < right <= self.width and 0 <= top < bottom <= self.height):
            raise Refused(422, f"the box {list(box)} is not inside the picture of {self.width} x {self.height}")
        x, y = self.image.width / self.width, self.image.height / self.height
        part = self.image.crop((round(left * x), round(top * y), round(right * x), round(bottom * y)))
        if not part.width or not part.height:
            raise Refused(422, f"the box {list(box)} holds no pixel")
        return Picture(image=part, width=part.width, height=part.height)


def decode(content: bytes, *, max_pixels: int, enough: int | None = None) -> Picture:
    """Raises Refused: 415 for what is no picture that is taken, 413 for too many pixels, 422 for a damaged one.

    `enough`: pixels of the shorter side that the model needs. A JPEG is then decoded at 1/2, 1/4 or 1/8 of its size
    where that leaves as much, which takes a fraction of the time.
    """
    image = _opened(content)
    width, height = image.size
    if width * height > max_pixels:
        raise Refused(413, f"a picture of {width} x {height} pixels; MAX_PIXELS is {max_pixels}")
    if getattr(image, "n_frames", ONE) != ONE:
        raise Refused(415, "an animated picture; send one frame")
    try:
        if enough and image.format == "JPEG":
            image.draft("RGB", (enough, enough))
        image.load()
        before = image.size
        ImageOps.exif_transpose(image, in_place=True)
        rgb = _rgb(image)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, MemoryError) as error:
        raise Refused(422, f"the {image.format} is damaged: {type(error).__name__}") from None
    if _sideways(width, height, before, rgb.size):
        width, height = height, width
    return Picture(image=rgb, width=width, height=height)


def _opened(content: bytes) -> Image.Image:
    if not content:
        raise Refused(422, "the picture is empty")
    if (scans := scans_of(content)) > MOST_SCANS:
        raise Refused(415, f"a JPEG of {scans} scans; at most {MOST_SCANS} are decoded")
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except (OSError, ValueError, SyntaxError, TypeError, OverflowError):
        raise Refused(415, f"no picture that is taken here: {', '.join(FORMATS)}") from None


def _sideways(width: int, height: int, before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether EXIF turned it by a quarter. A square one does not care."""
    return width != height and (before[0] > before[1]) != (after[0] > after[1])


def _rgb(image: Image.Image) -> Image.Image:
    """8 bits for each of red, green and blue, made a band at a time: the steps between take four times the memory."""
    if image.mode == "F":
        raise Refused(415, "a picture of floating-point values; send 8 or 16 bits")
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    found = Image.new("RGB", image.size)
    for top in range(0, image.height, BAND):
        found.paste(_band(image.crop((0, top, image.width, min(top + BAND, image.height)))), (0, top))
    return found


def _band(image: Image.Image) -> Image.Image:
    """What is transparent is put on white; 16 bits keep their upper 8."""
    if image.mode in SIXTEEN_BITS:
        values = np.asarray(image).astype(np.uint32)
        grey = (np.minimum(values, 0xFFFF) >> 8).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return image.convert("RGB")
