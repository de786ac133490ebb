"""The graph in ONNX's vocabulary: element types, tensor types, nodes and a frozen Graph. Plain data, no behaviour."""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.core.assumptions import Assumption
from costcalc.core.dim import Dim, Poly, prod, substitute
from costcalc.core.result import short_repr

if TYPE_CHECKING:  # seven classes that only files of microcontrollers need
    from costcalc.core.flat_model import FlatModel


class DType(Enum):
    """ONNX's element types: (name, bits of one element as stored, TensorProto.DataType)."""

    UNDEFINED = ("undefined", 0, 0)
    FLOAT32 = ("float32", 32, 1)
    UINT8 = ("uint8", 8, 2)
    INT8 = ("int8", 8, 3)
    UINT16 = ("uint16", 16, 4)
    INT16 = ("int16", 16, 5)
    INT32 = ("int32", 32, 6)
    INT64 = ("int64", 64, 7)
    STRING = ("string", 0, 8)
    BOOL = ("bool", 8, 9)
    FLOAT16 = ("float16", 16, 10)
    FLOAT64 = ("float64", 64, 11)
    UINT32 = ("uint32", 32, 12)
    UINT64 = ("uint64", 64, 13)
    COMPLEX64 = ("complex64", 64, 14)
    COMPLEX128 = ("complex128", 128, 15)
    BFLOAT16 = ("bfloat16", 16, 16)
    FLOAT8E4M3FN = ("float8e4m3fn", 8, 17)
    FLOAT8E4M3FNUZ = ("float8e4m3fnuz", 8, 18)
    FLOAT8E5M2 = ("float8e5m2", 8, 19)
    FLOAT8E5M2FNUZ = ("float8e5m2fnuz", 8, 20)
    UINT4 = ("uint4", 4, 21)
    INT4 = ("int4", 4, 22)
    FLOAT4E2M1 = ("float4e2m1", 4, 23)
    FLOAT8E8M0 = ("float8e8m0", 8, 24)
    UINT2 = ("uint2", 2, 25)
    INT2 = ("int2", 2, 26)

    def __init__(self, label: str, bits: int, code: int) -> None:
        self.label, self.bits, self.code = label, bits, code
        self.is_float = "float" in label
        self.is_integer = "int" in label

    __hash__ = object.__hash__  # Enum's own hashes the member's name, in Python

    def __str__(self) -> str:
        return self.label


DTYPES = {t.label: t for t in DType}

DTYPE_OF_CODE = {t.code: t for t in DType}

Value = tuple[Any, ...]
"""The elements of a small tensor in row-major order: Dims of an integer tensor, bools, or Python floats."""


class TensorType(NamedTuple):
    """An element type and a shape; shape is None where it is not known. `value` is there where a small tensor's
    elements are known before the network runs (a shape, an axis)."""

    dtype: DType
    shape: tuple[Dim, ...] | None
    value: Value | None = None

    @property
    def rank(self) -> int:
        """The number of axes. The shape must be known."""
        assert self.shape is not None, "rules only see known shapes"
        return len(self.shape)

    @property
    def elements(self) -> Dim:
        """∏ of the extents."""
        assert self.shape is not None, "rules only see known shapes"
        return prod(self.shape)

    @property
    def nbytes(self) -> Dim:
        """Bytes as stored: elements below a byte are packed, the last byte is filled up."""
        assert self.shape is not None, "rules only see known shapes"
        bits = self.dtype.bits
        elements = prod(self.shape)
        return elements * (bits // 8) if bits >= 8 else (elements * bits + 7) // 8


def bind_type(t: TensorType, binding: Mapping[str, Dim]) -> TensorType:
    """The type with symbols replaced in its shape and its values."""
    if t.shape is None:
        return t
    shape = tuple([substitute(d, binding) for d in t.shape])
    return t._replace(shape=shape, value=t.value and tuple([_bind_value(v, binding) for v in t.value]))


def _bind_value(value: Any, binding: Mapping[str, Dim]) -> Any:
    if isinstance(value, TensorType):
        return bind_type(value, binding)
    return substitute(value, binding) if isinstance(value, Poly) else value


class SequenceType(TensorType):
    """A sequence of tensors: dtype is its items', shape (length,), value the items' types. Where the length is open
    or the items' order is not known, value holds one type, the one that every item has."""

    __slots__ = ()

    @property
    def items(self) -> tuple[TensorType, ...] | None:
        """The items' types in order, None where that is not known."""
        if self.value is None or self.shape is None:
            return None
        return self.value if self.shape == (len(self.value),) else None

    @property
    def nbytes(self) -> Dim:
        """Bytes of all items."""
        assert self.shape is not None and self.value is not None, "rules only see known shapes"
        total: Dim = 0
        for item in self.value:
            total = total + item.nbytes
        return total if self.items is not None else total * self.shape[0]


class SparseStorage(NamedTuple):
    """What a sparse tensor stores: the number of its values, and the bytes of their indices."""

    values: int
    index_bytes: int


class Quantisation(NamedTuple):
    """How the integers of a tensor stand for reals: the number of scales, the axis that they run along, whether they
    belong to blocks along it, the first scale and zero point, the number of zero points, and that of the bounds (min
    and max) of the reals that they were made from."""

    scales: int
    axis: int
    is_blockwise: bool = False
    scale: float = 0.0
    zero_point: int = 0
    zero_points: int = 0
    bounds: int = 0

    @property
    def by_axis(self) -> bool:
        """Whether there is more than one scale."""
        return self.scales > 1 or self.is_blockwise


class StoredFormat(NamedTuple):
    """How a file stores a tensor that is computed with in another type: a label for tables (`Q4_K`, `int4 GPTQ in
    groups of 128`), and its bytes there with scales and zero points. compute_dtype is the element type that kernels may
    multiply both operands in, where the other is quantised for it; "": the stored one is converted to the other's."""

    label: str
    nbytes: int
    compute_dtype: str = ""


UNKNOWN = TensorType(DType.UNDEFINED, None)

EMPTY_OPTIONAL = TensorType(DType.UNDEFINED, (0,), ())
"""The type of an optional that holds nothing; one that holds something has the type of what it holds."""


class Module(NamedTuple):
    """A module of the network as its framework knows it: its path from the root (`layer1.0.conv1`, "" of the root) and
    its class ("" where that is not known)."""

    path: str
    class_name: str


class SourceCall(NamedTuple):
    """The call of the framework that a node stands for: operator is the framework's (`matmul`), function how the source
    calls it: `function.relu`, `builtin.matmul`, `method.matmul`, `operator.matmul` (x @ y), `tensor.matmul` (one of the
    last two); "" where it is not known."""

    operator: str
    function: str


def qualified_name(domain: str, op_type: str) -> str:
    """`domain:Op`, or `Op` of ONNX's own domain."""
    return f"{domain}:{op_type}" if domain else op_type


class Node(NamedTuple):
    """One operator call. An absent optional input or output is "". `scope` is the path of blocks that it stands in,
    outermost first; `count` is how often it runs (a loop body); `place` is file:line:column or ""."""

    name: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    domain: str = ""
    scope: tuple[str, ...] = ()
    count: Dim = 1  # type: ignore[assignment]  # tuple's method of this name is not needed
    place: str = ""

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Node", self.name, f"{self.op_type} of {', '.join(self.inputs)}")

    @property
    def location(self) -> str:
        """The node for an error's place: `file:line:column: name (OpType)`."""
        label = f"{self.name} ({self.op_type})"
        return f"{self.place}: {label}" if self.place else label


class WarningNote(str):
    """A note that the model may not be what was meant, not what was decided by default: `check` tells it, too."""

    __slots__ = ()


class ContextLimit(NamedTuple):
    """The most tokens of a text that a model's file states, and which field says so."""

    tokens: int
    origin: str


class Graph(NamedTuple):
    """A model in which every value has a type (UNKNOWN where no rule gives one).

    initializers are stored tensors by name: parameters, buffers and constants; parameters names those that the front
    end marks as learned. nodes stand in execution order. symbols are bound extents by name, assumptions are the
    conditions on open ones. choices names the If nodes whose branch is open: the branch with more FLOPs counts, so
    totals are upper bounds. upper_bounds holds, by symbol, the largest value of an extent or trip count that depends on
    data, where there is one. quantised names the values of an integer type that stand for reals: those that convert()
    takes as if they were computed, or stored, in that type; quantisation says how, where a file has it. sparse holds
    the stored tensors of which the file has some elements and their indices only: their types are those of the whole.
    stored_formats holds, by stored tensor, how the file has it where that is not its type: quantised in blocks.
    data_symbols maps a symbol of an extent that depends on data to its node, or its input. What a front end knows of
    modules: modules maps their paths to their classes in full, calls maps nodes by name to the calls that they stand
    for, stored_kinds says which stored tensors are buffers or constants, frozen names parameters that are not trained,
    owners gives tensors that no node reads the node that they are counted for. flat is the file as an interpreter
    reads it, of formats that microcontrollers run; None of any other, where its inputs are resized to open extents, and
    of a signature of another subgraph than the first. settings are the settings of its reading that are not their
    defaults, by name, as costcalc.load takes them. context_limit is the most tokens of a text that the file states.
    """

    name: str
    source: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    initializers: Mapping[str, TensorType]
    nodes: tuple[Node, ...]
    types: Mapping[str, TensorType]
    opset: Mapping[str, int] = {}
    symbols: Mapping[str, Dim] = {}
    notes: tuple[str, ...] = ()
    parameters: frozenset[str] = frozenset()
    assumptions: tuple[Assumption, ...] = ()
    choices: tuple[str, ...] = ()
    quantised: frozenset[str] = frozenset()
    quantisation: Mapping[str, Quantisation] = {}
    upper_bounds: Mapping[str, Dim] = {}
    sparse: Mapping[str, SparseStorage] = {}
    stored_formats: Mapping[str, StoredFormat] = {}
    data_symbols: Mapping[str, str] = {}
    modules: Mapping[str, str] = {}
    calls: Mapping[str, SourceCall] = {}
    stored_kinds: Mapping[str, str] = {}
    frozen: frozenset[str] = frozenset()
    owners: Mapping[str, str] = {}
    flat: "FlatModel | None" = None
    settings: Mapping[str, Any] = {}
    context_limit: ContextLimit | None = None

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line."""
        return short_repr("Graph", self.name, f"{len(self.nodes)} nodes, {len(self.initializers)} stored tensors")

    @property
    def data_inputs(self) -> tuple[str, ...]:
        """The inputs that a caller gives; an input with a stored tensor as its default is none."""
        return tuple([name for name in self.inputs if name not in self.initializers])

    def find_module(self, node: Node) -> Module | None:
        """A node -> the innermost module that it stands in; None where the graph has no modules. A node is called after
        a module that is one operator (`conv1`, again `conv1_2`), else after module and operator (`layer1.0/add`)."""
        if not self.modules:
            return None
        path = node.name.partition("/")[0]
        stem, _, number = path.rpartition("_")
        if path not in self.modules and number.isdigit():
            path = stem
        if path not in self.modules:
            path = node.scope[-1] if node.scope else ""
        return Module(path, self.modules.get(path, "").rpartition(".")[2])

    def is_real(self, name: str) -> bool:
        """Whether a value is of a float type, or stands for one."""
        return self.types[name].dtype.is_float or name in self.quantised
