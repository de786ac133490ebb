"""Calls of TensorFlow Lite's operators -> a `.tflite` file, by the schema that the ai-edge-litert package brings."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "uint8": schema.TensorType.UINT8,
    "uint16": schema.TensorType.UINT16,
    "uint32": schema.TensorType.UINT32,
    "uint64": schema.TensorType.UINT64,
    "bool": schema.TensorType.BOOL,
    "string": schema.TensorType.STRING,
    "complex64": schema.TensorType.COMPLEX64,
    "int4": schema.TensorType.INT4,
    "resource": schema.TensorType.RESOURCE,
}

VERSIONS = {"BROADCAST_TO": 2, "BATCH_MATMUL": 4}
"""Versions of operators whose first one the interpreter does not have."""


class ModelBuilder:
    """A model of one subgraph (more by `subgraph`). A tensor is its index."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version, self.model.buffers = 3, [schema.BufferT()]
        self.model.operatorCodes, self.model.subgraphs = [], []
        self.subgraph("main")

    def subgraph(self, name: str) -> int:
        """Begins another subgraph, to which all that follows is added; returns its index."""
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators, graph.inputs, graph.outputs = name, [], [], [], []
        self.model.subgraphs.append(graph)
        self.graph = graph
        return len(self.model.subgraphs) - 1

    def tensor(
        self, name: str, shape: Any, dtype: str = "float32", scales: Any = (), axis: int = 0, buffer: int = 0
    ) -> int:
        """A tensor; with scales a quantised one."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), TYPES[dtype], buffer
        tensor.hasRank = True
        if scales:
            q = schema.QuantizationParametersT()
            q.scale, q.zeroPoint, q.quantizedDimension = list(scales), [0] * len(scales), axis
            tensor.quantization = q
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, name: str, shape: Any, dtype: str = "float32", scales: Any = ()) -> int:
        """An input of the subgraph."""
        index = self.tensor(name, shape, dtype, scales)
        self.graph.inputs.append(index)
        return index

    def variable(self, name: str, shape: Any, dtype: str = "float32") -> int:
        """A state that stays from run to run."""
        index = self.tensor(name, shape, dtype)
        self.graph.tensors[index].isVariable = True
        return index

    def constant(self, value: Any, dtype: str = "int32", scales: Any = (), axis: int = 0, name: str = "") -> int:
        """A stored tensor."""
        array = np.asarray(value, "int8" if dtype == "int4" else dtype)
        stored = array
        if dtype == "int4":  # two to a byte, the first one low
            pairs = np.append(array.ravel(), [0] * (array.size % 2)).astype("uint8") & 15
            stored = pairs[::2] | pairs[1::2] << 4
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(stored.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        name = name or f"c{len(self.model.buffers)}"
        return self.tensor(name, array.shape, dtype, scales, axis, len(self.model.buffers) - 1)

    def packed(self, shape: Any, scales: Any) -> int:
        """A stored tensor of int4, two elements to the byte."""
        buffer = schema.BufferT()
        buffer.data = np.full(-(-int(np.prod(shape)) // 2), 0x11, np.uint8)
        self.model.buffers.append(buffer)
        return self.tensor(f"p{len(self.model.buffers)}", shape, "int4", scales, 0, len(self.model.buffers) - 1)

    def metadata(self, name: str, content: bytes) -> None:
        """An entry of the file's metadata."""
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(content, np.uint8)
        self.model.buffers.append(buffer)
        entry.name, entry.buffer = name, len(self.model.buffers) - 1
        self.model.metadata = [*(self.model.metadata or []), entry]

    def weights(self, *shape: int, name: str = "") -> int:
        """A stored float tensor."""
        return self.constant(np.full(shape, 0.01), "float32", name=name)

    def op(
        self,
        kind: str,
        inputs: Any,
        options: Any = None,
        dtype: str = "float32",
        outputs: int = 1,
        scales: Any = (),
        custom: str = "",
        shape: Any = (),
        intermediates: Any = (),
        custom_options: bytes = b"",
        **fields: Any,
    ) -> Any:
        """A call; its options are the class of their table and its fields. shape is
        that of its outputs where the interpreter does not tell it. Returns its outputs, one as itself."""
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs = self._code(kind, custom), list(inputs)
        if intermediates:
            operator.intermediates = list(intermediates)
        if custom_options:
            operator.customOptions = np.frombuffer(custom_options, np.uint8)
        count = len(self.graph.operators)
        label = f"{self.graph.name}/{custom or kind}_{count}"
        types = [dtype] * outputs if isinstance(dtype, str) else dtype
        results = [self.tensor(f"{label}:{i}", shape, types[i], scales) for i in range(outputs)]
        operator.outputs = results
        if options:
            table = getattr(schema, f"{options}T")()
            for key, value in fields.items():
                assert hasattr(table, key), (options, key)
                setattr(table, key, value)
            second = hasattr(schema.BuiltinOptions2, options)
            number = getattr(schema.BuiltinOptions2 if second else schema.BuiltinOptions, options)
            if second:
                operator.builtinOptions2Type, operator.builtinOptions2 = number, table
            else:
                operator.builtinOptionsType, operator.builtinOptions = number, table
        self.graph.operators.append(operator)
        return results[0] if outputs == 1 else results

    def _code(self, name: str, custom: str) -> int:
        number = getattr(schema.BuiltinOperator, name)
        for index, code in enumerate(self.model.operatorCodes):
            if code.builtinCode == number and (code.customCode or "") == custom:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), VERSIONS.get(name, 1)
        code.customCode = custom or None
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def sparse(self, matrix: Any, dtype: str = "float32", scales: Any = ()) -> int:
        """A stored matrix [rows, columns] of which only what is not 0 stands in the file, row by row."""
        array = np.asarray(matrix, dtype)
        index = self.constant(array[array != 0], dtype, scales)
        rows, columns = schema.DimensionMetadataT(), schema.DimensionMetadataT()
        rows.format, rows.denseSize = schema.DimensionType.DENSE, array.shape[0]
        columns.format = schema.DimensionType.SPARSE_CSR
        segments, places = schema.Int32VectorT(), schema.Int32VectorT()
        segments.values = [0, *np.cumsum((array != 0).sum(1)).tolist()]
        places.values = np.nonzero(array)[1].tolist()
        columns.arraySegmentsType = columns.arrayIndicesType = schema.SparseIndexVector.Int32Vector
        columns.arraySegments, columns.arrayIndices = segments, places
        sparsity = schema.SparsityParametersT()
        sparsity.traversalOrder, sparsity.blockMap, sparsity.dimMetadata = [0, 1], [], [rows, columns]
        self.graph.tensors[index].shape, self.graph.tensors[index].sparsity = list(array.shape), sparsity
        return index

    def text(self, *words: str) -> int:
        """A stored tensor of text, in the runtime's form: how many, where each begins, where the last ends, the
        bytes."""
        content = [word.encode() for word in words]
        places = np.cumsum([4 * (len(words) + 2), *map(len, content)])
        data = np.asarray([len(words), *places], "<i4").tobytes() + b"".join(content)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data, np.uint8)
        self.model.buffers.append(buffer)
        index = self.tensor(f"c{len(self.model.buffers)}", (len(words),), "string")
        self.graph.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def signature(self, key: str, inputs: dict[str, int], outputs: dict[str, int]) -> None:
        """An entry point of the subgraph that is being built, with its own names of inputs and outputs."""
        entry = schema.SignatureDefT()
        entry.signatureKey, entry.subgraphIndex = key, len(self.model.subgraphs) - 1
        for names, pairs in (("inputs", inputs), ("outputs", outputs)):
            maps = []
            for name, index in pairs.items():
                pair = schema.TensorMapT()
                pair.name, pair.tensorIndex = name, index
                maps.append(pair)
            setattr(entry, names, maps)
        self.model.signatureDefs = [*(self.model.signatureDefs or ()), entry]

    def output(self, *tensors: int) -> None:
        """Outputs of the subgraph."""
        self.graph.outputs.extend(tensors)

    def content(self) -> bytes:
        """The file."""
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
