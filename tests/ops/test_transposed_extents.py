"""What a transposed convolution cuts off before and behind its output, against ONNX Runtime: an input of a single one
shows where each position of the input stands in the output."""

from __future__ import annotations

from typing import Any

import pytest

from costcalc.ops.common.window import transposed_extents

numpy = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

EXTENT = 6
WINDOWS = ((3, 2, 1, 0), (4, 2, 1, 0), (2, 2, 1, 0), (5, 2, 1, 1), (3, 2, 2, 0), (3, 3, 1, 0))
"""Kernel, stride, dilation, output_padding."""


def execute(kernel: int, attributes: dict[str, Any]) -> tuple[int, int]:
    """(begin, out): input position i meets the first tap at output i · stride - begin, as ONNX Runtime computes."""
    helper = onnx.helper
    weight = onnx.numpy_helper.from_array(numpy.ones((1, 1, kernel), numpy.float32), "w")
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], kernel_shape=[kernel], **attributes)
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 1, EXTENT])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", [x], [y], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for position in range(EXTENT):
        one = numpy.zeros((1, 1, EXTENT), numpy.float32)
        one[0, 0, position] = 1
        out = session.run(None, {"x": one})[0][0, 0]
        touched = numpy.nonzero(out)[0]
        if len(touched) == kernel:  # no tap of it is cut off
            return position * attributes["strides"][0] - int(touched[0]), len(out)
    raise AssertionError("every position is cut")


@pytest.mark.parametrize("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("output_shape", [None, 9, 10, 11, 12, 13])
@pytest.mark.parametrize("window", WINDOWS)
def test_transposed_convolutions_cut_what_onnxruntime_cuts(
    auto_pad: str, output_shape: int | None, window: tuple[int, int, int, int]
) -> None:
    kernel, stride, dilation, extra = window
    attributes: dict[str, Any] = {"auto_pad": auto_pad, "strides": [stride], "dilations": [dilation]}
    attributes |= {"output_shape": [output_shape]} if output_shape else {}
    attributes |= {"output_padding": [extra]} if extra else {}
    assert transposed_extents((EXTENT,), (kernel,), attributes) == (execute(kernel, attributes),)
