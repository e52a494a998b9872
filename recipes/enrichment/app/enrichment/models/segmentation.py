"""Selfie segmentation (256 x 256): which pixels are a person. Google, Apache-2.0."""

from __future__ import annotations

import numpy as np
from service.pictures import Picture

from enrichment.models.base import Facts, Floats, Outputs, only, scaled

HALF = 0.5
FEW = 0.1
"""Of a row or a column."""


def prepare(picture: Picture) -> Floats:
    return scaled(picture, 256, low=0, high=1)


def read(outputs: Outputs, picture: Picture) -> Facts:
    """The share of the picture that is a person, and the box around it in pixels. Stray pixels do not count."""
    mask = only(outputs)[..., 0] > HALF
    share = round(float(mask.mean()), 4)
    rows = np.flatnonzero(mask.mean(axis=1) > FEW)
    columns = np.flatnonzero(mask.mean(axis=0) > FEW)
    if not len(rows) or not len(columns):
        return {"person_share": share, "bbox": None}
    x, y = picture.width / mask.shape[1], picture.height / mask.shape[0]
    box = {
        "x": round(float(columns[0] * x), 1),
        "y": round(float(rows[0] * y), 1),
        "width": round(float((columns[-1] + 1 - columns[0]) * x), 1),
        "height": round(float((rows[-1] + 1 - rows[0]) * y), 1),
    }
    return {"person_share": share, "bbox": box}
