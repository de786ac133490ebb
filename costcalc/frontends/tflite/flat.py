"""TfliteModel -> FlatModel: the file's tensors, operators and bytes for those who ask what a runtime allocates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from costcalc.core.flat_model import FlatBytes, FlatModel, FlatOperator, FlatStorage, FlatSubgraph, FlatTensor
from costcalc.core.ir import TensorType
from costcalc.frontends.tflite.flatbuffer import FlatTable, Vector, read_numbers, read_root
from costcalc.frontends.tflite.model import Subgraph, Tensor, TfliteModel
from costcalc.frontends.tflite.operators import ELEMENT_TYPES

OFFLINE_PLAN = "OfflineMemoryAllocation"
"""The entry of metadata in which a converter (Vela, for one) leaves offsets of tensors in the arena."""

MAX_COMPARED = 1 << 20
"""Most bytes of buffers of equal lengths that are compared: files of microcontrollers; weights are not read else."""

_WITHOUT_TYPE = {13: "resource", 14: "variant"}
"""Element types of the schema that are not numbers, by their codes."""


def flatten_model(model: TfliteModel) -> FlatModel:
    """A model -> the same as plain data. LoadError where its metadata is damaged."""
    root = read_root(model.buffer)
    subgraphs = tuple([_flatten_subgraph(subgraph) for subgraph in model.subgraphs])
    storage = _read_storage(model, root)
    plan = next((index for name, index in storage.metadata if name == OFFLINE_PLAN), -1)
    offsets: tuple[int, ...] = ()
    if 0 <= plan < len(storage.buffers) and storage.buffers[plan].length >= 12:
        numbers = read_numbers(
            model.buffer, Vector(storage.buffers[plan].offset, storage.buffers[plan].length // 4), "i"
        )
        offsets = numbers[3 : 3 + sum(len(s.tensors) for s in subgraphs)]
    return FlatModel(subgraphs, storage, offsets)


def resize_model(
    flat: FlatModel, names: Sequence[str], types: Mapping[str, TensorType], resized: Iterable[str]
) -> FlatModel:
    """A model of one subgraph and the types of its values -> the model with the shapes of those; without an arena where
    extents are open, or several subgraphs would have to be resized."""
    if not any(resized):
        return flat
    if len(flat.subgraphs) > 1:
        return flat._replace(without_arena="an input of a file with several subgraphs is resized")
    is_open = flat._replace(without_arena="extents are open")
    tensors = []
    for tensor, name in zip(flat.subgraphs[0].tensors, names, strict=True):
        type_ = types.get(name)
        shape = tensor.shape if type_ is None else type_.shape
        if shape is None:
            return is_open
        extents = tuple([extent for extent in shape if isinstance(extent, int)])
        if len(extents) != len(shape):
            return is_open
        tensors.append(tensor._replace(shape=extents))
    return flat._replace(subgraphs=(flat.subgraphs[0]._replace(tensors=tuple(tensors)),))


def _flatten_subgraph(subgraph: Subgraph) -> FlatSubgraph:
    return FlatSubgraph(
        subgraph.name,
        tuple([_flatten_tensor(tensor) for tensor in subgraph.tensors]),
        subgraph.inputs,
        subgraph.outputs,
        tuple([FlatOperator(*operator) for operator in subgraph.operators]),
    )


def _flatten_tensor(tensor: Tensor) -> FlatTensor:
    quantisation = tensor.quantisation
    return FlatTensor(
        tensor.name,
        _WITHOUT_TYPE.get(tensor.code) or ELEMENT_TYPES[tensor.code].label,
        tensor.shape,
        tensor.buffer,
        0 if tensor.data is None else tensor.data.length,
        tensor.is_variable,
        0 if quantisation is None else quantisation.scales,
        0 if quantisation is None else quantisation.zero_points,
        tensor.external,
    )


def _read_storage(model: TfliteModel, root: FlatTable) -> FlatStorage:
    names = [subgraph.name for subgraph in model.subgraphs]
    names += [tensor.name for subgraph in model.subgraphs for tensor in subgraph.tensors]
    quantised = [t.quantisation for subgraph in model.subgraphs for t in subgraph.tensors if t.quantisation]
    signatures = [text for table in root.tables(7) for text in _signature_texts(table)]
    return FlatStorage(
        len(model.buffer),
        tuple([FlatBytes(0, 0) if data is None else FlatBytes(*data) for data in model.buffers]),
        sum(map(_text_bytes, names)),
        sum(map(_text_bytes, signatures)),
        _text_bytes(model.description),
        tuple([(table.text(0), table.number(1, "I")) for table in root.tables(6)]),
        sum(4 * q.scales + 8 * q.zero_points for q in quantised),
        sum(4 * q.bounds for q in quantised),
        _duplicate_bytes(model),
    )


def _duplicate_bytes(model: TfliteModel) -> int | None:
    """The bytes of buffers that repeat another one; None where more than MAX_COMPARED bytes would have to be read."""
    by_length: dict[int, list[Vector]] = {}
    for data in model.buffers:
        if data is not None and data.offset:
            by_length.setdefault(data.length, []).append(data)
    groups = [group for group in by_length.values() if len(group) > 1]
    if sum(len(group) * group[0].length for group in groups) > MAX_COMPARED:
        return None
    total = 0
    for group in groups:
        contents = {bytes(model.buffer[data.offset : data.offset + data.length]) for data in group}
        total += (len(group) - len(contents)) * group[0].length
    return total


def _signature_texts(table: FlatTable) -> list[str]:
    """A SignatureDef -> its key and the names of its inputs and outputs."""
    return [table.text(2), *[item.text(0) for field in (0, 1) for item in table.tables(field)]]


def _text_bytes(text: str) -> int:
    """A string -> its bytes in a flatbuffer: its length in 4 bytes, a zero behind it, filled up to 4 bytes; 0 where
    there is none."""
    return (4 + len(text.encode("utf8", "surrogateescape")) + 1 + 3) // 4 * 4 if text else 0
