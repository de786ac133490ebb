"""An operator -> what its CMSIS-NN kernel allocates: persistent buffers and scratch buffers, in bytes.

The rules are those of `Prepare` in tensorflow/lite/micro/kernels/cmsis_nn/*.cc, compiled for speed (the default), and
of the functions *_get_buffer_size of CMSIS-NN, which differ by the instructions of the core: none of its own (`base`),
DSP, or MVE (Helium). They are those of a build by GCC: Arm's compiler takes another path for pointwise convolutions
with DSP.
Operators that are not here have their reference kernel.
"""

from __future__ import annotations

from costcalc.analysis.memory.tflm.kernels import (
    QUANTISED,
    REFERENCE,
    Kernel,
    KernelCall,
    KernelMemory,
    channel_multipliers,
    converted_bias,
    dims_bytes,
    fully_connected_multipliers,
    lstm_scratch,
    softmax_tables,
    svdf_scratch,
    transposed_operands,
)

MVE_CHANNEL_BLOCK = 124
"""Channels of a block of a depthwise convolution with MVE (CH_IN_BLOCK_MVE)."""

ONE_CHANNEL_THRESHOLD = 1
"""A depthwise convolution of one channel runs as a convolution with MVE where it has more outputs than this, in a build
by GCC; by Arm's compiler the threshold is 8 (arm_nnsupportfunctions.h)."""

REVERSE_THRESHOLD = 16
"""A transposed convolution of more input channels than this runs as a convolution with a reversed filter."""


def _up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def same_padding(size: int, output: int, kernel: int, stride: int, dilation: int, is_same: bool) -> int:
    """Extents of an axis -> the padding before it (ComputePadding of kernels/padding.h)."""
    if not is_same:
        output = (size + stride - (kernel - 1) * dilation - 1) // stride
    return max((output - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2


def im2col_bytes(call: KernelCall, columns: int) -> int:
    """Elements of a filter's position -> the buffer of arm_convolve_s8."""
    return 4 * _up(columns, 16) if call.build.cmsis_nn == "mve" else 2 * _up(columns, 4) * 2


def convolution_scratch(call: KernelCall) -> int:
    """A convolution of int8 -> the bytes of arm_convolve_wrapper_s8_get_buffer_size."""
    x, weights, output = call.input(0), call.input(1), call.output()
    strides, dilations = call.attributes.get("strides", (1, 1)), call.attributes.get("dilations", (1, 1))
    is_same = call.attributes.get("auto_pad") != "VALID"
    pads = [
        same_padding(x.shape[i + 1], output.shape[i + 1], weights.shape[i + 1], strides[i], dilations[i], is_same)
        for i in range(2)
    ]
    height, width, per_group = weights.shape[1:]
    channels = x.shape[3]
    if pads == [0, 0] and height == width == 1 and tuple(dilations) == (1, 1) and channels == per_group:
        return 0
    columns = width * height * channels
    is_row = x.shape[1] == 1 and dilations[1] == 1 and height == 1
    if call.build.cmsis_nn == "mve" and is_row and strides[1] * channels % 4 == 0 and channels == per_group:
        return _row_bytes(call, columns, width, output.shape[2], x.shape[2], channels, strides[1], pads[1])
    return im2col_bytes(call, columns)


def _row_bytes(
    call: KernelCall, columns: int, kernel: int, output: int, size: int, channels: int, stride: int, pad: int
) -> int:
    """A convolution along one axis with MVE -> the bytes of arm_convolve_1_x_n_s8_get_buffer_size_mve."""
    total = (output - 1) * stride + kernel - size
    odd = abs(total) % 2 * (1 if total >= 0 else -1)
    right = max(1, (pad + odd + stride - 1) // stride) if pad + odd else 0
    left = max(1, (pad + stride - 1) // stride) if pad else 0
    if right + max(output - (right + left), 0) + left != output:
        return im2col_bytes(call, columns)
    left_bytes = pad * channels
    right_bytes = right * channels if odd else left_bytes
    return max(kernel * channels + left_bytes, kernel * channels - channels + right_bytes)


def _conv(call: KernelCall) -> KernelMemory:
    x, weights = call.input(0), call.input(1)
    persistent = call.sizes("CmsisNnOpDataConv")
    if x.element in QUANTISED:
        persistent += channel_multipliers(weights.shape[0])
    bias = call.inputs[2] if len(call.inputs) > 2 else None
    scratch = 0
    if x.element == "int8":
        scratch = convolution_scratch(call)
    elif x.element == "int16" and (bias is None or bias.element == "int64"):
        columns = x.shape[3] * weights.shape[1] * weights.shape[2]
        scratch = 4 * _up(columns, 8) * 2 if call.build.cmsis_nn == "mve" else 2 * columns * 2
    return KernelMemory(persistent, (scratch,) if scratch else ())


def _depthwise_conv(call: KernelCall) -> KernelMemory | None:
    x, weights = call.input(0), call.input(1)
    persistent = call.sizes("CmsisNnOpDataConv")
    if x.element in QUANTISED:
        persistent += channel_multipliers(weights.shape[3])
    scratch = depthwise_scratch(call) if x.element == "int8" else 0
    return None if scratch is None else KernelMemory(persistent, (scratch,) if scratch else ())


def depthwise_scratch(call: KernelCall) -> int | None:
    """A depthwise convolution of int8 -> the bytes of arm_depthwise_conv_wrapper_s8_get_buffer_size (s4 with a filter
    of int4); None where the code leaves them open."""
    x, weights, output = call.input(0), call.input(1), call.output()
    strides, dilations = call.attributes.get("strides", (1, 1)), call.attributes.get("dilations", (1, 1))
    height, width = weights.shape[1:3]
    channels, outputs, core = x.shape[3], output.shape[3], call.build.cmsis_nn
    if core == "mve" and weights.element != "int4" and channels == 1 and outputs > ONE_CHANNEL_THRESHOLD:
        nbytes = _one_channel_bytes(call)
        return None if nbytes is None else nbytes + outputs * height * width
    if channels != outputs or x.shape[0] != 1 or tuple(dilations) != (1, 1):
        return 0
    if core == "mve":
        return 4 * MVE_CHANNEL_BLOCK * width * height
    if weights.element == "int4":
        return channels * width * height * 2
    is_same = call.attributes.get("auto_pad") != "VALID"
    pads = [
        same_padding(x.shape[i + 1], output.shape[i + 1], weights.shape[i + 1], strides[i], 1, is_same) for i in (0, 1)
    ]
    if height == width == 3 and max(pads) <= 1:
        return 0
    return channels * width * height * 2 if core == "dsp" else 0


def _one_channel_bytes(call: KernelCall) -> int | None:
    """A depthwise convolution of one channel -> the bytes of the convolution with MVE that it runs as; None along one
    axis, where the function reads strides that its caller has not set (depthwise_conv.cc)."""
    x, output = call.input(0), call.output()
    height, width = call.input(1).shape[1:3]
    strides, dilations = call.attributes.get("strides", (1, 1)), call.attributes.get("dilations", (1, 1))
    is_same = call.attributes.get("auto_pad") != "VALID"
    pads = [
        same_padding(x.shape[i + 1], output.shape[i + 1], (height, width)[i], strides[i], dilations[i], is_same)
        for i in (0, 1)
    ]
    if height == width == 1 and pads == [0, 0] and tuple(dilations) == (1, 1):
        return 0
    return None if x.shape[1] == height == dilations[1] == 1 else im2col_bytes(call, height * width)


def _fully_connected(call: KernelCall) -> KernelMemory:
    x, weights, output = call.input(0), call.input(1), call.output()
    multipliers = fully_connected_multipliers(call)
    persistent, scratch = (*call.sizes("CmsisNnOpDataFullyConnected"), *multipliers), list[int]()
    if x.element == "int8" and weights.element != "int4":
        depth = output.shape[-1]
        if len(output.shape) > 2 and weights.shape[-1] % 4 == 0:
            scratch += [] if multipliers else [depth * 4 * 2]
        elif call.build.cmsis_nn == "mve":
            bias = call.inputs[2] if len(call.inputs) > 2 else None
            is_stored = weights.stored_bytes and (bias is None or bias.stored_bytes)
            if is_stored:
                persistent = (*persistent, 4 * depth)
            else:
                scratch.append(4 * depth)
    return KernelMemory(persistent, tuple(scratch))


def _average_pool(call: KernelCall) -> KernelMemory:
    x = call.input(0)
    has_sums = x.element in QUANTISED and call.build.cmsis_nn == "dsp"
    return KernelMemory(call.sizes("CmsisNnOpDataPooling"), (4 * x.shape[3],) if has_sums else ())


def _max_pool(call: KernelCall) -> KernelMemory:
    return KernelMemory(call.sizes("CmsisNnOpDataPooling"))


def _softmax(call: KernelCall) -> KernelMemory:
    return KernelMemory((*call.sizes("CMSISNNSoftmaxParams"), *softmax_tables(call)))


def _svdf(call: KernelCall) -> KernelMemory:
    persistent = call.sizes("CmsisNnOpDataSvdf")
    if call.input(0).element == "int8" and call.build.cmsis_nn == "mve":
        persistent += (4 * call.input(1).shape[0],)
    return KernelMemory(persistent, svdf_scratch(call))


def _transpose_conv(call: KernelCall) -> KernelMemory:
    weights, x, output = call.input(1), call.input(2), call.output()
    persistent = (*call.sizes("CmsisNnOpDataTransposeConv"), *channel_multipliers(weights.shape[0]))
    scratch: list[int] = []
    if x.element == "int8":
        (stride_h, stride_w), (height, width) = call.attributes.get("strides", (1, 1)), weights.shape[1:3]
        channels = x.shape[3]
        if stride_h <= 2 and stride_w <= 2 and channels > REVERSE_THRESHOLD:
            columns = channels * width * height
            scratch += [im2col_bytes(call, columns), columns * weights.shape[0]]
        else:
            row = ((x.shape[2] - 1) * stride_w + max(width, stride_h)) * output.shape[3]
            scratch += [row * max(height, stride_h) * 4, 0]
    elif x.element == "int16":
        scratch.append(8 * output.elements)
    return KernelMemory(persistent, (*scratch, *converted_bias(call)))


def _batch_matmul(call: KernelCall) -> KernelMemory:
    left, right, output = call.input(0), call.input(1), call.output()
    persistent = (*call.sizes("CmsisNnOpDataBatchMatmul"), *transposed_operands(call, left, right), dims_bytes(output))
    if left.element == "float32":
        return KernelMemory(persistent)
    has_sums = left.element == "int8" and call.build.cmsis_nn == "mve"
    return KernelMemory(
        (*persistent, *call.sizes("QuantizationOpDataBatchMatmul")), (4 * output.shape[-1],) if has_sums else ()
    )


def _lstm(call: KernelCall) -> KernelMemory:
    x, cell, state = call.input(0), call.input(19), call.input(18)
    data = call.sizes("CmsisNnOpDataLSTM")
    if cell.element != "int16" or x.element not in QUANTISED:
        return KernelMemory(data, lstm_scratch(call, 4))
    sums = (state.shape[1] * (4 if x.element == "int8" else 8),) * 8
    return KernelMemory((*data, *sums), lstm_scratch(call, 3))


CMSIS_NN: dict[str, Kernel] = {
    **REFERENCE,
    "AVERAGE_POOL_2D": _average_pool,
    "BATCH_MATMUL": _batch_matmul,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise_conv,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _max_pool,
    "SOFTMAX": _softmax,
    "SVDF": _svdf,
    "TRANSPOSE_CONV": _transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
"""Builtin operators -> the rule of their kernel in a build with CMSIS-NN."""
