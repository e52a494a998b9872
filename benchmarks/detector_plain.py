"""The detector as people write it: FastAPI, Pillow, numpy, onnxruntime with its defaults, one request at a time.

`async def` computes on the event loop, as most examples do; `def` lets FastAPI run it in its thread pool. What the
outputs mean is worked out by our recipe's own code, so that only the service differs.
"""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import onnxruntime as ort
import uvicorn
from detection.adapters.base import Choice, Prepared
from detection.adapters.nanodet import DEVIATION, MEAN, NanoDet
from detection.labels import COCO
from fastapi import FastAPI, UploadFile
from PIL import Image

SIDE = 416
CHOICE = Choice(confidence=0.35, iou=0.5, most=100)


def main() -> None:
    session = ort.InferenceSession(os.environ["MODEL"], providers=["CPUExecutionProvider"])
    outputs = {one.name: (1, *one.shape[1:]) for one in session.get_outputs()}
    family = NanoDet(width=SIDE, height=SIDE, outputs=outputs, classes=len(COCO))
    app = FastAPI()

    def answer(content: bytes) -> dict[str, Any]:
        image = Image.open(io.BytesIO(content)).convert("RGB")
        pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
        values = ((pixels[..., ::-1] - MEAN) / DEVIATION).transpose(2, 0, 1)
        results = dict(zip(outputs, session.run(None, {"input_1": values[None]}), strict=True))
        prepared = Prepared(
            values=values,
            width=image.width,
            height=image.height,
            across=image.width / SIDE,
            down=image.height / SIDE,
        )
        found = prepared.placed(family.found(results, 0, CHOICE))
        rows = zip(found.boxes.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True)
        return {"detections": [{"class": COCO[kind], "confidence": score, "box": box} for box, score, kind in rows]}

    @app.get("/ready")
    def ready() -> str:
        return "ready"

    if os.environ["PLAIN"] == "async":

        @app.post("/detect")
        async def on_the_loop(image: UploadFile) -> dict[str, Any]:
            return answer(await image.read())
    else:

        @app.post("/detect")
        def in_a_thread(image: UploadFile) -> dict[str, Any]:
            return answer(image.file.read())

    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")


if __name__ == "__main__":
    main()
