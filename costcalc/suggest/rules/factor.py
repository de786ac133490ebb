"""A k×k convolution → 1×k and k×1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.convolution import Convolution, reads_image, standard_convolutions
from costcalc.suggest.between import between, words
from costcalc.suggest.pieces import Copied, Knobs, Match, copied_from, fraction, layer
from costcalc.suggest.registry import rule
from costcalc.suggest.rules.separable import single


@rule("factor", "1×k and k×1 convolutions", ratio="2/k for as many filters as channels",
      source="Szegedy et al., Rethinking the Inception Architecture, arXiv:1512.00567, section 3.2")  # fmt: skip
def factor(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """A 1×k convolution followed by a k×1 one sees the same k×k of its input for 2·k in the place of k² weights a pair
    of channels. Both have the filters of the one that they replace; each strides and pads along its own axis. The paper
    found it to work on maps of 12 to 20 positions a side, and not well in early layers."""
    for c in standard_convolutions(flow):
        k = c.kernel[0]
        if c.rank != 2 or k < 3 or c.kernel[1] != k:
            continue
        inside = between(flow, c.at)
        first = layer("conv", **copied_from(c, "filters"), **_along(c, 1), **copied_from(c, "bias"))
        second = layer("conv", **copied_from(c, "filters"), **_along(c, 0), **copied_from(c, "bias"))
        plain = c.channels == c.filters and set(c.stride) == {1}
        ratio = fraction({"2/k": (2, k)}) if plain else None
        said = f"between the two: {words(inside)}"
        weak = reads_image(flow, c)
        yield Match((c.node.name,), (single(c, first, *inside, second),), ratio, said, weak)


def _along(c: Convolution, axis: int) -> dict[str, Any]:
    """kernel, stride, pad and dilation of a convolution along one axis."""

    def of(key: str, value: int, other: int) -> Copied:
        pair = [other, value] if axis else [value, other]
        hole = f"${key}.{axis}"
        return Copied(pair, f"[{other}, {hole}]" if axis else f"[{hole}, {other}]")

    found = {"kernel": of("kernel", c.kernel[axis], 1), "stride": of("stride", c.stride[axis], 1)}
    if isinstance(c.pads, str):
        found["pad"] = Copied(c.pads, "$pad")
    else:
        begin, end = c.pad(axis)
        four = [0, begin, 0, end] if axis else [begin, 0, end, 0]
        found["pad"] = Copied(four, of("pad", begin, 0).text if len(set(c.pads)) == 1 else str(four))
    found["dilation"] = of("dilation", c.dilation[axis], 1)
    return found
