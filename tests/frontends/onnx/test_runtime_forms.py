"""Forms of operators that ONNX Runtime runs and exporters write, though ONNX's text does not have them (any more)."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import ModelProto, helper, numpy_helper

from costcalc import analyze


def one_node(op_type: str, inputs: list[Any], opset: int, stored: bool, **attributes: Any) -> tuple[ModelProto, Any]:
    """A model of one node and what to run it with; stored: all inputs but the first are initializers."""
    names = ["" if array is None else f"i{i}" for i, array in enumerate(inputs)]
    arrays = {name: array for name, array in zip(names, inputs, strict=True) if array is not None}
    fixed = {name: array for name, array in arrays.items() if stored and name != "i0"}
    feed = {name: array for name, array in arrays.items() if name not in fixed}
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feed.items()
    ]
    graph = helper.make_graph(
        [helper.make_node(op_type, names, ["y"], "node", **attributes)],
        "g",
        infos,
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(array, name) for name, array in fixed.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), feed


def executed_shape(model: ModelProto, feed: Any) -> tuple[int, ...]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return tuple(np.asarray(session.run(None, feed)[0]).shape)


SIGNAL, STEP, LENGTH = np.ones((2, 64), np.float32), np.array(16), np.array(32)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("onesided", [0, 1])
def test_a_signal_of_batch_and_samples(stored: bool, onesided: int) -> None:
    model, feed = one_node("STFT", [SIGNAL, STEP, np.ones(32, np.float32), LENGTH], 17, stored, onesided=onesided)
    report = analyze(model, values={} if stored else {"i1": 16})
    bins = 17 if onesided else 32
    assert report.graph.types["y"].shape == executed_shape(model, feed) == (2, 3, bins, 2)
    # Two frames' sums over 32 samples, a multiplication and an addition each, and the window.
    assert report.totals["flops"] == 2 * (2 * 3 * bins * 2) * 32 + 2 * 3 * 32
    assert [note for note in report.graph.notes if "[batch, samples, 1]" in note]


def test_the_form_of_the_text_costs_the_same_without_a_note() -> None:
    model, _ = one_node("STFT", [SIGNAL[:, :, None], STEP, None, LENGTH], 17, True)
    plain, _ = one_node("STFT", [SIGNAL, STEP, None, LENGTH], 17, True)
    assert analyze(model).totals["flops"] == analyze(plain).totals["flops"]
    assert not analyze(model).graph.notes


def test_a_reshape_whose_shape_is_an_attribute() -> None:
    model, feed = one_node("Reshape", [np.ones((2, 6), np.float32)], 4, True, shape=[3, -1])
    assert analyze(model).graph.types["y"].shape == executed_shape(model, feed) == (3, 4)


def test_the_places_of_a_number_other_than_zero() -> None:
    model, feed = one_node("NonZero", [np.array(1.0, np.float32)], 13, True)
    assert executed_shape(model, feed) == (1, 1)
    shape = analyze(model).graph.types["y"].shape
    assert shape is not None and shape[0] == 1
