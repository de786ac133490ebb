"""FlatModel -> FlashUse: what the bytes of a model file are, and which of them a board does not need."""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.errors import QuantityError
from costcalc.core.flat_model import FlatModel, FlatStorage
from costcalc.core.ir import DTYPES, Graph


class Constants(NamedTuple):
    """Stored tensors of one element type: their number, those that share a buffer once, and their bytes."""

    element: str
    tensors: int
    nbytes: int

    @property
    def element_bytes(self) -> int:
        """Bytes of an element; 0 of one that has no width of its own, or less than a byte."""
        return DTYPES[self.element].bits // 8 if self.element in DTYPES else 0


class FlashUse(NamedTuple):
    """Bytes of the file: constants by type, the most bytes first; (name, bytes) of each entry of metadata; buffers that
    nothing refers to; repeated ones (None where they were not looked for); names, signatures, description; scales with
    zero points, and the bounds that those were computed from. external_bytes are those of the constants that lie in
    other files."""

    file_bytes: int
    constants: tuple[Constants, ...]
    metadata: tuple[tuple[str, int], ...]
    unused_bytes: int
    duplicate_bytes: int | None
    name_bytes: int
    signature_bytes: int
    description_bytes: int
    scale_bytes: int
    bound_bytes: int
    external_bytes: int = 0

    @property
    def flash_bytes(self) -> int:
        """Bytes of the file, and of its constants in other files."""
        return self.file_bytes + self.external_bytes

    @property
    def constant_bytes(self) -> int:
        """Bytes of all constants."""
        return sum(group.nbytes for group in self.constants)

    @property
    def metadata_bytes(self) -> int:
        """Bytes of all entries of metadata."""
        return sum(nbytes for _, nbytes in self.metadata)

    @property
    def structure_bytes(self) -> int:
        """The rest: tables of tensors and operators, vectors, padding."""
        counted = self.constant_bytes + self.metadata_bytes + self.unused_bytes + self._text_bytes
        return self.flash_bytes - counted - self.scale_bytes - self.bound_bytes

    @property
    def strippable(self) -> dict[str, int]:
        """Parts that inference does not need, with their bytes; parts of none are left out."""
        parts = {
            "names": self.name_bytes,
            "signatures": self.signature_bytes,
            "description": self.description_bytes,
            "metadata": self.metadata_bytes,
            "bounds of quantised reals": self.bound_bytes,
            "unused buffers": self.unused_bytes,
            "repeated buffers": self.duplicate_bytes or 0,
        }
        return {name: nbytes for name, nbytes in parts.items() if nbytes}

    @property
    def stripped_bytes(self) -> int:
        """flash_bytes without the strippable parts; alignment may add some."""
        return self.flash_bytes - sum(self.strippable.values())

    @property
    def _text_bytes(self) -> int:
        return self.name_bytes + self.signature_bytes + self.description_bytes


KEPT_METADATA = ("OfflineMemoryAllocation", "COMPRESSION_METADATA")
"""Entries of metadata that the interpreter of microcontrollers reads."""


def measure_flash(model: FlatModel) -> FlashUse:
    """A model file -> what its bytes are."""
    storage = model.storage
    constants: dict[str, list[int]] = {}
    used: set[int] = set()
    external: dict[int, int] = {}
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            is_first = tensor.external not in external if tensor.external else tensor.buffer not in used
            if is_first and tensor.stored_bytes:
                group = constants.setdefault(tensor.element, [0, 0])
                group[0], group[1] = group[0] + 1, group[1] + tensor.stored_bytes
            if tensor.external:
                external[tensor.external] = tensor.stored_bytes
            else:
                used.add(tensor.buffer)
    metadata = tuple([(name, _length(storage, index)) for name, index in storage.metadata if name not in KEPT_METADATA])
    used.update(index for _, index in storage.metadata)
    groups = [Constants(element, tensors, nbytes) for element, (tensors, nbytes) in constants.items()]
    return FlashUse(
        storage.file_bytes,
        tuple(sorted(groups, key=lambda group: -group.nbytes)),
        metadata,
        sum(buffer.length for index, buffer in enumerate(storage.buffers) if index not in used),
        storage.duplicate_bytes,
        storage.name_bytes,
        storage.signature_bytes,
        storage.description_bytes,
        storage.scale_bytes,
        storage.bound_bytes,
        sum(external.values()),
    )


def flash_bytes(graph: Graph) -> int:
    """Graph -> bytes of its file, with its constants in other files. QuantityError where it is of no format that a
    board keeps in flash as it is, or taken as if in other element types."""
    if graph.flat is None:
        fact = "a board keeps a .tflite file in flash as it is, and the model is none"
        raise QuantityError(fact, "give a .tflite file, or ask for weight_bytes")
    if not graph.flat.is_as_stored:
        fact = "the file has the element types that it has"
        raise QuantityError(fact, "leave out --dtype and --act-dtype, or ask for weight_bytes")
    return measure_flash(graph.flat).flash_bytes


def _length(storage: FlatStorage, index: int) -> int:
    return storage.buffers[index].length if 0 <= index < len(storage.buffers) else 0
