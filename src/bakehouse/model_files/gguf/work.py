"""How much a model must read and compute for each token, by its file's header. Pure.

What a token reads bounds how fast one user is answered: weights that are used, the keys and values of all tokens before
it, and the state of layers that keep one. What a prompt computes bounds how fast it is taken in. Both are the least
that any program can do: real ones also write, convert and wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from bakehouse.model_files.gguf.header import Header, Tensor
from bakehouse.model_files.gguf.layers import Attention, attention_of, state_elements
from bakehouse.model_files.gguf.tensor_types import BY_NAME, TensorType

F16 = BY_NAME["f16"]

_TOKEN_EMBEDDING = "token_embd.weight"  # noqa: S105 - a tensor
_OUTPUT = "output.weight"
_LOOKED_UP = (_TOKEN_EMBEDDING, "per_layer_token_embd.weight", "position_embd.weight", "token_types.weight")
"""Of these a token reads one row."""
_NO_PRODUCT = ("ssm_conv1d", "shortconv.conv")
_EXPERTS = re.compile(r"\.ffn_\w*_(?:ch)?exps\.")
_BLOCK = re.compile(r"^(enc\.|dec\.)?blk\.(\d+)\.(.+)$")
_MATRIX = 2
"""Dimensions from which on a weight is multiplied with."""
_CONTEXTS = tuple((1 << power) + 256 for power in range(10, 15))
"""Room for a prompt of a power of two of tokens, and something beside it."""
_BUFFERS, _SPARE = 1 << 30, 1 << 28
"""Bytes."""


@dataclass(frozen=True)
class Work:
    """Of one model."""

    header: Header

    # ------------------------------------------------------------------------------------------ bytes

    @cached_property
    def weights(self) -> int:
        """Bytes of weights that one token reads."""
        return round(sum(self._bytes[one.name] * self._share(one) for one in self._used))

    @cached_property
    def state(self) -> int:
        """Bytes of recurrent state that one token reads and writes, 32-bit floats."""
        return 2 * 4 * state_elements(self.header) * len(self._recurrent)

    def cache(self, depth: float, key: TensorType = F16, value: TensorType = F16) -> float:
        """Bytes of keys and values that a token reads at this depth. It is 0 where nothing looks back."""
        return sum(
            one.seen(depth) * (key.size(one.cached_key) + value.size(one.cached_value)) for one in self._attention
        )

    def allocated(
        self, cells: int, *, in_window: Callable[[int], int], key: TensorType = F16, value: TensorType = F16
    ) -> int:
        """Bytes of a cache with so many cells; a layer that sees a window of tokens has `in_window` of them."""
        return sum(
            (cells if one.window is None else in_window(one.window))
            * (key.size(one.cached_key) + value.size(one.cached_value))
            for one in self._attention
        )

    @property
    def tensor_bytes(self) -> Mapping[str, float]:
        """Of every tensor in the file, by name."""
        return self._bytes

    def prompt_bytes(self, tokens: int, batch: int) -> float:
        """Bytes of weights that a prompt reads, in physical batches of so many tokens."""
        sizes = [min(batch, tokens - begin) for begin in range(0, tokens, batch)]
        return sum(
            self._bytes[one.name] * self._share(one, together=size)
            for size in dict.fromkeys(sizes)
            for one in self._used
            for _ in range(sizes.count(size))
        )

    # ------------------------------------------------------------------------------------------ operations

    @cached_property
    def products(self) -> int:
        """Weights that each token is multiplied with, without the output's."""
        return round(sum(one.elements * self._share(one) for one in self._used if self._multiplies(one)))

    @cached_property
    def output(self) -> int:
        """Weights of the output, which a prompt needs for its last token only."""
        names = {one.name: one.elements for one in self.header.tensors}
        return names.get(_OUTPUT) or names.get(_TOKEN_EMBEDDING, 0)

    def operations(self, depth: float) -> float:
        """Of one decoded token: two for each weight, and looking back."""
        return 2.0 * (self.products + self.output) + self._looking_back(depth)

    def prompt_operations(self, tokens: int) -> float:
        """Of a whole prompt. Looking back costs each token as much as there are before it."""
        back = sum(2.0 * one.heads * (one.key + one.value) * _sum_seen(tokens, one.window) for one in self._attention)
        return 2.0 * self.products * tokens + 2.0 * self.output + back

    # ------------------------------------------------------------------------------------------ size

    @cached_property
    def parameters(self) -> int:
        return sum(one.elements for one in self.header.tensors)

    @cached_property
    def active_parameters(self) -> int:
        """Those that one token is multiplied with."""
        return self.products + self.output

    @cached_property
    def vocabulary(self) -> int | None:
        """Tokens that it knows. None: the file has no table of them."""
        return next((one.shape[-1] for one in self.header.tensors if one.name == _TOKEN_EMBEDDING), None)

    # ------------------------------------------------------------------------------------------ which tensors

    @cached_property
    def _bytes(self) -> dict[str, float]:
        """By name. What a type that is not known takes follows from where the next tensor begins."""
        ordered = sorted(self.header.tensors, key=lambda one: one.offset)
        ends = [after.offset for _, after in pairwise(ordered)]
        ends.append(self.header.file_bytes - self.header.weights_at)
        return {
            one.name: float(one.bytes if one.bytes is not None else max(0, end - one.offset))
            for one, end in zip(ordered, ends, strict=True)
        }

    @cached_property
    def _used(self) -> list[Tensor]:
        """Those that decoding touches: no encoder, and no layers that guess tokens ahead."""
        layers = (self.header.number("block_count") or 0) - (self.header.number("nextn_predict_layers") or 0)
        found = []
        for one in self.header.tensors:
            block = _BLOCK.match(one.name)
            if one.name.startswith("enc.") or (block and layers > 0 and int(block[2]) >= layers):
                continue
            found.append(one)
        return found

    def _share(self, tensor: Tensor, *, together: int = 1) -> float:
        """How much of it is read: one row of a table, some of the experts, else all.

        `together`: tokens of a batch, which choose different experts; that they choose evenly is assumed.
        """
        if tensor.name in _LOOKED_UP and not (tensor.name == _TOKEN_EMBEDDING and self._is_tied):
            return min(1.0, together / max(1, tensor.shape[-1]))
        if not _EXPERTS.search(tensor.name):
            return 1.0
        used, there = self._experts_used, self.header.number("expert_count") or 0
        if not there or not used:
            return 1.0
        return 1.0 - (1.0 - min(1.0, used / there)) ** together

    @cached_property
    def _experts_used(self) -> int:
        value = self.header.of("expert_used_count")
        if isinstance(value, tuple):
            return round(sum(value) / max(1, len(value)))
        return value if isinstance(value, int) else 0

    @cached_property
    def _is_tied(self) -> bool:
        """Whether the output is the table of tokens."""
        return all(one.name != _OUTPUT for one in self.header.tensors)

    def _multiplies(self, tensor: Tensor) -> bool:
        if tensor.name in (*_LOOKED_UP, _OUTPUT) or len(tensor.shape) < _MATRIX:
            return False
        return tensor.name.endswith(".weight") and not any(word in tensor.name for word in _NO_PRODUCT)

    # ------------------------------------------------------------------------------------------ layers

    @cached_property
    def _blocks(self) -> dict[int, set[str]]:
        """Names of the tensors of each layer, without their layer."""
        found: dict[int, set[str]] = {}
        for one in self._used:
            if block := _BLOCK.match(one.name):
                found.setdefault(int(block[2]), set()).add(block[3])
        return found

    @cached_property
    def _recurrent(self) -> list[int]:
        """Layers that keep a state instead of looking back (or beside it)."""
        words = ("ssm_", "shortconv.", "time_mix_")
        found = [layer for layer, names in self._blocks.items() if any(name.startswith(words) for name in names)]
        return sorted(found)

    @cached_property
    def _attention(self) -> list[Attention]:
        return list(attention_of(self.header, self._blocks, self._recurrent))

    def _looking_back(self, depth: float) -> float:
        return sum(2.0 * one.heads * (one.key + one.value) * one.seen(depth) for one in self._attention)


def context(work: Work, memory: int | None, steps: Sequence[int] = _CONTEXTS) -> int:
    """The longest of these contexts that the model was made for and a card of so many bytes holds; 0: none.

    Beside the weights, the cache and what computing takes get half of what is left. Where the memory is not known,
    the cache may have as much as any card has to spare.
    """
    trained = work.header.number("context_length") or 0
    spare = (memory - work.header.file_bytes) / 2 - _BUFFERS if memory else _SPARE
    return max((tokens for tokens in steps if tokens <= trained and work.cache(tokens) <= spare), default=0)


def kv_type(name: str) -> TensorType:
    """Of `--cache-type-k`; what is not known is taken as f16, the default."""
    return BY_NAME.get(name.lower(), F16)


def depths(longest: int, steps: Sequence[int] = (512, 4096, 32768, 131072)) -> list[int]:
    """Depths that a report shows: as far as the model's context goes."""
    return [depth for depth in steps if depth <= max(longest, steps[0])]


def _sum_seen(tokens: int, window: int | None) -> float:
    """What tokens 1..n see together."""
    if window is None or tokens <= window:
        return tokens * (tokens + 1) / 2
    return window * (window + 1) / 2 + (tokens - window) * window
