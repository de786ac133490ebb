"""Networks of custom operators: those that the interpreter brings, MediaPipe's, TensorFlow's own (Flex), compiled blobs."""

from __future__ import annotations

import struct

from builder import ModelBuilder
from flatbuffers import flexbuffers


def detection(m: ModelBuilder) -> None:
    """The end of a detector: boxes from anchors, of which the best are kept."""
    counts = {"max_detections": 10, "max_classes_per_detection": 1, "num_classes": 3, "use_regular_nms": False}
    limits = {"nms_score_threshold": 0.1, "nms_iou_threshold": 0.6}
    scales = {"y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0}
    inputs = (m.input("boxes", (1, 20, 4)), m.input("scores", (1, 20, 4)), m.weights(20, 4, name="anchors"))
    content = flexbuffers.Dumps({**counts, **limits, **scales})
    m.output(*m.op("CUSTOM", inputs, outputs=4, custom="TFLite_Detection_PostProcess", custom_options=bytes(content)))


def spectrogram(m: ModelBuilder) -> None:
    """A spectrogram as speech networks have it in front, and its coefficients."""
    x, rate = m.input("audio", (800, 1)), m.constant((16000,))
    options = bytes(flexbuffers.Dumps({"window_size": 240, "stride": 160, "magnitude_squared": True}))
    a = m.op("CUSTOM", (x,), custom="AudioSpectrogram", custom_options=options)
    limits = {"upper_frequency_limit": 4000.0, "lower_frequency_limit": 20.0}
    options = bytes(flexbuffers.Dumps({**limits, "filterbank_channel_count": 40, "dct_coefficient_count": 10}))
    m.output(m.op("CUSTOM", (a, rate), custom="Mfcc", custom_options=options))


def mediapipe(m: ModelBuilder) -> None:
    """A segmentation network's decoder, with MediaPipe's operators."""
    x = m.input("image", (1, 8, 8, 4))
    pool = struct.pack("<6i", 1, 2, 2, 2, 2, 0)
    values, places = m.op(
        "CUSTOM", (x,), outputs=2, custom="MaxPoolingWithArgmax2D", custom_options=pool, shape=(1, 4, 4, 4)
    )
    y = m.op(
        "CUSTOM",
        (values, m.weights(6, 2, 2, 4), m.weights(6)),
        custom="Convolution2DTransposeBias",
        custom_options=struct.pack("<3i", 1, 2, 2),
        shape=(1, 8, 8, 6),
    )
    z = m.op("CUSTOM", (values, places), custom="MaxUnpooling2D", custom_options=pool, shape=(1, 8, 8, 4))
    m.output(y, z)


def flex(m: ModelBuilder) -> None:
    """Operators that TensorFlow's own kernels run: one on elements, one that ONNX does not have."""
    x = m.input("x", (2, 3))
    y = m.op("CUSTOM", (x,), custom="FlexErf", shape=(2, 3))
    m.output(m.op("CUSTOM", (y,), custom="FlexMatrixInverse", shape=(2, 3)))


def compiled(m: ModelBuilder) -> None:
    """A network that Vela compiled."""
    x = m.input("x", (1, 4), "int8", (0.1,))
    commands = m.constant([0] * 16, "uint8")
    m.output(m.op("CUSTOM", (x, commands), custom="ethos-u", dtype="int8", scales=(0.1,), shape=(1, 2)))


NETWORKS = (detection, spectrogram, mediapipe, flex, compiled)

BY_HAND = ("mediapipe", "flex", "compiled")
"""Networks whose operators the interpreter does not have."""

RESIZED = {"detection": {"boxes": (1, 30, 4), "scores": (1, 30, 4)}, "spectrogram": {"audio": (1600, 1)}}
