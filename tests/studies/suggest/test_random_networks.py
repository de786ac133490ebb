"""Random small networks: every suggestion keeps its promise, and several applied one after another do."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.networks import made, promised

import costcalc
from costcalc.rules import ShapeError

BLOCKS = """\
blocks:
  unit:
    args: {filters: , kernel: 3, stride: 1, norm: true}
    layers:
      - conv: {filters: filters * wide, kernel: kernel, stride: stride, pad: kernel // 2, bias: false}
      - batch_norm
      - relu   # behind every unit
  wrapped:
    args: {filters: }
    layers: [{conv: {filters: filters, kernel: 3, pad: same}}, relu, relu]
"""

filters = st.sampled_from([4, 8, 12, 16])
kernel = st.sampled_from([1, 3, 5, 7])
stride = st.sampled_from([1, 2])
pad = st.sampled_from(["same", "same_lower", "0", "1", "2", "[0, 1, 2, 1]"])
bias = st.sampled_from(["", ", bias: false"])


@st.composite
def conv(draw: st.DrawFn) -> str:
    k = draw(kernel)
    options = f"filters: {draw(filters)}, kernel: {k}, stride: {draw(stride)}"
    dilated = draw(st.sampled_from(["", ", dilation: 2"]))
    return f"conv: {{{options}, pad: {draw(pad) if k < 7 else 'same'}{dilated if k == 3 else ''}{draw(bias)}}}"


@st.composite
def unit(draw: st.DrawFn) -> str:
    return f"unit: {{filters: {draw(filters)}, kernel: {draw(kernel)}, stride: {draw(stride)}}}"


@st.composite
def residual(draw: st.DrawFn) -> str:
    inner = draw(st.sampled_from(["relu", "batch_norm", "{depthwise_conv: {kernel: 3, pad: 1}}"]))
    return f"residual: {{body: [{inner}, {{conv: {{filters: 16, kernel: 3, pad: 1}}}}]}}"


plain = st.sampled_from(
    [
        "relu",
        "relu",
        "batch_norm",
        "tanh",
        "relu6",
        "max_pool: {kernel: 2, stride: 1}",
        "silu",
        "repeat: {times: 2, layers: [{wrapped: {filters: 8}}]}",
    ]
)
layer = st.one_of(conv(), unit(), plain)


@st.composite
def networks(draw: st.DrawFn) -> str:
    body = draw(st.lists(layer, min_size=1, max_size=6))
    if draw(st.booleans()):
        body += ["pointwise_conv: {filters: 16}", draw(residual())]
    if draw(st.booleans()):
        body += ["flatten", "linear: {units: 20}", "relu", "linear: {units: 5}"]
    lines = "".join(f"  - {line}\n" for line in body)
    channels = draw(st.sampled_from([1, 3, 8]))
    text = f"params: {{wide: 2}}\ninput: [N, {channels}, 40, 40]\n{BLOCKS}layers:\n{lines}"
    try:
        costcalc.load(text.encode())
    except ShapeError:
        assume(False)
    return text


@settings(max_examples=60)
@given(networks())
def test_every_suggestion_keeps_its_promise(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = costcalc.suggest(made(Path(folder), text))
        for one in found.ranked:
            if one.writable:
                promised(found, one.number, Path(folder))


@settings(max_examples=40)
@given(networks(), st.data())
def test_several_one_after_another(text: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(3):
            found = costcalc.suggest(made(Path(folder), text))
            able = [one for one in found.ranked if one.writable]
            if not able:
                break
            one = data.draw(st.sampled_from(able))
            text = found.apply(one.number)
            promised(found, one.number, Path(folder))
            after = costcalc.suggest(made(Path(folder), text)).report.totals
            assert after == dict(one.after)
