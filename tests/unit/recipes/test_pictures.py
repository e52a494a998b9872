"""Pictures of strangers, made by Pillow."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from service.jpeg import scans_of
from service.pictures import Picture, decode
from service.refused import Refused

RED, BLUE = (220, 30, 20), (10, 20, 230)
MOST = 1_000_000


def halves(width: int = 40, height: int = 20) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def colour(picture: Picture, x: int, y: int) -> tuple[int, ...]:
    return tuple(int(one) for one in np.asarray(picture.image)[y, x])


def close(found: tuple[int, ...], wanted: tuple[int, ...], by: int = 12) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= by


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(width: int, height: int) -> bytes:
    """A PNG of one bit a pixel, all of it black: a thousand times smaller than what it unpacks to."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + -(-width // 8))
    content = b"".join(packer.compress(row) for _ in range(min(height, 2000))) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


class TestGood:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
    def test_formats_that_are_taken(self, kind: str) -> None:
        found = decode(saved(halves(), kind), max_pixels=MOST)

        assert (found.width, found.height, found.image.mode) == (40, 20, "RGB")
        assert close(colour(found, 4, 10), RED, by=30)
        assert close(colour(found, 35, 10), BLUE, by=30)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_picture_is_seen_as_people_see_it(self, orientation: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        found = decode(saved(halves(), "JPEG", exif=exif, quality=95), max_pixels=MOST)

        turned = orientation >= 5
        assert (found.width, found.height) == ((20, 40) if turned else (40, 20)) == found.image.size
        first = RED if orientation in (1, 4, 5, 6) else BLUE
        assert close(colour(found, 2, 2), first, by=40)

    def test_cmyk_and_grey_become_rgb(self) -> None:
        cmyk = decode(saved(halves().convert("CMYK"), "JPEG", quality=95), max_pixels=MOST)
        grey = decode(saved(Image.new("L", (4, 4), 77), "PNG"), max_pixels=MOST)

        assert close(colour(cmyk, 4, 10), RED, by=40)
        assert colour(grey, 1, 1) == (77, 77, 77)

    def test_16_bits_keep_their_upper_8(self) -> None:
        """Pillow's own conversion cuts them off at 255, and leaves a white picture."""
        values = np.full((8, 8), 0x4080, dtype=np.uint16)
        found = decode(saved(Image.fromarray(values), "PNG"), max_pixels=MOST)

        assert colour(found, 3, 3) == (0x40, 0x40, 0x40)

    def test_what_is_transparent_is_white(self) -> None:
        clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
        palette = Image.new("P", (4, 4), 0)
        palette.putpalette([0, 0, 0] * 256)

        assert colour(decode(saved(clear, "PNG"), max_pixels=MOST), 1, 1) == (255, 255, 255)
        assert colour(decode(saved(palette, "PNG", transparency=0), max_pixels=MOST), 1, 1) == (255, 255, 255)

    def test_a_large_jpeg_is_decoded_no_larger_than_is_needed(self) -> None:
        """Boxes stay in pixels of what was sent."""
        exif = Image.Exif()
        exif[0x0112] = 6
        found = decode(saved(halves(1600, 800), "JPEG", exif=exif), max_pixels=10**7, enough=100)

        assert (found.width, found.height) == (800, 1600)
        assert found.image.size == (100, 200)

    def test_a_crop_is_in_pixels_of_what_was_sent(self) -> None:
        found = decode(saved(halves(1600, 800), "JPEG"), max_pixels=10**7, enough=100).cropped((800, 0, 1600, 800))

        assert close(colour(found, 5, 5), BLUE, by=30)
        assert found.image.size == (100, 100)


class TestBad:
    @pytest.mark.parametrize(
        ("content", "status"),
        [
            (b"", 422),
            (b"hello", 415),
            (b"%PDF-1.7", 415),
            (saved(halves(), "GIF"), 415),
            (saved(halves(), "TIFF"), 415),
            (saved(halves(400, 300), "JPEG")[:-900], 422),
            (saved(halves(400, 300), "PNG")[:200], 422),
            (saved(halves(400, 300), "WEBP")[:-60], 415),
            (bomb(50_000, 50_000), 413),
            (saved(halves(2000, 1000), "JPEG"), 413),
        ],
        ids=["empty", "text", "pdf", "gif", "tiff", "half-jpeg", "half-png", "half-webp", "bomb", "too-many-pixels"],
    )
    def test_is_refused_with_the_right_status(self, content: bytes, status: int) -> None:
        with pytest.raises(Refused) as caught:
            decode(content, max_pixels=MOST)
        assert caught.value.status_code == status, caught.value.detail

    def test_an_animation_is_refused_and_not_half_read(self) -> None:
        frames = [halves(), halves().rotate(180)]
        content = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
        with pytest.raises(Refused) as caught:
            decode(content, max_pixels=MOST)
        assert caught.value.detail == "an animated picture; send one frame"

    def test_a_png_that_ends_too_early_within_the_limit(self) -> None:
        with pytest.raises(Refused) as caught:
            decode(bomb(900, 1000)[:-30], max_pixels=MOST)
        assert caught.value.status_code == 422

    @pytest.mark.parametrize("box", [(0, 0, 50, 10), (-1, 0, 5, 5), (5, 5, 5, 9), (9, 0, 3, 5)])
    def test_a_crop_outside_the_picture(self, box: tuple[int, int, int, int]) -> None:
        picture = decode(saved(halves(), "PNG"), max_pixels=MOST)
        with pytest.raises(Refused) as caught:
            picture.cropped(box)
        assert caught.value.status_code == 422


def of_scans(more: int) -> bytes:
    """A progressive JPEG of six scans, whose last one comes so often again."""
    content = saved(Image.new("L", (64, 64), 128), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * more + content[-2:]


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded() -> None:
    """80 bytes make a decoder go over all pixels once more."""
    assert decode(of_scans(0), max_pixels=MOST).width == 64
    with pytest.raises(Refused, match="a JPEG of 1006 scans; at most 64"):
        decode(of_scans(1000), max_pixels=MOST)


def test_what_cameras_add_to_a_jpeg_is_no_scan() -> None:
    """A film behind the picture, a thumbnail in a segment."""
    noise = random.Random(1).randbytes(3 << 20)
    picture = halves()
    assert noise.count(b"\xff\xda") > 16
    plain = saved(picture, "JPEG", progressive=True)
    assert scans_of(plain + noise) == scans_of(plain) > 1
    assert scans_of(saved(picture, "JPEG", exif=b"Exif\0\0" + b"\xff\xda" * 100)) == 1
    assert scans_of(saved(picture, "PNG") + noise) == 0


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.new("RGBA", (3000, 3000), (10, 20, 30, 0)), "PNG"),
        (Image.new("LA", (3000, 3000), (10, 255)), "PNG"),
        (Image.new("I;16", (3000, 3000), 512), "PNG"),
        (Image.new("CMYK", (3000, 3000), (0, 255, 255, 0)), "JPEG"),
    ],
    ids=["transparent", "grey and opaque", "16 bits", "cmyk"],
)
def test_what_stands_between_a_picture_and_its_pixels_is_small(
    image: Image.Image, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 15 KB palette of 40 million pixels took 509 MiB, when it was converted at once."""
    largest = 0
    convert = Image.Image.convert

    def measured(self: Image.Image, *given: object, **more: object) -> Image.Image:
        nonlocal largest
        largest = max(largest, self.width * self.height)
        return convert(self, *given, **more)  # type: ignore[arg-type] # as it was given

    content = saved(image, kind)
    monkeypatch.setattr(Image.Image, "convert", measured)
    found = decode(content, max_pixels=10_000_000)
    assert (found.image.mode, found.image.size) == ("RGB", (3000, 3000))
    assert 0 < largest <= 256 * 3000
    assert found.image.getpixel((0, 0)) == found.image.getpixel((2999, 2999)) != (0, 0, 0)
