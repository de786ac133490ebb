"""Nodes of an ONNX graph, its subgraphs and local functions -> nodes of a GraphBuilder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from costcalc.core.budget import NODE_STEPS, spend
from costcalc.core.errors import CostcalcError, LoadError
from costcalc.core.ir import TensorType
from costcalc.frontends.onnx.constants import Definitions
from costcalc.frontends.onnx.messages import AttributeProto, FunctionProto, GraphProto, NodeProto, Span
from costcalc.frontends.onnx.nchwc import find_logical_channels
from costcalc.frontends.onnx.parse import Cache, parse_nodes
from costcalc.frontends.onnx.scopes import Frame, ResolvedNode, find_missing_value
from costcalc.frontends.onnx.wire import Buffer
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.common.channels import NCHWC

MAX_NODES = 100_000
"""Nodes of all calls of functions and runs of bodies: those inside each other can describe more than any file holds."""

MAX_DEPTH = 40
"""Subgraphs and functions inside each other."""

Expand = Callable[["Walker", Frame, ResolvedNode], None]


class Walker:
    """Adds nodes to a builder. expansions holds by (domain, op_type) the operators that need more than a rule (If, …);
    inline expands a call of a local function."""

    def __init__(
        self,
        builder: GraphBuilder,
        place: str,
        functions: Mapping[tuple[str, str, str], FunctionProto],
        expansions: Mapping[tuple[str, str], Expand],
        inline: Callable[[Walker, Frame, ResolvedNode, FunctionProto], None],
    ) -> None:
        self.builder, self.place, self.functions = builder, place, functions
        self.expansions, self.inline = expansions, inline
        self.cache: Cache = {}
        self.name_counts: dict[str, int] = {}
        self.scopes: dict[str, tuple[str, ...]] = {}
        self.definitions = Definitions(builder)
        self.choices: list[str] = []
        self.nonzero: dict[str, bool] = {}
        self.channel_block = 0
        self.node_budget = MAX_NODES

    def graph(self, frame: Frame, graph: GraphProto) -> tuple[str, ...]:
        """Adds a (sub)graph's initializers and nodes; the builder's names of its outputs."""
        if not frame.value_prefix:
            self.definitions.top = graph
        for t in graph.initializer:
            self.definitions.initializer(frame, t.name, t.type())
        for s in graph.sparse_initializer:
            stored = self.definitions.initializer(frame, s.values.name, s.type())
            self.builder.sparse[stored] = s.storage
        first = len(self.builder.nodes)
        self.run(frame, graph.buf, graph.node)
        if NCHWC in self.builder.opset:
            find_logical_channels(self.builder, first, frame, graph, self.cache)
        results = tuple([frame.find(o.name) for o in graph.output])
        for name in results:
            if name not in self.builder.types:
                raise LoadError(f"the output {name!r} is computed by no node", "export the model again")
        return results

    def run(self, frame: Frame, buf: Buffer, spans: tuple[Span, ...]) -> None:
        """Adds nodes in their order."""
        if frame.depth > MAX_DEPTH:
            raise LoadError(f"graphs and functions are nested more than {MAX_DEPTH} deep", "unnest them")
        if frame.depth:
            self.node_budget -= len(spans)
        spend(NODE_STEPS * len(spans))
        if self.node_budget < 0:
            raise LoadError(f"functions and loops unfold into more than {MAX_NODES:,} nodes", "simplify them")
        top = frame.parent is None and not frame.env and not frame.value_prefix
        types = self.builder.types
        waiting: dict[str, list[tuple[NodeProto, str]]] = {}
        for index, node in enumerate(parse_nodes(buf, spans, self.cache)):
            name = self._unique(f"{frame.node_prefix}{node.name or f'{node.op_type}_{index}'}")
            missing = find_missing_value(frame, node, types, top)
            if missing:
                waiting.setdefault(missing, []).append((node, name))
                continue
            self._add(frame, node, name, top)
            if waiting:
                self._release(frame, list(node.output), waiting, top)
        for missing, unresolved in waiting.items():
            node, name = unresolved[0]
            raise LoadError(
                f"it reads {missing!r}, which no node computes, or only from this one's own result",
                "a graph has no cycles",
                f"{self.place}: {name} ({node.op_type})",
            )

    def _release(
        self, frame: Frame, ready: list[str], waiting: dict[str, list[tuple[NodeProto, str]]], top: bool
    ) -> None:
        """Adds the nodes that stood in the file before what they read: converters do not always sort."""
        while ready:
            for node, name in waiting.pop(ready.pop(), ()):
                missing = find_missing_value(frame, node, self.builder.types, top)
                if missing:
                    waiting.setdefault(missing, []).append((node, name))
                else:
                    self._add(frame, node, name, top)
                    ready += node.output

    def _add(self, frame: Frame, node: NodeProto, name: str, top: bool) -> None:
        """Adds one node; an error gets its place."""
        try:
            self._node(frame, node, name, top)
        except CostcalcError as error:
            raise error.at(f"{self.place}: {name} ({node.op_type})") from error
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            fact = f"its rule fails with {type(error).__name__}: {error}"
            raise LoadError(
                fact,
                "the node is malformed, or this is a bug of costcalc: --debug shows where",
                f"{self.place}: {name} ({node.op_type})",
            ) from error

    def _node(self, frame: Frame, node: NodeProto, name: str, top: bool) -> None:
        op_type, domain, attribute = node.op_type, node.domain, node.attribute
        inputs, outputs = node.input, node.output
        origin = frame.origin
        attributes: dict[str, Any] = {}
        if attribute:
            attributes = {a.name: a.value for a in attribute if not a.ref and a.value is not None}
            if len(attributes) != len(attribute):
                attributes |= _resolve_references(attribute, frame.attributes)
                origin = (*frame.origin, frame.value_prefix)
        if op_type == "Constant" and not domain:
            self.builder.check(op_type, inputs, outputs, attributes, domain)
            self.definitions.constant(frame, node, attributes, (*origin, outputs), name)
            return
        if not top:
            inputs = tuple([frame.find(x) if x else "" for x in inputs])
            outputs = tuple([self.definitions.name(frame, x) for x in outputs])
        scope = self._scope(name, node.scopes, frame)
        expansion = self.expansions.get((domain, op_type))
        function = self.functions.get((domain, op_type, node.overload)) if self.functions else None
        if expansion is not None or function is not None:
            if expansion is not None:
                outputs = self.builder.name_outputs(op_type, domain, name, outputs)
            call = ResolvedNode(op_type, name, inputs, outputs, attributes, domain, scope, (*origin, node.output))
            if expansion is not None:
                self.builder.check(op_type, inputs, outputs, attributes, domain)
                expansion(self, frame, call)
            elif function is not None:
                self.inline(self, frame, call, function)
            return
        self.builder.add(
            op_type, inputs, attributes, name=name, outputs=outputs, domain=domain, scope=scope, place=self.place
        )

    def add(
        self, call: ResolvedNode, types: Sequence[TensorType] | None = None, inputs: Sequence[str] | None = None
    ) -> None:
        """Adds a node as it is; its outputs' types where they are known, its inputs where they differ."""
        self.builder.add(
            call.op_type,
            call.inputs if inputs is None else inputs,
            call.attributes,
            name=call.name,
            outputs=call.outputs,
            domain=call.domain,
            scope=call.scope,
            place=self.place,
            types=types,
        )

    def _unique(self, name: str) -> str:
        n = self.name_counts.get(name)
        if n is None:
            self.name_counts[name] = 1
            return name
        while f"{name}_{n}" in self.name_counts:
            n += 1
        self.name_counts[name] = n + 1
        self.name_counts[f"{name}_{n}"] = 1
        return f"{name}_{n}"

    def _scope(self, name: str, scopes: str, frame: Frame) -> tuple[str, ...]:
        """The blocks that a node stands in: from its path-like name, or from what torch's exporter says beside it."""
        if frame.node_prefix:
            blocks = _blocks_of_path(name[len(frame.node_prefix) :])
            return frame.scope + blocks
        if "/" in name:
            return _blocks_of_path(name) or frame.scope
        if not scopes:
            return frame.scope
        cached = self.scopes.get(scopes)
        if cached is None:
            cached = self.scopes[scopes] = tuple(filter(None, _STRINGS.findall(scopes)[:-1]))
        return cached


_STRINGS = re.compile(r"'([^']*)'")


def _blocks_of_path(name: str) -> tuple[str, ...]:
    return tuple(filter(None, name.split("/")[:-1]))


def _resolve_references(attributes: Sequence[AttributeProto], call_attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that a function takes from its call."""
    return {a.name: call_attributes[a.ref] for a in attributes if a.ref and a.ref in call_attributes}
