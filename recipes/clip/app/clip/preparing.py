"""What CLIP is given, as its authors' and transformers' CLIPImageProcessor make it.

https://huggingface.co/docs/transformers/model_doc/clip: the shorter side to the model's size (bicubic), the middle of
it, 0 to 1, less the mean, by the deviation. The same to the bit as CLIPImageProcessor's own, on two pictures.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from service.pictures import Picture

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)
LONGEST = 64
"""Times the shorter side. Of what is longer, only so much of the middle is resized: a line of 1 x 20,000 pixels would
become one of 224 x 4,480,000.
"""
Floats = npt.NDArray[np.float32]


def pixels(picture: Picture, size: int) -> Floats:
    """3 x size x size."""
    image = _middle(picture.image)
    ratio = size / min(image.size)
    width, height = (max(size, int(side * ratio)) for side in image.size)
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    middle = np.asarray(resized.crop((left, top, left + size, top + size)), dtype=np.float32)
    values = (middle / np.float32(255) - MEAN) / DEVIATION
    return values.transpose(2, 0, 1).astype(np.float32)


def _middle(image: Image.Image) -> Image.Image:
    most = LONGEST * min(image.size)
    left, top = (max(0, (side - most) // 2) for side in image.size)
    return image.crop((left, top, image.width - left, image.height - top)) if left or top else image
