"""A tensor of a weight file as its header describes it, and the tensors of all files of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import NamedTuple

from costcalc.core.errors import LoadError
from costcalc.core.units import format_bytes


class TensorEntry(NamedTuple):
    """A tensor of a file: its name, its element type by the format's name (`BF16`, `Q4_K`), its shape with the last
    axis contiguous, and its bytes in the file."""

    name: str
    encoding: str
    shape: tuple[int, ...]
    nbytes: int

    @property
    def elements(self) -> int:
        """∏ of the extents: stored elements, of which one may hold several packed values."""
        return prod(self.shape)


class WeightFiles(NamedTuple):
    """The tensors of all files of a model by name. nbytes are those of the tensors, header_bytes those that were read
    to know them; files are the files' names; notes say what a reader of the figures should know."""

    tensors: Mapping[str, TensorEntry]
    files: tuple[str, ...]
    header_bytes: int = 0
    notes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors, without headers and padding."""
        return sum([tensor.nbytes for tensor in self.tensors.values()])

    def describe(self) -> str:
        """`291 tensors, 8,030,261,248 elements, 16.06 GB`, with the element types by bytes."""
        sums: dict[str, int] = {}
        for tensor in self.tensors.values():
            sums[tensor.encoding] = sums.get(tensor.encoding, 0) + tensor.nbytes
        encodings = ", ".join(sorted(sums, key=lambda name: -sums[name]))
        elements = sum([tensor.elements for tensor in self.tensors.values()])
        size = format_bytes(self.nbytes)
        count = f"{len(self.tensors):,} {'tensor' if len(self.tensors) == 1 else 'tensors'}"
        return f"{count}, {elements:,} elements, {size}" + (encodings and f" ({encodings})")


def unite_tensors(parts: Iterable[tuple[str, Iterable[TensorEntry]]]) -> dict[str, TensorEntry]:
    """(file, tensors) of each file -> the tensors by name. LoadError where two files hold one of the same name."""
    tensors: dict[str, TensorEntry] = {}
    for file, entries in parts:
        for entry in entries:
            if tensors.setdefault(entry.name, entry) is not entry:
                raise LoadError(
                    f"the tensor {entry.name[:120]!r} stands in two files", "remove the file that is no part", file
                )
    return tensors
