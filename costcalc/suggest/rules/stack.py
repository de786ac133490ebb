"""A 5×5 or 7×7 convolution → two or three of 3×3."""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.graph.index import GraphIndex
from costcalc.graph.patterns.convolution import Convolution, reads_image, standard_convolutions
from costcalc.suggest.between import between, words
from costcalc.suggest.pieces import Copied, Knobs, Match, Ratio, copied_from, fraction, layer
from costcalc.suggest.registry import rule
from costcalc.suggest.rules.separable import single

LARGE = (5, 7)


@rule("stack", "stack of 3×3 convolutions", ratio="n·9/k² for as many filters as channels",
      source="Simonyan and Zisserman, VGG, arXiv:1409.1556, section 2.3")  # fmt: skip
def stack(flow: GraphIndex, knobs: Knobs) -> Iterator[Match]:
    """Two 3×3 convolutions see 5×5 of their input, three see 7×7, with more non-linearities and fewer weights: 2·9 of
    25, 3·9 of 49. All of the stack have the filters of the one that it replaces (the paper's C in, C out); the padding
    is shared out among them and the last one strides, so that the receptive field and every extent stay."""
    for c in standard_convolutions(flow):
        k = c.kernel[0]
        if k not in LARGE or set(c.kernel) != {k} or c.rank > 2:
            continue
        n = k // 2
        shares = _pads(c, n)
        narrow = c.channels < c.filters and not reads_image(flow, c)
        middle = {"filters": c.channels} if narrow else copied_from(c, "filters")
        inside = between(flow, c.at)
        pieces = []
        for i, pad in enumerate(shares):
            last = i == n - 1
            more = copied_from(c, "stride") if last else {}
            if pad is not None:
                more["pad"] = pad
            pieces.append(
                layer(
                    "conv",
                    **(copied_from(c, "filters") if last else middle),
                    kernel=3,
                    **more,
                    **copied_from(c, "dilation", "bias"),
                )
            )
            pieces += [] if last else inside
        said = f"{c.channels if narrow else c.filters} channels inside; between them: {words(inside)}"
        yield Match((c.node.name,), (single(c, *pieces),), _ratio(c, n), said)


def _pads(c: Convolution, n: int) -> list[Copied | None]:
    """What each of n convolutions pads, so that they pad in all as much as the one."""
    if isinstance(c.pads, str):
        return [Copied(c.pads, "$pad")] * n
    if not any(c.pads):
        return [None] * n
    own = c.dilation
    if c.pads == tuple(d * n for d in own) * 2 and len(set(own)) == 1:
        return [Copied(list(own) * 2, "${dilation|1}")] * n
    shares = [[p // n + (i < p % n) for p in c.pads] for i in range(n)]
    return [Copied(share, "[" + ", ".join(map(str, share)) + "]") for share in shares]


def _ratio(c: Convolution, n: int) -> Ratio | None:
    if c.channels == c.filters and set(c.stride) == {1}:
        name = f"{n}·3{'²' if c.rank == 2 else ''}/k{'²' if c.rank == 2 else ''}"
        return fraction({name: (n * 3**c.rank, c.positions)})
    return None
