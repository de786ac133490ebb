"""Inputs, stored tensors and nodes, one by one -> Graph. The type of each output is inferred while its node is added.

Results of shape rules are kept: networks repeat their layers, and a rule gives equal types for equal inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from costcalc import ops
from costcalc.core import registry
from costcalc.core.assumptions import Assumption, resolve_extremes, simplify_assumptions
from costcalc.core.dim import Dim, Poly, symbol
from costcalc.core.errors import CostcalcError, ShapeError
from costcalc.core.ir import UNKNOWN, DType, Graph, Node, TensorType, Value, bind_type
from costcalc.core.memo import Memo
from costcalc.ops.plugins import load_installed_rules

Types = tuple[TensorType, ...]

MAX_CACHED_ELEMENTS = 64
"""Elements of the largest tensor with known values whose node's types are kept."""

INFERRED_TYPES: Memo[Any, Types] = Memo("inferred types", 1 << 14)
"""Output types by the node's rules, inputs and attributes. The rules are part of the key: it holds for every graph."""


class InferenceCache:
    """Output types of nodes by what they depend on. Only types without symbols are kept: a rule that sees a symbol may
    make an assumption about it each time. Whoever gives a rule a new symbol of its node sets has_fresh_symbol: such
    types are not kept."""

    def __init__(self, types: dict[Any, Types] = INFERRED_TYPES) -> None:
        self.types = types
        self.has_fresh_symbol = False

    def find(self, key: Any) -> Types | None:
        """A key that holds the rules, the inputs and all else that the types depend on -> the types; None where they
        are not kept."""
        self.has_fresh_symbol = False
        try:
            return self.types.get(key)
        except TypeError:  # an attribute that is a list or a graph has no hash
            return None

    def store(self, key: Any, inputs: Iterable[TensorType | None], types: Types) -> Types:
        """Key, input types and output types -> the output types, cached under the key where they hold for the next node
        too."""
        if not self.has_fresh_symbol and are_concrete(inputs) and are_concrete(types):
            try:
                self.types[key] = types
            except TypeError:
                return types
        return types


def are_concrete(types: Iterable[TensorType | None]) -> bool:
    """Whether all types are tensors whose extents and known elements are numbers, at most MAX_CACHED_ELEMENTS of
    them."""
    for t in types:
        if t is None:
            continue
        if type(t) is not TensorType or t.shape is None or Poly in map(type, t.shape):
            return False
        if t.value is not None and (len(t.value) > MAX_CACHED_ELEMENTS or Poly in map(type, t.value)):
            return False
    return True


MAX_VALUE_ELEMENTS = 4096
"""Elements of the largest tensor whose values are followed."""

Infer = Callable[[Node, Sequence[TensorType | None], int], "tuple[TensorType, ...] | None"]


class GraphBuilder:
    """Inputs, stored tensors and nodes, in execution order -> Graph. An error of a rule carries the node's place and
    name.

    opset maps a domain to its version. infer gives the types of a node without a shape rule (ONNX's own inference);
    without it, or where it gives None, the outputs are UNKNOWN. binding gives symbols their values, also the symbols of
    extents that depend on data.
    """

    def __init__(
        self,
        name: str,
        source: str,
        opset: Mapping[str, int],
        infer: Infer | None = None,
        binding: Mapping[str, Dim] | None = None,
    ) -> None:
        self.binding = dict(binding or {})
        self.name, self.source, self.opset, self.infer = name, source, dict(opset), infer
        self.types: dict[str, TensorType] = {}
        self.inputs: list[str] = []
        self.initializers: dict[str, TensorType] = {}
        self.nodes: list[Node] = []
        self.notes: list[str] = []
        self.symbols: dict[str, Dim] = {}
        self.parameters: set[str] = set()
        self.data_symbols: dict[str, str] = {}
        self.short_names: dict[str, str] = {}
        self.symbol_counts: dict[str, int] = {}
        self.reserved_symbols: Callable[[], frozenset[str]] = frozenset
        self.cache = InferenceCache()

    def add_input(self, name: str, dtype: DType, shape: Sequence[Dim] | None, value: Value | None = None) -> str:
        """A graph input; shape None where not even the rank is known. Returns its name."""
        self._new(name)
        self.types[name] = TensorType(dtype, None if shape is None else tuple(shape), value)
        self.inputs.append(name)
        return name

    def add_initializer(self, name: str, dtype: DType, shape: Sequence[Dim], value: Value | None = None) -> str:
        """A stored tensor: a parameter, a buffer or a constant. Returns its name."""
        if name in self.types:
            self._new(name)
        self.initializers[name] = self.types[name] = TensorType(dtype, tuple(shape), value)
        return name

    def add_constant(self, name: str, dtype: DType, shape: Sequence[Dim], value: Value | None) -> str:
        """A constant that is no layer and no parameter (an axis, a shape). Returns its name."""
        self._new(name)
        self.types[name] = TensorType(dtype, tuple(shape), value)
        return name

    def add(
        self,
        op_type: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Any] | None = None,
        *,
        name: str,
        outputs: Sequence[str] | None = None,
        domain: str = "",
        scope: tuple[str, ...] = (),
        count: Dim = 1,
        place: str = "",
        types: Sequence[TensorType] | None = None,
    ) -> tuple[str, ...]:
        """Adds a node and returns its outputs' names (`name` unless they are listed). types are the outputs' types
        where the caller knows them (an If, a Loop); else its shape rule infers them. ShapeError for a name that is
        used twice, for an input that no node before computes, and what the rule raises."""
        outputs = (name,) if outputs is None else tuple(outputs)
        node = Node(name, op_type, tuple(inputs), outputs, attributes or {}, domain, scope, count, place)
        value_types = self.types
        try:
            types = self._infer(node) if types is None else types
            for output, type_ in zip(outputs, types, strict=True):
                if output:
                    if output in value_types:
                        self._new(output)
                    value_types[output] = type_
        except CostcalcError as error:
            raise error.at(node.location) from error
        self.nodes.append(node)
        return outputs

    def build(self, outputs: Sequence[str], assumptions: Iterable[Assumption] = ()) -> Graph:
        """The Graph with these outputs; assumptions are those made while its nodes were added. ShapeError for an
        output that no node computes."""
        for output in outputs:
            if output not in self.types:
                raise ShapeError(f"the output {output!r} is computed by no node", "name an output that exists")
        assumptions = simplify_assumptions(assumptions)
        extremes = resolve_extremes(assumptions)
        if extremes:
            self.types = {name: bind_type(t, extremes) for name, t in self.types.items()}
            self.initializers = {name: self.types[name] for name in self.initializers}
        return Graph(
            self.name,
            self.source,
            tuple(self.inputs),
            tuple(outputs),
            self.initializers,
            tuple(self.nodes),
            self.types,
            self.opset,
            self.symbols,
            tuple(self.notes),
            frozenset(self.parameters),
            assumptions,
            data_symbols=self.data_symbols,
        )

    def fresh(self, node: str, suffix: str) -> Dim:
        """A new symbol for an extent that depends on data: `boxes`, the second one `boxes2`; data_symbols has the node
        of each. binding may name it in full, too: `NonMaxSuppression_12.boxes`."""
        full_name = f"{node}.{suffix}"
        name = self.short_names.get(full_name, "")
        while not name or name in self.reserved_symbols():
            number = self.symbol_counts[suffix] = self.symbol_counts.get(suffix, 0) + 1
            separator = "_" if suffix[-1:].isdigit() else ""
            name = self.short_names[full_name] = suffix if number == 1 else f"{suffix}{separator}{number}"
        self.data_symbols[name] = node
        self.cache.has_fresh_symbol = True
        return self.binding.get(name, self.binding.get(full_name, symbol(name)))

    def _new(self, name: str) -> None:
        if name in self.types:
            raise ShapeError(f"the name {name!r} is given twice", "give each value a name of its own")

    def _infer(self, node: Node) -> tuple[TensorType, ...]:
        types = self.types
        try:
            inputs = tuple([types[name] if name else None for name in node.inputs])
        except KeyError as error:
            fact = f"it reads {error.args[0]!r}, which nothing before it computes"
            raise ShapeError(fact, "a graph has no cycles") from None
        n = len(node.outputs)
        key = (node.domain, node.op_type)
        rule = registry.SHAPE_RULES.get(key)
        if rule is None:
            ops.load_families()
            rule = registry.SHAPE_RULES.get(key) or _installed_rule(key)
        opset = self.opset.get(node.domain, 0)
        if rule is None:
            unknown = any(t is not None and t.shape is None for t in inputs)
            return (self.infer and not unknown and self.infer(node, inputs, opset)) or (UNKNOWN,) * n
        attributes = tuple(node.attributes.items()) if node.attributes else ()
        value = registry.VALUE_RULES.get(key)
        memo_key = (rule.function, value and value.function, opset, n, inputs, attributes)
        inferred = self.cache.find(memo_key)
        if inferred is not None:
            return inferred
        if any(t is not None and t.shape is None for t in inputs):
            return (UNKNOWN,) * n
        return self.cache.store(memo_key, inputs, self._apply_rule(rule, node, inputs, opset))

    def _apply_rule(
        self, rule: registry.OperatorRule, node: Node, inputs: Sequence[TensorType | None], opset: int
    ) -> tuple[TensorType, ...]:
        n = len(node.outputs)
        context = {"opset": opset, "n_outputs": n, "fresh": lambda suffix: self.fresh(node.name, suffix)}
        result = registry.call_rule(rule, inputs, node.attributes, context)
        types = (result,) if isinstance(result, TensorType) else tuple(result)
        for t in types:
            if t.shape and float in map(type, t.shape):
                raise ShapeError(f"an extent of {t.shape} is no integer", "give shapes as integer tensors")
        if len(types) < n:
            types += (UNKNOWN,) * (n - len(types))
        return self._with_value(node, inputs, types, context)[:n]

    def _with_value(
        self, node: Node, inputs: Sequence[TensorType | None], types: tuple[TensorType, ...], context: dict[str, Any]
    ) -> tuple[TensorType, ...]:
        rule = registry.VALUE_RULES.get((node.domain, node.op_type))
        first = types[0]
        if rule is None or first.shape is None or first.value is not None:
            return types
        size = first.elements
        if not isinstance(size, int) or size > MAX_VALUE_ELEMENTS:
            return types
        value = registry.call_rule(rule, inputs, node.attributes, {**context, "out": first})
        return (first._replace(value=value), *types[1:])


def _installed_rule(key: tuple[str, str]) -> registry.OperatorRule | None:
    """The shape rule of an operator that no family knows, from the installed packages; None where none has it."""
    if key not in registry.COST_RULES and key not in registry.FREE_OPS:
        load_installed_rules()
    return registry.SHAPE_RULES.get(key)
