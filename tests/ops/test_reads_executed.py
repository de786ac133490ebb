"""What operators read of their inputs by their rules of least work is what changes the output of ONNX Runtime."""

from __future__ import annotations

from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime")

from support.perturbation import Call, changed, least_work, make_session, numbers, outputs_of  # noqa: E402

from costcalc.ops.common.window_reads import axis_reads  # noqa: E402

MS = "com.microsoft"


def i64(*values: int) -> Any:
    return np.array(values, np.int64)


def f32(*values: float) -> Any:
    return np.array(values, np.float32)


def count_read(call: Call, position: int) -> int:
    """How many elements of an input change an output."""
    session = make_session(call)
    expected = outputs_of(session, call.arrays)
    array = call.arrays[position]
    number = 9.0 if array.dtype.kind == "f" else 99
    results = (
        outputs_of(session, changed(call.arrays, [(position, index)], number)) for index in np.ndindex(array.shape)
    )
    return sum(any(not np.array_equal(a, b) for a, b in zip(r, expected, strict=True)) for r in results)


def conv(shape: tuple[int, ...], kernel: tuple[int, ...], **attributes: Any) -> Call:
    return Call("Conv", (numbers(*shape), numbers(*kernel)), attributes)


def pool(op_type: str, shape: tuple[int, ...], *kernel: int, **attributes: Any) -> Call:
    return Call(op_type, (numbers(*shape),), {"kernel_shape": kernel, **attributes}, n=2 if op_type == "MaxPool" else 1)


def integers(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).integers(1, 9, shape).astype(np.uint8)


SCALE, ZERO = np.array(1, np.float32), np.array(0, np.uint8)

WINDOWS: dict[str, Call] = {
    "1x1, stride 2": conv((1, 2, 7, 8), (3, 2, 1, 1), strides=[2, 2]),
    "2x3, stride 3": conv((1, 2, 8, 7), (1, 2, 2, 3), strides=[3, 2]),
    "rest at the end": conv((1, 1, 8, 9), (1, 1, 3, 3), strides=[2, 2]),
    "pads": conv((1, 1, 7, 6), (1, 1, 2, 1), strides=[3, 3], pads=[1, 2, 0, 1]),
    "dilations": conv((1, 1, 11), (1, 1, 2), dilations=[3], strides=[4]),
    "dilations apart": conv((1, 1, 13), (2, 1, 3), dilations=[4], strides=[3]),
    "groups": conv((2, 4, 5), (4, 1, 1), strides=[2], group=4),
    "taps in the padding": conv((1, 2, 1, 1), (3, 2, 3, 3), pads=[1, 1, 1, 1]),
    "taps in the padding on one side": conv((1, 1, 2, 3), (1, 1, 3, 5), pads=[2, 4, 0, 0], strides=[1, 3]),
    "same upper": conv((1, 1, 7, 8), (1, 1, 1, 2), strides=[3, 3], auto_pad="SAME_UPPER"),
    "same lower": conv((1, 1, 5, 8), (1, 1, 2, 2), strides=[3, 3], auto_pad="SAME_LOWER"),
    "valid": conv((1, 1, 6), (1, 1, 3), strides=[2], auto_pad="VALID"),
    "transposed": Call(
        "ConvTranspose", (numbers(1, 2, 5, 4), numbers(2, 1, 3, 2)), {"strides": [2, 1], "pads": [3, 1, 4, 2]}
    ),
    "transposed, wide dilations": Call(
        "ConvTranspose", (numbers(1, 1, 4), numbers(1, 2, 2)), {"strides": [3], "dilations": [4], "pads": [5, 2]}
    ),
    "transposed, output_shape": Call(
        "ConvTranspose", (numbers(1, 1, 6, 6), numbers(1, 1, 3, 3)), {"strides": [2, 2], "output_shape": [4, 5]}
    ),
    "transposed, same": Call(
        "ConvTranspose", (numbers(1, 1, 4), numbers(1, 1, 9)), {"strides": [2], "auto_pad": "SAME_UPPER"}
    ),
    "transposed, output_padding": Call(
        "ConvTranspose", (numbers(1, 1, 3), numbers(1, 1, 2)), {"strides": [4], "output_padding": [2], "pads": [3, 2]}
    ),
    "fused": Call("FusedConv", (numbers(1, 1, 6), numbers(1, 1, 1)), {"strides": [2], "activation": "Sigmoid"}, MS),
    "integers": Call("ConvInteger", (integers(1, 1, 5, 5), integers(1, 1, 1, 2)), {"strides": [2, 2]}),
    "quantised": Call(
        "QLinearConv",
        (integers(1, 1, 5, 5), SCALE, ZERO, integers(1, 1, 1, 2), SCALE, ZERO, np.array(20, np.float32), ZERO),
        {"strides": [2, 2]},
    ),
    "quantised, channels last": Call(
        "QLinearConv",
        (integers(1, 5, 5, 2), SCALE, ZERO, integers(2, 2, 1, 1), SCALE, ZERO, np.array(5, np.float32), ZERO),
        {"strides": [2, 3], "channels_last": 1},
        MS,
    ),
    "max pool": pool("MaxPool", (1, 2, 7, 8), 1, 2, strides=[2, 3]),
    "max pool, dilations": pool("MaxPool", (1, 1, 9), 2, strides=[4], dilations=[2]),
    "max pool, ceil": pool("MaxPool", (1, 1, 8), 1, strides=[3], ceil_mode=1),
    "average pool": pool("AveragePool", (1, 1, 7, 8), 2, 2, strides=[3, 3], pads=[1, 0, 0, 0]),
    "norm pool": pool("LpPool", (1, 2, 7), 2, strides=[3]),
    "quantised pool": Call(
        "QLinearAveragePool",
        (integers(1, 5, 5, 2), SCALE, ZERO, SCALE, ZERO),
        {"strides": [2, 2], "kernel_shape": [1, 1], "channels_last": 1},
        MS,
    ),
    "NhwcMaxPool": Call("NhwcMaxPool", (integers(1, 7, 8, 2),), {"kernel_shape": [1, 2], "strides": [2, 3]}, MS),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_positions_and_taps_of_windows(name: str) -> None:
    call = WINDOWS[name]
    work = least_work(call)
    assert work.reads == {i: count_read(call, i) for i in work.reads} and 0 in work.reads


def test_an_axis_by_definition() -> None:
    """Positions and taps counted one by one, for every small window."""
    for extent, kernel, stride, begin, dilation in np.ndindex(9, 4, 4, 4, 3):
        extent, kernel, stride, dilation = extent + 1, kernel + 1, stride + 1, dilation + 1
        free = extent + begin - (kernel - 1) * dilation - 1
        if free < 0:
            continue
        windows = free // stride + 1
        pairs = [(o * stride + j * dilation - begin, j) for o in range(windows) for j in range(kernel)]
        inside = [(position, tap) for position, tap in pairs if 0 <= position < extent]
        expected = len({p for p, _ in inside}), len({j for _, j in inside})
        assert axis_reads(extent, kernel, stride, begin, dilation, windows) == expected


MASK = np.array([[True, False, True], [False, False, True]])

CHOICES: dict[str, Call] = {
    "where": Call("Where", (MASK, numbers(2, 3), numbers(2, 3)), {}, stored=(0,)),
    "where, of a row": Call("Where", (MASK[:1], numbers(2, 3), numbers(3)), {}, stored=(0,)),
    "where, all": Call("Where", (MASK[:1] | True, numbers(2, 3), numbers(2, 3)), {}, stored=(0,)),
    "where, of a scalar": Call("Where", (MASK, numbers(2, 3), numbers(1)), {}, stored=(0,)),
    "compress": Call("Compress", (numbers(2, 3), MASK.reshape(-1)), {}, stored=(1,)),
    "compress an axis": Call("Compress", (numbers(2, 3, 2), MASK[0]), {"axis": 1}, stored=(1,)),
    "upper triangle": Call("Trilu", (numbers(2, 3, 5),), {}),
    "upper triangle above": Call("Trilu", (numbers(4, 3), np.array(1)), {}, stored=(1,)),
    "upper triangle below": Call("Trilu", (numbers(5, 3), np.array(-2)), {}, stored=(1,)),
    "lower triangle": Call("Trilu", (numbers(5, 3), np.array(-1)), {"upper": 0}, stored=(1,)),
    "lower triangle, wide": Call("Trilu", (numbers(2, 5), np.array(2)), {"upper": 0}, stored=(1,)),
    "no triangle": Call("Trilu", (numbers(2, 3), np.array(7)), {}, stored=(1,)),
    "crop": Call("CenterCropPad", (numbers(5, 4), i64(2, 6)), {}, stored=(1,)),
    "crop an axis": Call("CenterCropPad", (numbers(5, 4), i64(3)), {"axes": [1]}, stored=(1,)),
    "negative pads": Call("Pad", (numbers(5, 4), i64(-2, 1, -1, 0)), {}, stored=(1,)),
    "negative pads of an axis": Call("Pad", (numbers(5, 4), i64(0, -3), None, i64(1)), {}, stored=(1, 3)),
    "scatter": Call("ScatterND", (numbers(4, 3), np.array([[2], [0]]), numbers(2, 3)), {}),
    "scatter elements": Call("ScatterElements", (numbers(4, 3), np.array([[2, 0, 1]]), numbers(1, 3)), {}),
    "tensor scatter": Call("TensorScatter", (numbers(1, 2, 5, 3), numbers(1, 2, 2, 3), i64(1)), {}),
    "nearest": Call("Resize", (numbers(1, 1, 8, 6), None, None, i64(1, 1, 3, 4)), {}, stored=(3,)),
    "nearest, floor": Call(
        "Resize",
        (numbers(1, 1, 9, 6), None, f32(1, 1, 0.5, 0.34)),
        {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
        stored=(2,),
    ),
    "nearest, enlarged": Call(
        "Resize",
        (numbers(1, 1, 3, 4), None, f32(1, 1, 1.3, 2)),
        {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
        stored=(2,),
    ),
    "nearest, corners": Call(
        "Resize",
        (numbers(1, 1, 9, 7), None, None, i64(1, 1, 4, 3)),
        {"coordinate_transformation_mode": "align_corners"},
        stored=(3,),
    ),
    "linear": Call("Resize", (numbers(1, 1, 9, 8), None, None, i64(1, 1, 2, 3)), {"mode": "linear"}, stored=(3,)),
    "linear, asymmetric": Call(
        "Resize",
        (numbers(1, 1, 8, 8), None, f32(1, 1, 0.25, 0.5)),
        {"mode": "linear", "coordinate_transformation_mode": "asymmetric"},
        stored=(2,),
    ),
    "linear, antialias": Call(
        "Resize", (numbers(1, 1, 8, 8), None, f32(1, 1, 0.25, 0.5)), {"mode": "linear", "antialias": 1}, stored=(2,)
    ),
    "cubic": Call("Resize", (numbers(1, 1, 16, 16), None, None, i64(1, 1, 2, 3)), {"mode": "cubic"}, stored=(3,)),
    "columns": Call(
        "Col2Im", (numbers(1, 12, 6), i64(3, 4), i64(2, 3)), {"pads": [0, 1, 1, 1], "strides": [1, 2]}, stored=(1, 2)
    ),
    "columns, dilations": Call(
        "Col2Im", (numbers(2, 3, 4), i64(5), i64(3)), {"pads": [1, 2], "dilations": [2]}, stored=(1, 2)
    ),
    "transform of the first samples": Call("DFT", (numbers(1, 7, 1), np.array(4)), {"axis": 1}, stored=(1,), opset=17),
    "transform along an axis": Call("DFT", (numbers(1, 6, 7, 2), np.array(3), np.array(1)), {}, stored=(1, 2)),
    "frames apart": Call("STFT", (numbers(1, 17, 1), np.array(6), numbers(4)), {}, stored=(1,)),
    "frames that overlap": Call("STFT", (numbers(1, 12, 1), np.array(3), None, np.array(5)), {}, stored=(1, 3)),
    "upsample": Call("Upsample", (numbers(1, 1, 3, 4), f32(1, 1, 2, 2)), {}, stored=(1,), opset=9),
}


@pytest.mark.parametrize("name", CHOICES)
def test_elements_that_are_chosen(name: str) -> None:
    """What comes at run time can only choose less."""
    call = CHOICES[name]
    work = least_work(call)
    assert work.reads == {i: count_read(call, i) for i in work.reads} and work.reads
    open_work = least_work(call, stored=())
    assert all(elements <= work.reads[i] for i, elements in open_work.reads.items())


NOTHING = {
    "where": Call("Where", (np.zeros((2, 3), bool), numbers(2, 3), numbers(2, 3)), {}),
    "compress": Call("Compress", (numbers(2, 3), np.zeros(6, bool)), {}),
    "grid": Call("GridSample", (numbers(1, 1, 3, 3), np.full((1, 2, 2, 2), 9, np.float32)), {}),
    "regions": Call("RoiAlign", (numbers(1, 1, 4, 4), f32(90, 90, 95, 95).reshape(1, 4), i64(0)), {}, opset=16),
    "boxes": Call(
        "NonMaxSuppression",
        (numbers(1, 3, 4), numbers(1, 1, 3), i64(5), f32(0.5), f32(7)),
        {},
    ),
    "masked pool": Call(
        "MaxpoolWithMask", (numbers(1, 1, 4, 4), np.zeros((1, 1, 4, 4), np.int32)), {"kernel_shape": [2, 2]}, MS
    ),
}


@pytest.mark.parametrize("name", NOTHING)
def test_data_may_choose_nothing(name: str) -> None:
    call = NOTHING[name]
    work = least_work(call)
    position = 1 if name == "where" else 0
    assert work.reads[position] == 0 and count_read(call, position) == (name == "masked pool")  # one stands for none


def test_the_second_input_of_cast_like_is_a_type() -> None:
    call = Call("CastLike", (numbers(2, 3), np.zeros((4,), np.int32)), {})
    assert least_work(call).unused == {1} and count_read(call, 1) == 0
