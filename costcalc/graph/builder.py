"""GraphBuilder: takes nodes one by one, infers each output's type as it is added, and closes into a Graph.

Remembers what shape rules answered: networks repeat their layers, and a rule gives the same for the same.
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

Types = tuple[TensorType, ...]

MOST = 1 << 14
"""Answers that are kept at most."""

LONGEST = 64
"""Elements of the largest tensor that an answer is kept for."""

SHARED: dict[Any, Types] = {}
"""The answers of this process. A question names the rules that it is put to, so an answer holds for every graph."""


class InferenceCache:
    """Answers by question. Only those without symbols are kept: a rule that sees a symbol may assume something about
    it each time. own is set by whoever gives a rule something of its node's own, a new symbol: that is not kept."""

    def __init__(self, known: dict[Any, Types] = SHARED) -> None:
        self.known = known
        self.own = False

    def of(self, question: Any) -> Types | None:
        """The answer to a question that holds the inputs and all else that it depends on; None: it must be asked."""
        self.own = False
        try:
            return self.known.get(question)
        except TypeError:  # an attribute that is a list or a graph has no hash
            return None

    def keep(self, question: Any, inputs: Iterable[TensorType | None], found: Types) -> Types:
        """The answer, kept for the next time where it holds then."""
        if not self.own and plain(inputs) and plain(found):
            if len(self.known) >= MOST:
                self.known.clear()
            try:
                self.known[question] = found
            except TypeError:
                return found
        return found


def plain(types: Iterable[TensorType | None]) -> bool:
    """Whether types are those of tensors whose extents and elements are numbers, and not many elements."""
    for t in types:
        if t is None:
            continue
        if type(t) is not TensorType or t.shape is None or Poly in map(type, t.shape):
            return False
        if t.value is not None and (len(t.value) > LONGEST or Poly in map(type, t.value)):
            return False
    return True


MAX_VALUE_ELEMENTS = 4096
"""Elements of the largest tensor whose values are followed."""

Infer = Callable[[Node, Sequence[TensorType | None], int], "tuple[TensorType, ...] | None"]


class GraphBuilder:
    """Collects a graph. Errors of a rule come out with the node's place and name.

    opset maps a domain to its version. infer is asked for the types of a node that has no shape rule here (ONNX's own
    inference); without it, or where it cannot tell, its outputs are UNKNOWN. binding gives symbols their values, those
    that a node with a data-dependent extent brings in included.
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
        self.asked = InferenceCache()

    def add_input(self, name: str, dtype: DType, shape: Sequence[Dim] | None, value: Value | None = None) -> str:
        """A graph input."""
        self._new(name)
        self.types[name] = TensorType(dtype, None if shape is None else tuple(shape), value)
        self.inputs.append(name)
        return name

    def add_initializer(self, name: str, dtype: DType, shape: Sequence[Dim], value: Value | None = None) -> str:
        """A stored tensor: a parameter, a buffer or a constant."""
        if name in self.types:
            self._new(name)
        self.initializers[name] = self.types[name] = TensorType(dtype, tuple(shape), value)
        return name

    def add_constant(self, name: str, dtype: DType, shape: Sequence[Dim], value: Value | None) -> str:
        """A constant that is no layer and no parameter (an axis, a shape)."""
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
        """Adds a node and returns its outputs' names (`name` itself unless given). types are its outputs' where the
        caller knows them (an If, a Loop); else the rule is asked."""
        outputs = (name,) if outputs is None else tuple(outputs)
        node = Node(name, op_type, tuple(inputs), outputs, attributes or {}, domain, scope, count, place)
        known = self.types
        try:
            types = self._infer(node) if types is None else types
            for output, type_ in zip(outputs, types, strict=True):
                if output:
                    if output in known:
                        self._new(output)
                    known[output] = type_
        except CostcalcError as error:
            raise error.at(node.where) from error
        self.nodes.append(node)
        return outputs

    def build(self, outputs: Sequence[str], assumptions: Iterable[Assumption] = ()) -> Graph:
        """The finished graph, with what was assumed while it was built."""
        for output in outputs:
            if output not in self.types:
                raise ShapeError(f"the output {output!r} is computed by no node", "name an output that exists")
        assumptions = simplify_assumptions(assumptions)
        known = resolve_extremes(assumptions)
        if known:
            self.types = {name: bind_type(t, known) for name, t in self.types.items()}
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
        )

    def fresh(self, node: str, what: str) -> Dim:
        """A new symbol for an extent that depends on data, named after its node."""
        name = f"{node}.{what}"
        self.data_symbols[name] = node
        self.asked.own = True
        return self.binding.get(name, symbol(name))

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
        rule = registry.SHAPES.get(key)
        if rule is None:
            ops.load()
            rule = registry.SHAPES.get(key) or _installed(key)
        opset = self.opset.get(node.domain, 0)
        if rule is None:
            unknown = any(t is not None and t.shape is None for t in inputs)
            return (self.infer and not unknown and self.infer(node, inputs, opset)) or (UNKNOWN,) * n
        attributes = tuple(node.attributes.items()) if node.attributes else ()
        value = registry.VALUE_RULES.get(key)
        question = (rule.function, value and value.function, opset, n, inputs, attributes)
        found = self.asked.of(question)
        if found is not None:
            return found
        if any(t is not None and t.shape is None for t in inputs):
            return (UNKNOWN,) * n
        return self.asked.keep(question, inputs, self._ask(rule, node, inputs, opset))

    def _ask(
        self, rule: registry.OperatorRule, node: Node, inputs: Sequence[TensorType | None], opset: int
    ) -> tuple[TensorType, ...]:
        n = len(node.outputs)
        context = {"opset": opset, "n_outputs": n, "fresh": lambda what: self.fresh(node.name, what)}
        result = registry.call(rule, inputs, node.attributes, context)
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
        value = registry.call(rule, inputs, node.attributes, {**context, "out": first})
        return (first._replace(value=value), *types[1:])


def _installed(key: tuple[str, str]) -> registry.OperatorRule | None:
    """The rule of an operator that no family knows, from the packages that are installed."""
    from costcalc.ops.plugins import load_installed

    if key not in registry.COSTS and key not in registry.FREE_OPS:
        load_installed()
    return registry.SHAPES.get(key)
