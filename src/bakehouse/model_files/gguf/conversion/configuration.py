"""`config.json`: the shape of the model, in the words of transformers."""

from __future__ import annotations

import json

from bakehouse.model_files.gguf.header import GgufError, Header

OUTPUT = "output.weight"


def configuration(header: Header) -> str:
    """Raises GgufError for another architecture than Llama's."""
    if header.architecture != "llama":
        raise GgufError(f"only models of the architecture llama can be converted, and this is {header.architecture!r}")
    heads, width = _number(header, "attention.head_count"), _number(header, "embedding_length")
    theta = header.of("rope.freq_base") or 10000.0
    found = {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": header.metadata.get("tokenizer.ggml.bos_token_id"),
        "dtype": "bfloat16",
        "eos_token_id": header.metadata.get("tokenizer.ggml.eos_token_id"),
        "head_dim": header.number("rope.dimension_count") or width // heads,
        "hidden_act": "silu",
        "hidden_size": width,
        "intermediate_size": _number(header, "feed_forward_length"),
        "max_position_embeddings": _number(header, "context_length"),
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": _number(header, "block_count"),
        "num_key_value_heads": header.number("attention.head_count_kv") or heads,
        "rms_norm_eps": header.of("attention.layer_norm_rms_epsilon"),
        "rope_parameters": {"rope_theta": theta, "rope_type": "default"},
        "rope_theta": theta,
        "tie_word_embeddings": all(tensor.name != OUTPUT for tensor in header.tensors),
        "vocab_size": _number(header, "vocab_size"),
    }
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def _number(header: Header, key: str) -> int:
    found = header.number(key)
    if found is None:
        raise GgufError(f"the file does not say {header.architecture}.{key}")
    return found
