"""What Florence-2's part that sees is given.

https://huggingface.co/microsoft/Florence-2-base/blob/main/preprocessor_config.json (MIT): stretched to 768 x 768
(bicubic), 0 to 1, less ImageNet's mean, by its deviation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from service.pictures import Picture

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)
Floats = npt.NDArray[np.float32]


def pixels(picture: Picture, size: int) -> Floats:
    """3 x size x size."""
    resized = picture.image.resize((size, size), Image.Resampling.BICUBIC)
    values = (np.asarray(resized, dtype=np.float32) / np.float32(255) - MEAN) / DEVIATION
    return np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32)
