"""No lower bound is above a time that was measured and published for that device, model, size and precision.

Milliseconds are as published; where a throughput was, they are batch / throughput.
"""

from math import ceil, floor
from typing import Any, NamedTuple

import pytest

from costcalc import on_hardware
from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.analysis.roofline.roofline import PUBLISHED_BANDS

SLIM = "tensorflow/models, research/slim/nets/mobilenet/README.md, column Pixel 1"
BERT = "NVIDIA/TensorRT 8.4.3, demo/BERT/README.md, Inference performance, average latency"
RN50 = "NVIDIA/DeepLearningExamples, PyTorch/Classification/ConvNets/resnet50v1.5/README.md, Inference performance"
ZOO = "STMicroelectronics/stm32ai-modelzoo, image_classification/mobilenetv1/README.md, reference MCU inference time"
TINY = "MLPerf Tiny v1.1, closed/Krai/results/NUCLEO-L4R5ZI_X-CUBE-AI-7.3/vww/performance, 4.446 inferences/s"
NCNN = "Tencent/ncnn, benchmark/README.md, Raspberry Pi 4 Model B, Cortex-A72 1.8GHz x 4, min"
MXNET = "apache/mxnet, docs/static_site/src/pages/api/faq/perf.md, p3.2xlarge, float32, cuDNN 7.0.5, 708.43 img/s"
BIG = "Tencent/ncnn, benchmark/README.md, Snapdragon 820 (Kryo 2.15 GHz), 1 big core, min"
NANO = "NVIDIA's Jetson Nano benchmarks (D. Franklin), 36 and 64 FPS, TensorRT float16, as quoted on GitHub"

BERT_LARGE = {"depth": 24, "d": 1024, "heads": 16, "feed_forward": 4096}


class Published(NamedTuple):
    device: str
    model: str
    precision: str
    milliseconds: float
    source: str
    params: dict[str, Any] = {}  # noqa: RUF012
    dims: dict[str, int] = {}  # noqa: RUF012


def v2(alpha: float, resolution: int, ms: float) -> Published:
    return Published("pixel-1", "mobilenet_v2", "float32", ms, SLIM, {"alpha": alpha, "resolution": resolution})


def v1(alpha: float, resolution: int, ms: float, classes: int = 1000) -> Published:
    params = {"alpha": alpha, "resolution": resolution, "classes": classes}
    return Published("stm32h747", "mobilenet_v1", "int8", ms, ZOO, params)


def bert(device: str, precision: str, seq: int, batch: int, ms: float, large: bool = False) -> Published:
    return Published(device, "bert_base", precision, ms, BERT, BERT_LARGE if large else {}, {"N": batch, "seq": seq})


def resnet(device: str, precision: str, batch: int, ms: float) -> Published:
    return Published(device, "resnet50", precision, ms, RN50, {}, {"N": batch})


PUBLISHED = (
    v2(1.4, 224, 138.0),
    v2(1.0, 224, 73.8),
    v2(1.0, 192, 55.1),
    v2(1.0, 96, 17.6),
    v2(0.75, 160, 30.4),
    v2(0.5, 224, 28.7),
    v2(0.5, 96, 6.4),
    v2(0.35, 224, 19.7),
    v2(0.35, 96, 4.5),
    Published("pixel-1", "mobilenet_v3_large", "float32", 51.2, SLIM),
    Published("pixel-1", "mobilenet_v3_small", "float32", 15.8, SLIM),
    v1(1.0, 224, 1641.84),
    v1(0.5, 224, 504.37),
    v1(0.25, 224, 166.75),
    v1(0.25, 96, 29.94, 5),
    Published("stm32l4r5", "mobilenet_v1", "int8", 1000 / 4.446, TINY, {"alpha": 0.25, "resolution": 96, "classes": 2}),
    Published("raspberry-pi-4", "mobilenet_v1", "float32", 60.74, NCNN),
    Published("raspberry-pi-4", "mobilenet_v1", "int8", 34.19, NCNN),
    Published("raspberry-pi-4", "mobilenet_v2", "float32", 61.63, NCNN),
    Published("raspberry-pi-4", "vgg16", "float32", 541.66, NCNN),
    Published("pixel-1", "resnet18", "float32", 197.35, BIG),
    Published("pixel-1", "vgg16", "float32", 1416.39, BIG),
    Published("v100", "vgg16", "float32", 32_000 / 708.43, MXNET, {}, {"N": 32}),
    Published("jetson-nano", "resnet50", "float16", 1000 / 36, NANO),
    Published("jetson-nano", "mobilenet_v2", "float16", 1000 / 64, NANO, {"resolution": 300}),
    bert("a100-sxm-40gb", "float16", 128, 1, 0.67),
    bert("a100-sxm-40gb", "float16", 128, 128, 16.14),
    bert("a100-sxm-40gb", "float16", 384, 128, 51.26),
    bert("a100-sxm-40gb", "int8", 128, 1, 0.58),
    bert("a100-sxm-40gb", "int8", 128, 128, 8.18),
    bert("a100-sxm-40gb", "int8", 384, 128, 29.34),
    bert("a100-sxm-40gb", "float16", 384, 1, 3.12, large=True),
    bert("a100-sxm-40gb", "float16", 384, 128, 163.70, large=True),
    bert("a100-sxm-40gb", "int8", 128, 128, 25.45, large=True),
    bert("t4", "float16", 128, 1, 1.95),
    bert("t4", "float16", 128, 128, 144.20),
    bert("t4", "int8", 128, 1, 1.69),
    bert("t4", "int8", 128, 128, 73.15),
    bert("t4", "float16", 384, 128, 1518.35, large=True),
    resnet("t4", "float32", 1, 10.7),
    resnet("t4", "float32", 64, 64 / 0.428),
    resnet("t4", "float16", 8, 12.82),
    resnet("t4", "float16", 256, 256 / 1.198),
    resnet("v100", "float32", 1, 10.37),
    resnet("v100", "float32", 256, 256 / 1.261),
    resnet("v100", "float16", 256, 256 / 3.382),
)


def name(case: Published) -> str:
    return "-".join([case.device, case.model, case.precision, *map(str, (case.params | case.dims).values())])


@pytest.mark.parametrize("case", PUBLISHED, ids=name)
def test_no_bound_is_above_a_published_time(case: Published) -> None:
    dtype = None if case.precision == "float32" else case.precision
    (bound,) = on_hardware(case.model, case.device, params=case.params, dims=case.dims, dtype=dtype, act_dtype=dtype)
    assert not bound.without_peak and not bound.open_symbols
    assert bound.model.seconds is not None and bound.model.seconds > 0
    assert float(bound.model.seconds) * 1000 <= case.milliseconds
    assert float(bound.model.seconds) * 1000 >= case.milliseconds / 50, "a bound so low says nothing"


def test_there_are_enough_of_them() -> None:
    assert len(PUBLISHED) >= 10
    assert len({case.device for case in PUBLISHED}) >= 8


@pytest.mark.parametrize("kind", list(PUBLISHED_BANDS))
def test_the_band_of_a_kind_is_that_of_its_published_times(kind: str) -> None:
    """To one decimal, rounded outwards."""
    ratios = []
    for case in PUBLISHED:
        if find_profile(case.device).kind == kind:
            dtype = None if case.precision == "float32" else case.precision
            (bound,) = on_hardware(
                case.model, case.device, params=case.params, dims=case.dims, dtype=dtype, act_dtype=dtype
            )
            assert bound.unfused is not None
            ratios.append(case.milliseconds / 1000 / float(bound.unfused))
    band = PUBLISHED_BANDS[kind]
    assert len(ratios) == band.runs
    assert (floor(min(ratios) * 10) / 10, ceil(max(ratios) * 10) / 10) == (float(band.lowest), float(band.highest))


def test_each_published_time_is_in_a_band() -> None:
    assert sum(band.runs for band in PUBLISHED_BANDS.values()) == len(PUBLISHED)
