"""Inputs, stored tensors and nodes, one by one -> Graph. The type of each output is inferred while its node is added.

Results of shape rules are kept: networks repeat their layers, and a rule gives equal types for equal inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from costcalc import ops
from costcalc.core import registry
from costcalc.core.assumptions import (
    Assumption,
    add_assumptions,
    collect_assumptions,
    require_at_least,
    resolve_extremes,
    simplify_assumptions,
)
from costcalc.core.budget import MAX_RANK, NODE_STEPS, check_limit, spend
from costcalc.core.dim import Dim, limited_range, pretty_text, symbol
from costcalc.core.errors import CostcalcError, ShapeError
from costcalc.core.ir import (
    UNKNOWN,
    DType,
    Graph,
    Node,
    SequenceType,
    SourceCall,
    SparseStorage,
    TensorType,
    Value,
    bind_type,
)
from costcalc.core.memo import Memo
from costcalc.graph.inference import InferenceCache, are_concrete
from costcalc.ops.plugins import load_installed_rules
from costcalc.ops.ranks import check_ranks
from costcalc.ops.schema import check_kinds, check_node, find_schema, name_outputs

VALID_FORMS: Memo[Any, bool] = Memo("forms of nodes", 1 << 12)
"""Operator, opset, attributes, and which inputs and outputs are there, of nodes that are as their schemas say."""

MAX_VALUE_ELEMENTS = 4096
"""Elements of the largest tensor whose values are followed."""

Infer = Callable[[Node, Sequence[TensorType | None], int], "tuple[TensorType, ...] | None"]


class GraphBuilder:
    """Inputs, stored tensors and nodes, in execution order -> Graph. An error of a rule carries the node's place and
    name.

    opset maps a domain to its version. infer gives the types of a node without a shape rule (ONNX's own inference);
    without it, or where it gives None, the outputs are UNKNOWN. binding gives symbols their values, also the symbols of
    extents that depend on data; upper takes those without a value as large as they can be.
    """

    def __init__(
        self,
        name: str,
        source: str,
        opset: Mapping[str, int],
        infer: Infer | None = None,
        binding: Mapping[str, Dim] | None = None,
        upper: bool = False,
    ) -> None:
        self.binding, self.upper = dict(binding or {}), upper
        self.name, self.source, self.opset, self.infer = name, source, dict(opset), infer
        self.types: dict[str, TensorType] = {}
        self.inputs: list[str] = []
        self.initializers: dict[str, TensorType] = {}
        self.nodes: list[Node] = []
        self.notes: list[str] = []
        self.choices: list[str] = []
        self.symbols: dict[str, Dim] = {}
        self.parameters: set[str] = set()
        self.sparse: dict[str, SparseStorage] = {}
        self.modules: dict[str, str] = {}
        self.calls: dict[str, SourceCall] = {}
        self.stored_kinds: dict[str, str] = {}
        self.frozen: set[str] = set()
        self.owners: dict[str, str] = {}
        self.data_symbols: dict[str, str] = {}
        self.upper_bounds: dict[str, Dim] = {}
        self.limits: dict[str, int] = {}
        self.short_names: dict[str, str] = {}
        self.symbol_counts: dict[str, int] = {}
        self.reserved_symbols: Callable[[], frozenset[str]] = frozenset
        self.cache = InferenceCache()

    def add_input(self, name: str, dtype: DType, shape: Sequence[Dim] | None, value: Value | None = None) -> str:
        """A graph input; shape None where not even the rank is known. Returns its name."""
        self._new(name)
        check_limit(len(shape or ()), MAX_RANK, "axes of a tensor")
        self.types[name] = TensorType(dtype, None if shape is None else tuple(shape), value)
        self.inputs.append(name)
        return name

    def add_initializer(self, name: str, dtype: DType, shape: Sequence[Dim], value: Value | None = None) -> str:
        """A stored tensor: a parameter, a buffer or a constant. Returns its name."""
        if name in self.types:
            self._new(name)
        if len(shape) > MAX_RANK:
            check_limit(len(shape), MAX_RANK, "axes of a tensor")
        type_ = TensorType(dtype, tuple(shape), value)
        self.initializers[name] = self.types[name] = _drop_long_empty(type_) if value == () else type_
        return name

    def add_constant(self, name: str, dtype: DType, shape: Sequence[Dim], value: Value | None) -> str:
        """A constant that is no layer and no parameter (an axis, a shape). Returns its name."""
        if name in self.types:
            self._new(name)
        if len(shape) > MAX_RANK:
            check_limit(len(shape), MAX_RANK, "axes of a tensor")
        type_ = TensorType(dtype, tuple(shape), value)
        self.types[name] = _drop_long_empty(type_) if value == () else type_
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
        used twice, for an input that no node before computes, for a node that is not as its operator's schema says,
        and what the rule raises."""
        outputs = (name,) if outputs is None else self.name_outputs(op_type, domain, name, outputs)
        node = Node(name, op_type, tuple(inputs), outputs, attributes or {}, domain, scope, count, place)
        value_types = self.types
        if types is not None and registry.rule_state(domain, op_type) == "unknown":
            ops.load_families()  # no rule is asked for, so that nothing else loads the operator's family
        try:
            if types is None:
                types = self._infer(node)
            elif len(types) != len(outputs):
                raise ShapeError(f"it has {len(outputs)} outputs, and types of {len(types)}", "export the model again")
            elif not value_types.keys() >= {*filter(None, inputs)}:
                raise _missing_value(next(value for value in inputs if value and value not in value_types))
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
        taken = [f"{name} = {pretty_text(d)}" for name, d in self.upper_bounds.items() if name not in self.binding]
        if self.upper and taken:
            more = f" and {len(taken) - 4} more" if len(taken) > 5 else ""
            self.notes.append(f"taken at their upper bounds: {', '.join(taken[:4] if more else taken)}{more}")
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
            tuple(self.choices),
            upper_bounds=self.upper_bounds,
            sparse=self.sparse,
            data_symbols=self.data_symbols,
            modules=self.modules,
            calls=self.calls,
            stored_kinds=self.stored_kinds,
            frozen=frozenset(self.frozen),
            owners=self.owners,
        )

    def fresh(self, node: str, suffix: str, upper: Dim | None = None) -> Dim:
        """A new symbol for an extent that depends on data: `boxes`, the second one `boxes2`; data_symbols has the node
        of each, and binding may name it in full too: `NonMaxSuppression_12.boxes`. upper is the largest that it can be,
        None where that is not known. ShapeError where its value is larger."""
        full_name = f"{node}.{suffix}"
        name = self._short_name(full_name, suffix)
        self.data_symbols[name] = node
        self.cache.has_fresh_symbol = True
        if upper is not None:
            self.upper_bounds[name] = upper
            high = limited_range(upper, self.limits)[1]
            if high < math.inf:
                self.limits[name] = int(high)
        value = self.binding.get(name, self.binding.get(full_name))
        if value is None:
            return upper if self.upper and upper is not None else symbol(name)
        if upper is not None:
            fact = f"{name} is bound to {pretty_text(value)}"
            limit = self.limits.get(name)
            if limit is not None and isinstance(value, int) and value > limit:
                raise ShapeError(fact, f"it is {limit:,} at most: bind a smaller value")
            require_at_least(upper, value, fact, f"it is {pretty_text(upper)} at most: bind a smaller value")
        return value

    def _short_name(self, full_name: str, suffix: str) -> str:
        """A symbol's name in full and its last word -> the word, or with a number where it is taken."""
        name = self.short_names.get(full_name, "")
        while not name or name in self.reserved_symbols():
            number = self.symbol_counts[suffix] = self.symbol_counts.get(suffix, 0) + 1
            separator = "_" if suffix[-1:].isdigit() else ""
            name = self.short_names[full_name] = suffix if number == 1 else f"{suffix}{separator}{number}"
        return name

    def name_outputs(self, op_type: str, domain: str, name: str, outputs: Sequence[str]) -> tuple[str, ...]:
        """The outputs of a node with this name -> the same; those that the operator gives in any case have a name."""
        if outputs and "" not in outputs:
            return tuple(outputs)
        return name_outputs(find_schema(domain, op_type, self.opset.get(domain, 0)), name, outputs)

    def check(
        self, op_type: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Any], domain: str
    ) -> None:
        """ShapeError where a node is not as its operator's schema says, or an input has another rank than its
        rules take. A node without a schema is held to the signature of its rule, when that is called."""
        opset = self.opset.get(domain, 0)
        schema = find_schema(domain, op_type, opset)
        if schema is None:
            return
        presence: tuple[Any, ...] = (len(inputs), len(outputs))
        if "" in inputs or "" in outputs:
            presence += (tuple(map(bool, inputs)), tuple(map(bool, outputs)))
        form = (domain, op_type, opset, tuple(attributes.items()), presence)
        try:
            is_valid = form in VALID_FORMS
        except TypeError:  # an attribute that is a list or a graph has no hash
            check_node(schema, inputs, outputs, attributes)
        else:
            if not is_valid:
                check_node(schema, inputs, outputs, attributes)
                VALID_FORMS[form] = True
        types = [self.types.get(name) if name else None for name in inputs]
        check_kinds(schema, types)
        check_ranks(domain, op_type, types)

    def _new(self, name: str) -> None:
        if name in self.types:
            raise ShapeError(f"the name {name!r} is given twice", "give each value a name of its own")

    def _infer(self, node: Node) -> tuple[TensorType, ...]:
        try:
            inputs = tuple([self.types[name] if name else None for name in node.inputs])
        except KeyError as error:
            raise _missing_value(error.args[0]) from None
        n = len(node.outputs)
        key = (node.domain, node.op_type)
        rule = registry.SHAPE_RULES.get(key)
        if rule is None:
            ops.load_operator(*key)
            rule = registry.SHAPE_RULES.get(key) or _installed_rule(key)
        opset = self.opset.get(node.domain, 0)
        if rule is None:
            self.check(node.op_type, node.inputs, node.outputs, node.attributes, node.domain)
            unknown = any(t is not None and t.shape is None for t in inputs)
            return (self.infer and not unknown and self.infer(node, inputs, opset)) or (UNKNOWN,) * n
        attributes = tuple(node.attributes.items()) if node.attributes else ()
        value = registry.VALUE_RULES.get(key)
        memo_key = (key, rule.function, value and value.function, opset, n, inputs, attributes)
        inferred = self.cache.find(memo_key)
        if inferred is not None and "" not in node.outputs:
            return inferred
        spend(NODE_STEPS)
        self.check(node.op_type, node.inputs, node.outputs, node.attributes, node.domain)
        if any(t is not None and t.shape is None for t in inputs):
            return (UNKNOWN,) * n
        if are_concrete(inputs):
            return self.cache.store(memo_key, self._apply_rule(rule, node, inputs, opset))
        with collect_assumptions() as assumptions:
            types = self._apply_rule(rule, node, inputs, opset)
        add_assumptions(assumptions)
        return self.cache.store_symbolic(memo_key, inputs, types, assumptions)

    def _apply_rule(
        self, rule: registry.OperatorRule, node: Node, inputs: Sequence[TensorType | None], opset: int
    ) -> tuple[TensorType, ...]:
        n = len(node.outputs)
        context = {"opset": opset, "n_outputs": n, "fresh": partial(self.fresh, node.name)}
        types = registry.infer_types(rule, inputs, node.attributes, context)
        for t in types:
            if t.shape and len(t.shape) > MAX_RANK:
                check_limit(len(t.shape), MAX_RANK, "axes of a tensor")
        if len(types) < n:
            types += (UNKNOWN,) * (n - len(types))
        types = tuple([_drop_long_empty(t) if t.value == () else t for t in types])
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
        if size == 0:
            is_small = all(isinstance(extent, int) and extent <= MAX_VALUE_ELEMENTS for extent in first.shape)
            return (first._replace(value=() if is_small else None), *types[1:])
        spend(size)
        value = registry.infer_value(rule, inputs, node.attributes, {**context, "out": first})
        return (first._replace(value=value), *types[1:])


def _missing_value(name: str) -> ShapeError:
    return ShapeError(f"it reads {name!r}, which nothing before it computes", "a graph has no cycles")


def _drop_long_empty(t: TensorType) -> TensorType:
    """A tensor without elements -> its type; without a value where another extent is long: rules would walk along
    it."""
    extents = [] if isinstance(t, SequenceType) else [d for d in t.shape or () if isinstance(d, int)]
    return t._replace(value=None) if max(extents, default=0) > MAX_VALUE_ELEMENTS else t


def _installed_rule(key: tuple[str, str]) -> registry.OperatorRule | None:
    """The shape rule of an operator that no family knows, from the installed packages; None where none has it."""
    if key not in registry.COST_RULES and key not in registry.FREE_OPS:
        load_installed_rules()
    return registry.SHAPE_RULES.get(key)
