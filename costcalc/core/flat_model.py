"""FlatModel: a model file as an interpreter reads it (subgraphs, tensors, operators, buffers), as plain data.

The graph of a model names values and operators for counting. A runtime that allocates memory needs the file's own
order and tables: which tensors exist although nothing reads them, which are variables, how many scales they have, which
buffers of the file hold their bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple


class FlatTensor(NamedTuple):
    """A tensor: its name, the name of its element type, its extents, the index of its buffer (0: none), the bytes that
    are stored for it (0 where it is computed), whether it is a variable, the numbers of its scales and zero points, and
    the number of its buffer outside the file (0: its bytes are in the file)."""

    name: str
    element: str
    shape: tuple[int, ...]
    buffer: int
    stored_bytes: int
    is_variable: bool
    scales: int
    zero_points: int
    external: int = 0

    @property
    def elements(self) -> int:
        """∏ of the extents."""
        return prod(self.shape)


class FlatOperator(NamedTuple):
    """A call of an operator: its inputs and outputs are indexes of tensors, -1 of an absent one."""

    name: str
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: Mapping[str, Any]


class FlatSubgraph(NamedTuple):
    """Tensors, and the operators between inputs and outputs, in execution order."""

    name: str
    tensors: tuple[FlatTensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[FlatOperator, ...]


class FlatBytes(NamedTuple):
    """Bytes of the file: where they begin, and how many they are."""

    offset: int
    length: int


class FlatStorage(NamedTuple):
    """What the bytes of the file are: of all of it; of its buffers by index; of names (tensors and subgraphs), of
    signatures and of the description, as stored with their lengths and padding; (name, buffer's index) of each entry of
    metadata; and of the numbers of quantised tensors: scales with zero points, and the bounds of the reals that those
    were computed from. duplicate_bytes are those of buffers that repeat another one, None where they were not looked
    for."""

    file_bytes: int
    buffers: tuple[FlatBytes, ...]
    name_bytes: int
    signature_bytes: int
    description_bytes: int
    metadata: tuple[tuple[str, int], ...]
    scale_bytes: int
    bound_bytes: int
    duplicate_bytes: int | None = None


class FlatModel(NamedTuple):
    """The file: its subgraphs, of which the first is the network, its bytes, and the offsets in an arena that a
    converter planned for its tensors, subgraph after subgraph (-1: not planned; empty where it has no plan).
    is_as_stored is False where the graph is taken as if in other element types: then nothing runs the file so.
    without_arena says why no interpreter's arena is known although the file is ("": it is)."""

    subgraphs: tuple[FlatSubgraph, ...]
    storage: FlatStorage
    planned_offsets: tuple[int, ...] = ()
    is_as_stored: bool = True
    without_arena: str = ""
