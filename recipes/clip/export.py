"""Makes the files of the recipe `clip` out of a CLIP of transformers, and holds them against it.

    python recipes/clip/export.py --model FOLDER_OR_NAME --to models/
    python recipes/clip/export.py --random large --to models/           # random weights: the geometry of ViT-L/14
    python recipes/clip/export.py --random tiny --to recipes/clip/tests/models

Needs torch, transformers, onnx and onnxruntime. Writes `vision_model.onnx`, `text_model.onnx` and `tokenizer.json`, and
fails where onnxruntime and transformers differ by more than 1e-4. The image needs none of these libraries.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

TOLERANCE = 1e-4
OPSET = 17
UNKNOWN = "[UNK]"
VOCABULARY = "a photo of person cat dog car red blue the man woman on in with and is eating food stock market fell"


class Eyes(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vision, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.projection(self.vision(pixel_values=pixel_values).pooler_output)


class Words(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text, self.projection = model.text_model, model.text_projection

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.projection(self.text(input_ids=input_ids, attention_mask=attention_mask).pooler_output)


def random_model(kind: str, vocabulary: int) -> Any:
    """`large`: openai/clip-vit-large-patch14. `tiny`: a few hundred thousand weights, the same 768 numbers."""
    sizes = {
        "large": (
            {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16},
            {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
            14,
        ),
        "tiny": (
            {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2},
            {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2},
            32,
        ),
    }
    vision, text, patch = sizes[kind]
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1} if kind == "tiny" else {}
    size = vocabulary if kind == "tiny" else 49408
    config = transformers.CLIPConfig(
        text_config={**text, "vocab_size": size, **ends},
        vision_config={**vision, "patch_size": patch, "image_size": 224},
        projection_dim=768,
    )
    torch.manual_seed(0)
    return transformers.CLIPModel(config).eval()


def random_tokenizer() -> Tokenizer:
    """Words, and an end: enough to tell texts apart."""
    names = ["<|startoftext|>", "<|endoftext|>", UNKNOWN, *VOCABULARY.split()]
    tokenizer = Tokenizer(models.WordLevel({name: index for index, name in enumerate(names)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>", special_tokens=[("<|startoftext|>", 0), ("<|endoftext|>", 1)]
    )
    return tokenizer


def export(part: torch.nn.Module, example: tuple[torch.Tensor, ...], names: list[str], output: str, to: Path) -> None:
    free = {name: {0: "batch"} | ({1: "length"} if "pixel" not in name else {}) for name in names}
    part.eval()
    torch.onnx.export(
        part,
        example,
        str(to),
        input_names=names,
        output_names=[output],
        dynamic_axes=free | {output: {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )


def differs(part: torch.nn.Module, feeds: dict[str, torch.Tensor], file: Path) -> float:
    """The largest difference between transformers and onnxruntime."""
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    given = {one.name: feeds[one.name].numpy() for one in session.get_inputs()}
    with torch.no_grad():
        expected = part(**feeds).numpy()
    return float(np.abs(session.run(None, given)[0] - expected).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="a folder, or a name on the hub")
    which.add_argument("--random", choices=["tiny", "large"])
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    if options.random:
        tokenizer = random_tokenizer()
        model = random_model(options.random, tokenizer.get_vocab_size())
        tokenizer.save(str(options.to / "tokenizer.json"))
    else:
        model = transformers.CLIPModel.from_pretrained(options.model).eval()
        transformers.AutoTokenizer.from_pretrained(options.model).backend_tokenizer.save(
            str(options.to / "tokenizer.json")
        )
    model.set_attn_implementation("eager")  # plain products: another kind asks for IsNaN, which OpenVINO does not have
    side = model.config.vision_config.image_size
    parts: list[tuple[torch.nn.Module, dict[str, torch.Tensor], str, str]] = [
        (Eyes(model), {"pixel_values": torch.randn(3, 3, side, side)}, "image_embeds", "vision_model.onnx"),
        (
            Words(model),
            {"input_ids": torch.tensor([[0, 3, 4, 1], [0, 5, 1, 1]]), "attention_mask": torch.ones(2, 4).long()},
            "text_embeds",
            "text_model.onnx",
        ),
    ]
    for part, feeds, output, name in parts:
        file = options.to / name
        export(part, tuple(one[:2] for one in feeds.values()), list(feeds), output, file)
        worst = differs(part, feeds, file)
        print(f"{name}: {file.stat().st_size:,} bytes, differs by {worst:.1e}, {time.perf_counter() - begin:.0f} s")
        if worst > TOLERANCE:
            raise SystemExit(f"{name} differs by more than {TOLERANCE}")


main()
