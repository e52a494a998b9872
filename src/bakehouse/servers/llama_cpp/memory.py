"""What llama.cpp's server allocates for a model: weights, cache, and the buffer that it computes in. Pure.

Facts of llama.cpp b11312, checked against the memory breakdown that `llama-server -lv 5` prints (tests/engine):
src/llama-kv-cache.cpp (cells), src/llama-context.cpp (the worst-case graph), tools/server/server-context.cpp (slots).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from bakehouse.model_files.gguf.header import Header
from bakehouse.model_files.gguf.limit import Kept
from bakehouse.model_files.gguf.work import Work, kv_type
from bakehouse.servers.deploying import Allocation, Deployment

_PAD = 256
"""Tokens: a cache has a multiple of them."""
_SLOTS = 4
"""The default where their number is not given: then they share one cache."""
_UBATCH = 512
_WIDTHS, _FEED_FORWARDS = 4, 3
"""Rows of 32-bit floats that the graph keeps for each token of a physical batch: as wide as the model, and as its
feed-forward part."""
_MASK = 2
"""Bytes of the attention mask for a token of the batch and a cell of the cache."""
_TOKEN_EMBEDDING = "token_embd.weight"  # noqa: S105 - a tensor
_OUTPUT = "output.weight"

_NAMES = {
    "context": (("--ctx-size", "-c"), "LLAMA_ARG_CTX_SIZE"),
    "parallel": (("--parallel", "-np"), "LLAMA_ARG_N_PARALLEL"),
    "ubatch": (("--ubatch-size", "-ub"), "LLAMA_ARG_UBATCH"),
    "key": (("--cache-type-k", "-ctk"), "LLAMA_ARG_CACHE_TYPE_K"),
    "value": (("--cache-type-v", "-ctv"), "LLAMA_ARG_CACHE_TYPE_V"),
}
_UNIFIED = ("--kv-unified", "-kvu")


def allocation(header: Header, arguments: Sequence[str], environment: Mapping[str, str], on_card: bool) -> Allocation:
    """For all layers in one place. What does not depend on the arguments follows from the model's header."""
    told = {name: _told(arguments, environment, *names) for name, names in _NAMES.items()}
    trained = header.number("context_length") or 0
    context = _number(told["context"], trained) or trained
    ubatch = min(_number(told["ubatch"], _UBATCH), context) or _UBATCH
    parallel = _number(told["parallel"], 0)
    unified = parallel < 1 or any(word in arguments for word in _UNIFIED)
    slots = parallel if parallel > 0 else _SLOTS
    streams = 1 if unified else slots
    cells = _padded(-(-context // streams))
    work = Work(header)
    cache = streams * work.allocated(
        cells,
        in_window=lambda window: _padded(min(cells, window * (slots if unified else 1) + ubatch)),
        key=kv_type(told["key"] or "f16"),
        value=kv_type(told["value"] or "f16"),
    )
    return Allocation(
        weights=_weights(work, on_card=on_card),
        cache=cache + slots * work.state // 2,
        compute=_compute(header, ubatch, cells),
        cells=context,
    )


def kept(arguments: Mapping[str, str]) -> Kept:
    """How it keeps the cache, where arguments have their long names."""
    told = {name: arguments.get(options[0]) for name, (options, _) in _NAMES.items()}
    return Kept(
        key=kv_type(told["key"] or "f16"),
        value=kv_type(told["value"] or "f16"),
        batch=_number(told["ubatch"], _UBATCH),
    )


def _weights(work: Work, *, on_card: bool) -> int:
    """All tensors. The table of tokens stays in the machine's memory; where it is the output as well, the card has a
    copy, and so has a processor that keeps its weights in an order of its own (AMX, `REPACK`).
    """
    sizes = work.tensor_bytes
    table = sizes.get(_TOKEN_EMBEDDING, 0)
    tied = _OUTPUT not in sizes
    everything = sum(sizes.values())
    if on_card:
        return round(everything if tied else everything - table)
    return round(everything + table if tied else everything)


def _compute(header: Header, ubatch: int, cells: int) -> int:
    width = header.number("embedding_length") or 0
    floats = _WIDTHS * width + _FEED_FORWARDS * _feed_forward(header, width)
    return ubatch * (4 * floats + _MASK * cells)


def _feed_forward(header: Header, width: int) -> int:
    """The widest layer's; of experts, those that a token uses."""
    said = header.of("feed_forward_length")
    dense = max(map(int, said), default=0) if isinstance(said, tuple) else header.number("feed_forward_length") or 0
    used = header.number("expert_used_count") or 0
    return max(dense, used * (header.number("expert_feed_forward_length") or 0)) or 4 * width


def _told(arguments: Sequence[str], environment: Mapping[str, str], names: Sequence[str], variable: str) -> str | None:
    """The last value of an option on the command line, else of its variable."""
    found = environment.get(variable)
    for word, following in pairwise(arguments):
        if word in names:
            found = following
    return found


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


def _padded(tokens: int) -> int:
    return -(-tokens // _PAD) * _PAD


DEPLOYMENT = Deployment(
    metrics_path="/metrics",
    metrics_arguments=("--metrics",),
    name_argument="--alias",
    model_options=("-m", "--model-url", "-mu", "--hf-repo", "-hf", "-hfr"),
    model_suffix=".gguf",
    card_arguments=("--n-gpu-layers", "999", "--fit", "off"),
    allocates=allocation,
    keeps=kept,
)
"""`--fit off` and all layers on the card: where memory is planned, a server that lacks some must fail, not place half
of the model elsewhere in silence (`--fit on` is the default, common/arg.cpp)."""
