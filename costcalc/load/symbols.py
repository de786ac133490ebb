"""Which symbols have a default, and the names that extents get when they are left open on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costcalc.dim import Dim, Poly, symbol

BATCH = frozenset(("n", "b", "bs", "batch"))

IMAGE = {4: "NCHW", 5: "NCDHW"}


def default_batch(name: str) -> bool:
    """Whether a symbol at dimension 0 is a batch, 1 unless bound: it is called N, B, BS, or has `batch` in it."""
    lower = name.lower()
    return lower in BATCH or "batch" in lower


def symbolic_shape(shape: Sequence[Dim], dims: Mapping[str, Dim]) -> list[Dim]:
    """The input's shape with batch and spatial extents left open: [N, C, H, W], [N, C, D, H, W]; of other ranks only
    the batch. Symbols that are there already stand; dims binds the new ones."""
    names = IMAGE.get(len(shape), "")
    out = list(shape)
    for i, extent in enumerate(shape):
        if i == 1 or isinstance(extent, Poly) or (i > 1 and not names):
            continue
        name = "N" if i == 0 else names[i]
        out[i] = dims.get(name, symbol(name))
    return out
