"""A short layer name of the YAML language: its keys with kinds and defaults, and the function that adds its nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.ir import DType, TensorType
from costcalc.frontends.yaml.layers.layout import note_layout
from costcalc.graph.builder import GraphBuilder


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Any = _Required()

KINDS = {
    "extent": "a whole number of at least 1, or an expression (it may hold symbols)",
    "int": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "word": "one of the words listed",
    "extents": "a whole number of at least 1, or one for each spatial axis",
    "pad": "a number, one for each axis, all begins then all ends, or `same`, `same_lower`, `valid`",
    "axes": "an axis or a list of axes",
    "shape": "a list of extents",
    "layer": "the name of a layer",
    "text": "text",
    "any": "a number, a word or a list",
}


class LayerKey(NamedTuple):
    """One key of a layer: its kind (of KINDS), its default, what it means, and the words it may be."""

    kind: str
    default: Any = REQUIRED
    doc: str = ""
    choices: tuple[str, ...] = ()


class LayerKind(NamedTuple):
    """A short name: the keys it takes and the function that adds its nodes and returns its value(s)."""

    name: str
    keys: Mapping[str, LayerKey]
    emit: Callable[..., str | tuple[str, ...]]
    doc: str


COMMON_FAMILIES = ("activation", "conv", "linear", "norm", "pool", "tensor")

OTHER_FAMILIES = ("attention", "experts", "llm", "recurrent", "state")


@cache
def load_families(families: tuple[str, ...] = OTHER_FAMILIES) -> None:
    """Registers the layers of families, once: of those that are not common unless they are named."""
    for family in families:
        import_module(f"costcalc.frontends.yaml.layers.{family}")


class LayerTable(Mapping[str, LayerKind]):
    """Short names -> layers. The families that are not common are imported when a name is met that the common ones do
    not have, or when all names are asked for."""

    def __init__(self) -> None:
        self._kinds: dict[str, LayerKind] = {}

    def add(self, kind: LayerKind) -> None:
        """Registers a layer under its name."""
        self._kinds[kind.name] = kind

    def __getitem__(self, name: str) -> LayerKind:
        if name not in self._kinds:
            load_families()
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        load_families()
        return iter(self._kinds)

    def __len__(self) -> int:
        load_families()
        return len(self._kinds)


LAYERS = LayerTable()

Emit = TypeVar("Emit", bound=Callable[..., "str | tuple[str, ...]"])


def layer(*names: str, **keys: LayerKey) -> Callable[[Emit], Emit]:
    """Registers a function (site, **values of the keys) under short names."""

    def register(function: Emit) -> Emit:
        for name in names:
            LAYERS.add(LayerKind(name, keys, function, (function.__doc__ or "").strip()))
        return function

    return register


class ParameterStyle(NamedTuple):
    """How learned tensors are stored and called: their element type, and what joins the parts of their names (`.` as
    in PyTorch's checkpoints: model.layers.3.self_attn.q_proj.weight)."""

    dtype: DType = DType.FLOAT32
    separator: str = "/"


class Site:
    """The place in the graph where a layer is added: what it reads, what it is called, where it stands in the file.

    share names the layer whose weights it uses ("": its own). by_rows is the file's set of weights that are stored as
    [outputs, inputs]: of matrix products over matrices (Gemm) and of embeddings.
    """

    __slots__ = ("builder", "by_rows", "inputs", "name", "place", "scope", "share", "style")

    def __init__(
        self,
        builder: GraphBuilder,
        name: str,
        scope: tuple[str, ...],
        inputs: Sequence[str],
        place: str,
        by_rows: set[str],
        share: str = "",
        style: ParameterStyle = ParameterStyle(),  # noqa: B008
    ) -> None:
        self.builder, self.name, self.scope, self.inputs, self.place = builder, name, scope, inputs, place
        self.by_rows, self.share, self.style = by_rows, share, style

    @property
    def x(self) -> str:
        """The first input."""
        return self.inputs[0]

    def shape(self, value: str = "") -> tuple[Dim, ...]:
        """The shape of a value, of the first input unless named. ShapeError where it is not known."""
        shape = self.builder.types[value or self.inputs[0]].shape
        if shape is None:
            raise ShapeError(
                f"the shape of {value or self.inputs[0]!r} is not known", "an operator before it has no rule"
            )
        return shape

    def extent(self, axis: int) -> Dim:
        """The extent of an axis of the first input; ShapeError where there is no such axis."""
        shape = self.shape()
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(
                f"its input has {len(shape)} axes, none is {axis}", "axes count from 0, or from the end: -1"
            )
        return shape[axis]

    def channels(self) -> Dim:
        """The extent of axis 1; ShapeError where the input has no channels."""
        shape = self.shape()
        if len(shape) < 2:
            raise ShapeError(f"its input has {len(shape)} axes and no channels", "it takes [N, C, …]")
        if len(shape) > 2:
            note_layout(self.builder, self.x)
        return shape[1]

    def spatial(self) -> int:
        """The number of spatial axes of the first input [N, C, …]; ShapeError where it has none."""
        rank = len(self.shape()) - 2
        if rank < 1:
            shape = ", ".join(map(str, self.shape()))
            raise ShapeError(f"its input [{shape}] has no spatial axes", "it takes [N, C, spatial…]")
        note_layout(self.builder, self.x)
        return rank

    def op(
        self,
        op_type: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Any] | None = None,
        suffix: str = "",
        outputs: Sequence[str] | None = None,
        domain: str = "",
    ) -> str:
        """Adds a node called after the layer (and `/suffix`); returns its first output."""
        name, scope = self.name, self.scope
        if suffix:
            scope = (*scope, name.rpartition("/")[2])
            name = f"{name}/{suffix}"
        return self.builder.add(
            op_type, inputs, attributes, name=name, outputs=outputs, domain=domain, scope=scope, place=self.place
        )[0]

    def weight(self, suffix: str, shape: Sequence[Dim]) -> str:
        """A learned tensor of this layer, or of the layer whose weights it shares (their shapes must be equal)."""
        builder = self.builder
        name = self.stored_name(suffix)
        if not self.share:
            builder.parameters.add(name)
            return builder.add_initializer(name, self.style.dtype, shape)
        shared = builder.initializers.get(name)
        if shared is None:
            raise ShapeError(f"{self.share!r} has no {suffix} to share", "name a layer of the same kind")
        if shared.shape != tuple(shape):
            shapes = f"{list(shared.shape or ())} where {list(shape)} is needed"
            raise ShapeError(f"the {suffix} of {self.share!r} has shape {shapes}", "share between equal layers")
        return name

    def stored_name(self, suffix: str = "") -> str:
        """The name of a stored tensor of this layer, or of the layer whose weights it shares."""
        name = (self.share or self.name).replace("/", self.style.separator)
        return f"{name}.{suffix}" if suffix else name

    def buffer(self, suffix: str, shape: Sequence[Dim]) -> str:
        """A stored tensor that is not learned."""
        name = self.stored_name(suffix)
        if self.share and name in self.builder.initializers:
            return name
        return self.builder.add_initializer(name, self.style.dtype, shape)

    def ints(self, values: Sequence[Dim], suffix: str, scalar: bool = False) -> str:
        """A constant int64 vector (or scalar)."""
        shape = () if scalar else (len(values),)
        return self.builder.add_constant(f"{self.name}.{suffix}", DType.INT64, shape, tuple(values))

    def floats(self, values: Sequence[float], suffix: str, scalar: bool = False) -> str:
        """A constant float32 vector (or scalar)."""
        shape = () if scalar else (len(values),)
        return self.builder.add_constant(f"{self.name}.{suffix}", DType.FLOAT32, shape, tuple(values))

    def type(self, value: str = "") -> TensorType:
        """The type of a value, of the first input unless named."""
        return self.builder.types[value or self.inputs[0]]


def add_constant(builder: GraphBuilder, name: str, value: Any) -> str:
    """A fixed number or vector: int64 where all numbers are whole (they may hold symbols), else float32."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(v, (bool, str, list)) or v is None for v in values):
        raise ShapeError(f"the constant {value!r} is no number", "give a number or a list of numbers")
    is_integer = all(not hasattr(v, "denominator") or v.denominator == 1 for v in values)
    elements = tuple(values) if is_integer else tuple(float(v) for v in values)
    shape = (len(values),) if isinstance(value, list) else ()
    return builder.add_constant(name, DType.INT64 if is_integer else DType.FLOAT32, shape, elements)
