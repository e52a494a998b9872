"""Makes ONNX of an RT-DETRv2 of transformers, and holds the service's answers against transformers' own.

    export PYTHONPATH=recipes/detector/app:recipes/_detection:recipes/_service
    python recipes/detector/export.py --model PekingU/rtdetr_v2_r18vd --to models/rtdetr.onnx
    python recipes/detector/export.py --random --to rtdetr.onnx

Needs torch, transformers and onnxruntime, beside what the service needs. Fails where outputs of onnxruntime and
transformers differ by more than 1e-3, or boxes of the service and of `post_process_object_detection` by more than half
a pixel. The image needs neither torch nor transformers.

Random weights as they are made answer nothing: features vanish in normalisations that have seen no picture, all 2,100
anchors score the same to the bit, and which of them become queries is chance, in transformers and onnxruntime each by
its own. So normalisations are told what comes to them, and the heads' weights are spread: then scores lie apart, and
both choose the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
import transformers
from detection.adapters.base import Choice
from detection.adapters.choose import choose
from PIL import Image
from service.pictures import Picture

HERE = Path(__file__).parent
OPSET = 17
TOLERANCE = 1e-3
PIXELS = 0.5
CONFIDENCE = 0.5
PICTURES = ("astronaut.jpg", "turned.jpg")


class Raw(torch.nn.Module):
    """The two outputs that the service reads."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.model(pixel_values=pixel_values)
        return found.logits, found.pred_boxes


def random_model(seen: torch.Tensor) -> Any:
    """Narrow and shallow, with the real one's heads, 300 queries and 80 classes. `seen`: pictures to settle it with."""
    torch.manual_seed(0)
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=16,
        hidden_sizes=[32, 64, 128, 256],
        depths=[1, 1, 1, 1],
        out_features=["stage2", "stage3", "stage4"],
    )
    config = transformers.RTDetrV2Config(
        backbone_config=backbone,
        encoder_in_channels=[64, 128, 256],
        encoder_hidden_dim=64,
        d_model=64,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        decoder_in_channels=[64, 64, 64],
        decoder_layers=2,
        num_labels=80,
    )
    model = transformers.RTDetrV2ForObjectDetection(config).eval()
    settle(model, seen)
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and ("class_embed" in name or "enc_score_head" in name):
            torch.nn.init.normal_(weight, std=4.0 if "enc_score_head" in name else 0.3)
    return model


def settle(model: torch.nn.Module, seen: torch.Tensor) -> None:
    """Each normalisation gets mean and deviation of what comes to it, as training leaves it."""

    def told(norm: Any, given: tuple[torch.Tensor, ...]) -> None:
        norm.running_mean.copy_(given[0].mean((0, 2, 3)))
        norm.running_var.copy_(given[0].var((0, 2, 3)).clamp_min(1e-6))

    hooks = [one.register_forward_pre_hook(told) for one in model.modules() if hasattr(one, "running_var")]
    with torch.no_grad():
        model(pixel_values=seen)
    for hook in hooks:
        hook.remove()


def export(model: Any, seen: torch.Tensor, to: Path) -> None:
    names = ("pixel_values", "logits", "pred_boxes")
    torch.onnx.export(
        Raw(model).eval(),
        (seen,),
        str(to),
        input_names=list(names[:1]),
        output_names=list(names[1:]),
        dynamic_axes={name: {0: "batch"} for name in names},
        opset_version=OPSET,
        dynamo=False,
    )


def held(model: Any, file: Path, image: Image.Image, processor: Any) -> tuple[float, float, int]:
    """Differences of outputs, of boxes in pixels, and how many boxes there were. Raises SystemExit for others."""
    session = ort.InferenceSession(str(file))
    shapes = {one.name: one.shape for one in session.get_outputs()}
    adapter = choose("auto", input_shape=session.get_inputs()[0].shape, outputs=shapes, classes=80)
    prepared = adapter.prepare(Picture(image=image, width=image.width, height=image.height))
    values = processor(images=image, return_tensors="pt")["pixel_values"]
    given = np.abs(prepared.values - values[0].numpy()).max()
    with torch.no_grad():
        theirs = model(pixel_values=values)
    outputs = dict(zip(shapes, session.run(None, {"pixel_values": values.numpy()}), strict=True))
    worst = max(float(np.abs(outputs[name] - theirs[name].numpy()).max()) for name in shapes)
    (expected,) = processor.post_process_object_detection(theirs, CONFIDENCE, [(image.height, image.width)])
    found = prepared.placed(adapter.found(outputs, 0, Choice(confidence=CONFIDENCE, iou=1.0, most=300)))
    if found.classes.tolist() != expected["labels"].tolist():
        raise SystemExit(f"{len(found)} detections, and transformers has {len(expected['labels'])}, or other classes")
    inside = expected["boxes"].numpy().clip(0, [image.width, image.height] * 2)
    apart = float(np.abs(found.boxes - inside).max()) if len(found) else 0.0
    print(f"inputs differ by {given:.1e}, outputs by {worst:.1e}, {len(found)} boxes by {apart:.1e} pixels")
    return worst, apart, len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="a folder, or a name on the hub")
    which.add_argument("--random", action="store_true")
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    processor = transformers.RTDetrImageProcessorPil()
    images = [Image.open(HERE / "tests" / "pictures" / name).convert("RGB") for name in PICTURES]
    seen = torch.cat([processor(images=one, return_tensors="pt")["pixel_values"] for one in images])
    if options.random:
        model = random_model(seen)
    else:
        model = transformers.RTDetrV2ForObjectDetection.from_pretrained(options.model).eval()
    export(model, seen, options.to)
    results = [held(model, options.to, image, processor) for image in images]
    if max(one[0] for one in results) > TOLERANCE or max(one[1] for one in results) > PIXELS:
        raise SystemExit(f"more than {TOLERANCE} or {PIXELS} pixels")


main()
