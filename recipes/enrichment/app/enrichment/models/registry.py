"""The zoo's table: name, file, priority, and what belongs to which kind of detection."""

from __future__ import annotations

from pathlib import Path

from enrichment.models import face, faces, pose, segmentation
from enrichment.models.base import Model
from enrichment.zoo import Priority

FACE = "face"
OF_DETECTIONS = {
    "person": ("face", "pose", "segmentation"),
    "face": ("demographics", "emotion", "identity", "liveness"),
}
"""What is worked out where a request names no models."""


def registry(folder: Path) -> dict[str, Model]:
    """`face` is critical: the models of a face stand on it."""
    models = (
        Model(
            name=FACE,
            file=folder / "blazeface.onnx",
            priority=Priority.CRITICAL,
            prepare=face.prepare,
            read=face.read,
        ),
        Model(
            name="pose",
            file=folder / "movenet-lightning.onnx",
            priority=Priority.HIGH,
            prepare=pose.prepare,
            read=pose.read,
        ),
        Model(
            name="demographics",
            file=folder / "faceres.onnx",
            priority=Priority.HIGH,
            prepare=faces.demographics_input,
            read=faces.demographics,
            of_face=True,
        ),
        Model(
            name="identity",
            file=folder / "mobilefacenet.onnx",
            priority=Priority.MEDIUM,
            prepare=faces.identity_input,
            read=faces.identity,
            of_face=True,
        ),
        Model(
            name="liveness",
            file=folder / "antispoof.onnx",
            priority=Priority.MEDIUM,
            prepare=faces.liveness_input,
            read=faces.liveness,
            of_face=True,
        ),
        Model(
            name="emotion",
            file=folder / "emotion.onnx",
            priority=Priority.LOW,
            prepare=faces.emotion_input,
            read=faces.emotion,
            of_face=True,
        ),
        Model(
            name="segmentation",
            file=folder / "selfie.onnx",
            priority=Priority.LOW,
            prepare=segmentation.prepare,
            read=segmentation.read,
        ),
    )
    return {model.name: model for model in models}
