"""Graph models that are made here, run by onnxruntime, checked against what numpy computes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest

from bakehouse.errors import SupplyError
from bakehouse.model_files.tfjs.convert import convert
from bakehouse.model_files.tfjs.graph_model import shards

Floats = npt.NDArray[np.float32]
RANDOM = np.random.default_rng(1)
NAMES = {np.dtype(np.float32): "float32", np.dtype(np.int32): "int32"}


def text(value: str) -> dict[str, str]:
    return {"s": base64.b64encode(value.encode()).decode()}


def ints(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(one) for one in values]}}


def window(strides: int = 1, padding: str = "SAME") -> dict[str, Any]:
    return {"strides": ints(1, strides, strides, 1), "padding": text(padding), "data_format": text("NHWC")}


class Model:
    """Writes `model.json` and its weights."""

    def __init__(self, folder: Path, *shape: int) -> None:
        self.folder = folder
        sizes = [{"size": str(one)} for one in shape]
        placeholder = {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": {"dim": sizes}}}
        self.nodes: list[dict[str, Any]] = [{"name": "x", "op": "Placeholder", "attr": placeholder}]
        self.weights: list[tuple[str, npt.NDArray[Any]]] = []

    def weight(self, array: npt.NDArray[Any]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append((name, array))
        self.nodes.append({"name": name, "op": "Const"})
        return name

    def add(self, kind: str, *inputs: str, attr: Mapping[str, Any] | None = None, name: str = "") -> str:
        name = name or f"n{len(self.nodes)}"
        self.nodes.append({"name": name, "op": kind, "input": list(inputs), "attr": attr or {}})
        return name

    def save(self, *outputs: str, stored: str = "") -> Path:
        entries, content = [], b""
        for name, array in self.weights:
            entry: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": NAMES[array.dtype]}
            if stored and array.dtype == np.float32:
                entry["quantization"] = {"dtype": stored}
            content += array.astype(stored or array.dtype).tobytes() if "quantization" in entry else array.tobytes()
            entries.append(entry)
        document = {
            "signature": {"outputs": {name: {"name": f"{name}:0"} for name in outputs}},
            "modelTopology": {"node": self.nodes},
            "weightsManifest": [{"paths": ["model.bin"], "weights": entries}],
        }
        (self.folder / "model.bin").write_bytes(content)
        file = self.folder / "model.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        return file


def run(file: Path, picture: Floats) -> list[Floats]:
    session = onnxruntime.InferenceSession(convert(file), providers=["CPUExecutionProvider"])
    return [np.asarray(one) for one in session.run(None, {"x": picture})]


def pictures(*shape: int) -> Floats:
    return RANDOM.standard_normal(shape).astype(np.float32)


def ramp(*shape: int) -> Floats:
    return (np.arange(np.prod(shape)).reshape(shape) / 10).astype(np.float32)


class TestConvert:
    def test_a_network_of_convolutions_in_the_other_layout(self, tmp_path: Path) -> None:
        """A 1x1 convolution is a product of matrices, which numpy has; everything after it stays NCHW."""
        model = Model(tmp_path, 1, 4, 6, 3)
        kernel, bias, scale = pictures(1, 1, 3, 5), pictures(5), pictures(5)
        fused = {
            **window(),
            "fused_ops": {"list": {"s": [text("BiasAdd")["s"], text("Relu6")["s"]]}},
            "num_args": {"i": "1"},
        }
        name = model.add("_FusedConv2D", "x", model.weight(kernel), model.weight(bias), attr=fused)
        name = model.add("Mul", name, model.weight(scale))
        name = model.add(
            "Mean", name, model.weight(np.array([1, 2], np.int32)), attr={"keep_dims": {"b": False}}, name="y"
        )
        x = pictures(2, 4, 6, 3)

        (found,) = run(model.save(name), x)

        expected = (np.clip(x @ kernel[0, 0] + bias, 0, 6) * scale).mean(axis=(1, 2))
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_padding_is_tensorflows(self, tmp_path: Path) -> None:
        """SAME with stride 2 on an even size pads at the end alone."""
        model = Model(tmp_path, 1, 4, 4, 1)
        kernel = np.ones((3, 3, 1, 1), np.float32)
        x = ramp(1, 4, 4, 1)

        (found,) = run(model.save(model.add("Conv2D", "x", model.weight(kernel), attr=window(2))), x)

        padded = np.pad(x[0, ..., 0], ((0, 1), (0, 1)))
        assert found[0, ..., 0] == pytest.approx(
            np.array([[padded[r : r + 3, c : c + 3].sum() for c in (0, 2)] for r in (0, 2)])
        )

    def test_depthwise_with_two_for_each_channel(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 3, 3, 2)
        kernel = pictures(1, 1, 2, 2)
        x = pictures(1, 3, 3, 2)

        (found,) = run(model.save(model.add("DepthwiseConv2dNative", "x", model.weight(kernel), attr=window())), x)

        expected = np.einsum("nhwc,cm->nhwcm", x, kernel[0, 0]).reshape(1, 3, 3, 4)
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_a_transposition_that_only_changes_the_layout_is_no_work(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 3, 4, 5)  # NCHW already, as in models that came from elsewhere
        to_last = model.add("Transpose", "x", model.weight(np.array([0, 2, 3, 1], np.int32)))
        pooled = model.add("MaxPool", to_last, attr={**window(1, "VALID"), "ksize": ints(1, 1, 1, 1)})
        back = model.add("Transpose", pooled, model.weight(np.array([0, 3, 1, 2], np.int32)))
        file, x = model.save(back), pictures(1, 3, 4, 5)

        assert run(file, x)[0] == pytest.approx(x)
        assert b"Transpose" not in convert(file)

    @pytest.mark.parametrize(("corners", "half"), [(False, True), (True, False), (False, False)])
    def test_bilinear_resizing_as_tensorflow_means_it(self, tmp_path: Path, corners: bool, half: bool) -> None:
        model = Model(tmp_path, 1, 1, 4, 1)
        attr = {"align_corners": {"b": corners}, "half_pixel_centers": {"b": half}}
        size = model.weight(np.array([1, 8], np.int32))
        x = np.array([0, 1, 2, 3], np.float32).reshape(1, 1, 4, 1)

        (found,) = run(model.save(model.add("ResizeBilinear", "x", size, attr=attr)), x)

        at = np.arange(8)
        where = at * 3 / 7 if corners else (at + 0.5) / 2 - 0.5 if half else at / 2
        assert found.reshape(-1) == pytest.approx(np.clip(where, 0, 3), abs=1e-5)

    def test_concatenation_padding_and_splitting_follow_the_layout(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 2, 2, 2)
        identity = model.weight(np.eye(2, dtype=np.float32).reshape(1, 1, 2, 2))
        y = model.add("Conv2D", "x", identity, attr=window())
        padded = model.add("Pad", y, model.weight(np.array([[0, 0], [1, 0], [0, 2], [0, 0]], np.int32)))
        both = model.add("ConcatV2", padded, padded, model.weight(np.array(-1, np.int32)))
        sizes, axis = model.weight(np.array([1, 3], np.int32)), model.weight(np.array(3, np.int32))
        halves = model.add("SplitV", both, sizes, axis)
        file = model.save(model.add("Identity", f"{halves}:1"))
        x = pictures(1, 2, 2, 2)

        expected = np.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)))
        np.testing.assert_allclose(run(file, x)[0], np.concatenate([expected, expected], -1)[..., 1:], atol=1e-6)

    def test_a_batch_is_as_each_alone(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 2, 2, 3)
        y = model.add("Reshape", "x", model.weight(np.array([1, 4, 3], np.int32)))
        file, x = model.save(model.add("Softmax", y)), pictures(3, 2, 2, 3)

        together = run(file, x)[0]

        assert together.shape == (3, 4, 3)
        np.testing.assert_allclose(together[1:2], run(file, x[1:2])[0], atol=1e-6)

    def test_weights_of_16_bits_become_32(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 2)
        weights = np.array([[0.5, 1.5], [2.25, 3.0]], np.float32)
        file = model.save(model.add("MatMul", "x", model.weight(weights)), stored="float16")

        assert run(file, np.ones((1, 2), np.float32))[0] == pytest.approx(weights.sum(0, keepdims=True))

    def test_the_same_model_is_the_same_bytes(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 2)
        file = model.save(model.add("Add", "x", model.weight(np.ones(2, np.float32))))

        assert convert(file) == convert(file)

    def test_what_is_written_is_valid(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 4, 4, 1)
        file = model.save(model.add("MaxPool", "x", attr={**window(2), "ksize": ints(1, 2, 2, 1)}))

        found = onnx.load_from_string(convert(file))

        onnx.checker.check_model(onnx.shape_inference.infer_shapes(found))
        assert [node.op_type for node in found.graph.node] == ["Transpose", "MaxPool", "Transpose", "Identity"]


class TestRefusal:
    def test_an_operator_that_is_not_known(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 2)
        with pytest.raises(SupplyError, match="n1: the operator LeakyReLU is not known") as caught:
            convert(model.save(model.add("LeakyReLU", "x")))
        assert "LeakyRelu" in str(caught.value.hint)

    @pytest.mark.parametrize(
        "content", ["{}", "[]", "no JSON", '{"modelTopology": {"node": [1]}, "weightsManifest": []}']
    )
    def test_a_file_that_is_something_else(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "model.json").write_text(content)
        with pytest.raises(SupplyError, match=r"model\.json is no graph model of TensorFlow\.js"):
            convert(tmp_path / "model.json")

    def test_weights_that_lie_elsewhere(self, tmp_path: Path) -> None:
        (tmp_path / "model.json").write_text('{"weightsManifest": [{"paths": ["../secret"], "weights": []}]}')
        with pytest.raises(SupplyError, match="its weights lie in another folder"):
            shards(tmp_path / "model.json")

    def test_too_few_weights(self, tmp_path: Path) -> None:
        model = Model(tmp_path, 1, 2)
        file = model.save(model.add("Add", "x", model.weight(np.ones(2, np.float32))))
        (tmp_path / "model.bin").write_bytes(b"1234")
        with pytest.raises(SupplyError, match="is no graph model"):
            convert(file)
