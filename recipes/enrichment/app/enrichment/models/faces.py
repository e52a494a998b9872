"""Models of a face that fills the picture: age and sex, emotion, identity, and whether it is a live one.

FaceRes: https://github.com/vladmandic/human (MIT), src/face/faceres.ts: input 0 to 255; ages are 100 classes of a year.
Emotion: the same, src/gear/emotion.ts: grey, -1 to 1. MobileFaceNet: sirius-ai/MobileFaceNet_TF (Apache-2.0), -1 to 1.
Anti-spoofing: src/face/antispoof.ts: 0 to 1, near 1 for a live face.
"""

from __future__ import annotations

import numpy as np
from service.pictures import Picture

from enrichment.models.base import Facts, Floats, Outputs, only, scaled, unit

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""ITU-R BT.601."""
HALF = 0.5


def demographics_input(picture: Picture) -> Floats:
    return scaled(picture, 224, low=0, high=255)


def demographics(outputs: Outputs, _: Picture) -> Facts:
    ages = np.asarray(outputs["age_pred/Softmax"][0], dtype=np.float32)
    male = float(outputs["gender_pred/Sigmoid"][0, 0])
    return {
        "age": int(ages.argmax()),
        "age_confidence": round(float(ages.max()), 4),
        "gender": "male" if male > HALF else "female",
        "gender_confidence": round(max(male, 1 - male), 4),
        "descriptor": unit(np.asarray(outputs["global_pooling/Mean"][0], dtype=np.float32)),
    }


def emotion_input(picture: Picture) -> Floats:
    return (scaled(picture, 64, low=-1, high=1) @ GREY)[..., None]


def emotion(outputs: Outputs, _: Picture) -> Facts:
    scores = only(outputs)
    shares = {name: round(float(score), 4) for name, score in zip(EMOTIONS, scores, strict=True)}
    return {"emotion": EMOTIONS[int(scores.argmax())], "scores": shares}


def identity_input(picture: Picture) -> Floats:
    return scaled(picture, 112, low=-1, high=1)


def identity(outputs: Outputs, _: Picture) -> Facts:
    """Vectors of one person have a larger product than those of two."""
    return {"embedding": unit(only(outputs))}


def liveness_input(picture: Picture) -> Floats:
    return scaled(picture, 128, low=0, high=1)


def liveness(outputs: Outputs, _: Picture) -> Facts:
    score = float(only(outputs)[0])
    return {"live": score > HALF, "confidence": round(score, 4)}
