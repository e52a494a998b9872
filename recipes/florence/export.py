"""Makes the files of the recipe `florence` out of a Florence-2 of transformers, and holds them against it.

    python recipes/florence/export.py --model FOLDER_OR_NAME --to models/
    python recipes/florence/export.py --random base --to models/           # random weights: the form of Florence-2-base
    python recipes/florence/export.py --random tiny --to recipes/florence/tests/models

Needs torch, transformers, onnx and onnxruntime. Writes `vision_encoder.onnx`, `embed_tokens.onnx`,
`encoder_model.onnx`, `decoder_model_merged.onnx` and `tokenizer.json`. Names of files, inputs and outputs are those of
onnx-community's exports (https://huggingface.co/onnx-community/Florence-2-base-ft). Fails where onnxruntime and
transformers differ by more than 1e-3. The image needs none of these libraries.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import export_tiny
import numpy as np
import onnx
import onnxruntime as ort
import torch
import transformers
from onnx import TensorProto, helper
from tokenizers import Tokenizer
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

TOLERANCE = 1e-3
OPSET = 17
SIDE = 768
EYES, WORDS, READER, WRITER = "vision_encoder", "embed_tokens", "encoder_model", "decoder_model_merged"
Tensors = dict[str, torch.Tensor]


class Eyes(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model.get_image_features(pixel_values=pixel_values).pooler_output


class Reader(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder = model.model.language_model.encoder

    def forward(self, attention_mask: torch.Tensor, inputs_embeds: torch.Tensor) -> torch.Tensor:
        return self.encoder(attention_mask=attention_mask, inputs_embeds=inputs_embeds).last_hidden_state


class Writer(torch.nn.Module):
    """One step. Without `past`, the first one, which also makes the caches of what was read."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.decoder, self.head = model.model.language_model.decoder, model.lm_head

    def forward(self, mask: torch.Tensor, read: torch.Tensor, embedded: torch.Tensor, *past: torch.Tensor) -> Any:
        own, crossed = DynamicCache(), DynamicCache()
        for layer, at in enumerate(range(0, len(past), 4)):
            own.update(past[at], past[at + 1], layer)
            crossed.update(past[at + 2], past[at + 3], layer)
        found = self.decoder(
            inputs_embeds=embedded,
            encoder_hidden_states=read,
            encoder_attention_mask=mask,
            cache=EncoderDecoderCache(own, crossed),
            use_cache=True,
        )
        kept = [
            tensor
            for mine, theirs in zip(own.layers, crossed.layers, strict=True)
            for tensor in (mine.keys, mine.values, *(() if past else (theirs.keys, theirs.values)))
        ]
        return self.head(found.last_hidden_state), *kept


def caches(prefix: str, layers: int, *, crossed: bool = True) -> list[str]:
    parts = ("decoder", "encoder") if crossed else ("decoder",)
    return [f"{prefix}.{layer}.{part}.{what}" for layer in range(layers) for part in parts for what in ("key", "value")]


def random_model(kind: str, vocabulary: int) -> Any:
    """`base`: the form of microsoft/Florence-2-base, with 768 numbers a token."""
    base = {"encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 12, "decoder_attention_heads": 12}
    wide = {"d_model": 768, "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072}
    text = export_tiny.TEXT if kind == "tiny" else base | wide
    ends = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
    config = transformers.Florence2Config(
        vision_config=export_tiny.VISION if kind == "tiny" else {"projection_dim": 768},
        text_config={"vocab_size": vocabulary, "max_position_embeddings": 1024, **text, **ends},
        image_token_id=vocabulary - 1,
    )
    torch.manual_seed(0)
    model = transformers.Florence2ForConditionalGeneration(config)
    model.set_attn_implementation("eager")
    return model.eval()


def export(part: torch.nn.Module, feeds: Tensors, outputs: Sequence[str], to: Path) -> None:
    """Of each tensor the batch is free, and so is what its name says."""
    part.eval()  # else exporting leaves it, and the model in it, as one that is being trained
    free = {name: _free(name) for name in [*feeds, *outputs]}
    torch.onnx.export(
        part,
        tuple(feeds.values()),
        str(to),
        input_names=list(feeds),
        output_names=list(outputs),
        dynamic_axes=free,
        opset_version=OPSET,
        dynamo=False,
    )


def _free(name: str) -> dict[int, str]:
    match name.split("."):
        case ["past_key_values", _, "decoder", _]:
            return {0: "batch_size", 2: "past_decoder_sequence_length"}
        case ["present", _, "decoder", _]:
            return {0: "batch_size", 2: "past_decoder_sequence_length + 1"}
        case [_, _, "encoder", _]:
            return {0: "batch_size", 2: "encoder_sequence_length"}
        case ["pixel_values" | "image_features"]:
            return {0: "batch_size"}
        case _:
            return {0: "batch_size", 1: "encoder_sequence_length" if "encoder" in name else "sequence_length"}


def write(model: Any, folder: Path) -> None:
    """The four files."""
    text = model.config.text_config
    layers, heads, size = (
        text.decoder_layers,
        text.decoder_attention_heads,
        text.d_model // text.decoder_attention_heads,
    )
    mask, states = torch.ones(2, 9).long(), torch.randn(2, 9, text.d_model)
    export(Eyes(model), {"pixel_values": torch.randn(2, 3, SIDE, SIDE)}, ["image_features"], folder / f"{EYES}.onnx")
    words = model.get_input_embeddings()
    export(words, {"input_ids": torch.ones(2, 9).long()}, ["inputs_embeds"], folder / f"{WORDS}.onnx")
    asked = {"attention_mask": mask, "inputs_embeds": states}
    export(Reader(model), asked, ["last_hidden_state"], folder / f"{READER}.onnx")
    given = {"encoder_attention_mask": mask, "encoder_hidden_states": states, "inputs_embeds": states[:, :1]}
    first, further = folder / "first.onnx", folder / "further.onnx"
    export(Writer(model), given, ["logits", *caches("present", layers)], first)
    past = {
        name: torch.randn(2, heads, 9 if ".encoder." in name else 4, size) for name in caches("past_key_values", layers)
    }
    export(Writer(model), given | past, ["logits", *caches("present", layers, crossed=False)], further)
    merge(first, further, folder / f"{WRITER}.onnx")
    first.unlink()
    further.unlink()


def merge(first: Path, further: Path, to: Path) -> None:
    """Both steps in one file, of which `use_cache_branch` chooses one; they share their weights.

    As in real exports, the further step's caches of what was read are empty: the first step's go on to be used.
    """
    begin, go_on = onnx.load(first), onnx.load(further)
    weights: dict[tuple[Any, ...], onnx.TensorProto] = {}
    branches = [_branch(model.graph, prefix, weights) for prefix, model in (("first_", begin), ("next_", go_on))]
    outputs = [*begin.graph.output]
    for output in outputs:
        output.name = output.name.removeprefix("first_")
    _complete(branches[1], outputs)
    flag = helper.make_tensor_value_info("use_cache_branch", TensorProto.BOOL, [1])
    names = [one.name for one in outputs]
    choose = helper.make_node("If", [flag.name], names, then_branch=branches[1], else_branch=branches[0])
    graph = helper.make_graph([choose], "merged", [*go_on.graph.input, flag], outputs, list(weights.values()))
    merged = helper.make_model(graph, opset_imports=begin.opset_import, ir_version=begin.ir_version)
    onnx.checker.check_model(merged)
    onnx.save(merged, str(to))


def _branch(graph: onnx.GraphProto, prefix: str, weights: dict[tuple[Any, ...], onnx.TensorProto]) -> onnx.GraphProto:
    """The graph with names of its own; inputs and weights are those outside, one weight for each content."""
    names = {"": ""} | {one.name: one.name for one in graph.input}
    for weight in graph.initializer:
        told = weight.name
        kept = weights.setdefault((weight.data_type, tuple(weight.dims), weight.raw_data), weight)
        if kept is weight:
            weight.name = f"weight_{len(weights)}"
        names[told] = kept.name
    for node in graph.node:
        node.name = prefix + node.name
        node.input[:] = [names.get(name, prefix + name) for name in node.input]
        node.output[:] = [prefix + name for name in node.output]
    for output in graph.output:
        output.name = prefix + output.name
    return helper.make_graph(list(graph.node), f"{prefix}step", [], list(graph.output))


def _complete(branch: onnx.GraphProto, outputs: Sequence[onnx.ValueInfoProto]) -> None:
    """With an empty tensor for each output that the branch lacks, all in their order."""
    there = {output.name: output for output in branch.output}
    found = []
    for output in outputs:
        name = f"next_{output.name}"
        if name not in there:
            sizes = [one.dim_value for one in output.type.tensor_type.shape.dim]
            value = helper.make_tensor("none", TensorProto.FLOAT, [0, sizes[1], 1, sizes[3]], [])
            branch.node.append(helper.make_node("Constant", [], [name], value=value))
        found.append(there.get(name, helper.make_tensor_value_info(name, TensorProto.FLOAT, None)))
    del branch.output[:]
    branch.output.extend(found)


def steps(folder: Path, pixels: np.ndarray, prompt: list[int], tokens: list[int]) -> np.ndarray:
    """Logits after each of the tokens as onnxruntime has them, one step at a time: steps x vocabulary."""
    parts = {name: ort.InferenceSession(str(folder / f"{name}.onnx")) for name in (EYES, WORDS, READER, WRITER)}
    (seen,) = parts[EYES].run(None, {"pixel_values": pixels})
    (asked,) = parts[WORDS].run(None, {"input_ids": np.array([prompt])})
    given = np.concatenate([seen, asked], axis=1)
    mask = np.ones(given.shape[:2], dtype=np.int64)
    (read,) = parts[READER].run(None, {"attention_mask": mask, "inputs_embeds": given})
    past = {
        one.name: np.zeros([1, one.shape[1], 0, one.shape[3]], dtype=np.float32)
        for one in parts[WRITER].get_inputs()
        if one.name.startswith("past_key_values.")
    }
    names = [one.name.replace("present", "past_key_values") for one in parts[WRITER].get_outputs()]
    logits = []
    for number, token in enumerate(tokens):
        (embedded,) = parts[WORDS].run(None, {"input_ids": np.array([[token]])})
        feeds = {"encoder_attention_mask": mask, "encoder_hidden_states": read, "inputs_embeds": embedded}
        out = dict(
            zip(
                names, parts[WRITER].run(None, feeds | past | {"use_cache_branch": np.array([number > 0])}), strict=True
            )
        )
        logits.append(out.pop("logits")[0, -1])
        past |= {name: value for name, value in out.items() if number == 0 or ".decoder." in name}
    return np.stack(logits)


def differs(model: Any, folder: Path, prompt: list[int], tokens: list[int]) -> float:
    """The largest difference between transformers without a cache and onnxruntime with it."""
    pixels = torch.randn(1, 3, SIDE, SIDE)
    text = model.model.language_model
    with torch.no_grad():
        given = torch.cat([Eyes(model)(pixels), model.get_input_embeddings()(torch.tensor([prompt]))], dim=1)
        read = text.encoder(inputs_embeds=given).last_hidden_state
        written = text.decoder(input_ids=torch.tensor([tokens]), encoder_hidden_states=read, use_cache=False)
        expected = model.lm_head(written.last_hidden_state)[0].numpy()
    return float(np.abs(steps(folder, pixels.numpy(), prompt, tokens) - expected).max())


def chosen(options: argparse.Namespace) -> tuple[Any, Tokenizer]:
    if options.model:
        kept = transformers.AutoTokenizer.from_pretrained(options.model).backend_tokenizer
        loaded = transformers.Florence2ForConditionalGeneration.from_pretrained(
            options.model, attn_implementation="eager"
        )
        return loaded.eval(), kept
    words = export_tiny.tokenizer()
    model = random_model(options.random, words.get_vocab_size() if options.random == "tiny" else 51290)
    if options.random == "tiny":
        with torch.no_grad():
            seen = Eyes(model)(torch.cat([torch.zeros(1, 3, SIDE, SIDE), torch.randn(3, 3, SIDE, SIDE)]))
        export_tiny.teach(model, words, seen)
    return model, words


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--model", help="a folder, or a name on the hub")
    which.add_argument("--random", choices=["tiny", "base"])
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    model, words = chosen(options)
    words.save(str(options.to / "tokenizer.json"))
    write(model, options.to)
    size = sum(file.stat().st_size for file in options.to.glob("*.onnx"))
    worst = differs(model, options.to, [0, 7, 9, 20, 2], [2, 0, 11, 12, 300, 13])
    print(f"{size:,} bytes, differs by {worst:.1e}, {time.perf_counter() - begin:.0f} s")
    if worst > TOLERANCE:
        raise SystemExit(f"the files differ by more than {TOLERANCE}")


main()
