"""Exported program -> nodes in a GraphBuilder: each call is translated, and its sizes are held to the program's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from costcalc.core.budget import NODE_STEPS, spend
from costcalc.core.dim import Dim, Poly, substitute, symbols
from costcalc.core.elision import list_names
from costcalc.core.errors import CostcalcError, LimitError, LoadError
from costcalc.core.ir import UNKNOWN, DType, SourceCall, TensorType, bind_type
from costcalc.frontends.pytorch.aliases import Aliases, first_tensor
from costcalc.frontends.pytorch.batching import VmapLevels
from costcalc.frontends.pytorch.metadata import CallNames, parse_function, parse_source_line, subgraphs
from costcalc.frontends.pytorch.parameters import find_ties
from costcalc.frontends.pytorch.program import (
    NO_COMPUTATION,
    REMEDY,
    Call,
    ExportedProgram,
    ProgramGraph,
    SubgraphArgument,
    ValueName,
    are_sizes,
    namespace_of,
    operator_name,
    tensor_names,
)
from costcalc.frontends.pytorch.translate import CallSite, find_translation
from costcalc.frontends.pytorch.weights import count_uses, find_transposed_weights, permutation_of
from costcalc.graph.builder import GraphBuilder
from costcalc.ops.aten import ATEN

OPSET = 23


class ProgramWalker:
    """Adds the calls of a program to a builder."""

    def __init__(self, builder: GraphBuilder, program: ExportedProgram, binding: Mapping[str, Dim]) -> None:
        self.builder, self.program, self.binding = builder, program, dict(binding)
        self.call_names = CallNames(program.graph.calls)
        self.names: dict[str, str] = {}
        self.differences: list[str] = []
        self.refusals: list[str] = []
        types = [program.graph.types.get(s.value, UNKNOWN) for s in program.inputs if s.kind == "input"]
        self.input_symbols = frozenset(symbols(*[d for t in types for d in t.shape or ()]))
        self.noted: set[int] = set()
        self.uses = count_uses(program.graph)
        self.transposed = find_transposed_weights(program.graph, program.inputs)
        self.read: set[str] | None = None
        self.vmap = VmapLevels()

    def run(self) -> tuple[str, ...]:
        """Adds inputs, stored tensors and calls; returns the outputs' values."""
        graph = self.program.graph
        self._add_inputs(graph)
        self._add_calls(graph, lambda name: name)
        self._add_unread()
        self._note_unknown_calls()
        if self.vmap.levels:
            self.builder.notes.append("what torch.vmap runs counts for each element, its activations for one at a time")
        outputs = [self.names.get(v, v) for v in graph.outputs if isinstance(v, ValueName)]
        return tuple(dict.fromkeys(v for v in outputs if v in self.builder.types))

    def _note_unknown_calls(self) -> None:
        for count, calls, what in (
            (len(self.refusals), self.refusals, "of a form that costcalc has no rule for"),
            (len(self.differences), self.differences, "of other types by costcalc's rules than in the program"),
        ):
            if calls:
                subject = "1 call is" if count == 1 else f"{count:,} calls are"
                unknown = "counts as unknown" if count == 1 else "count as unknown"
                report = "; please report it" if calls is self.differences else ""
                self.builder.notes.append(f"{subject} {what}, and {unknown} ({list_names(calls, 3)}){report}")

    def _add_inputs(self, graph: ProgramGraph) -> None:
        builder = self.builder
        builder.modules.update(self.call_names.classes)
        ties = find_ties(self.program)
        self.builder.notes.extend(ties.notes)
        for spec in self.program.inputs:
            declared = graph.types.get(spec.value)
            if declared is None:
                continue
            type_ = bind_type(declared, self.binding) if self.binding else declared
            if spec.kind == "input":
                builder.add_input(spec.value, type_.dtype, type_.shape)
                continue
            name = self.names[spec.value] = ties.targets.get(spec.target, spec.target)
            if name not in builder.types:
                shape = type_.shape
                if shape is None:
                    raise LoadError(f"the stored tensor {name} has no size that can be read", REMEDY)
                shape = tuple([shape[axis] for axis in self.transposed.get(name, range(len(shape)))])
                builder.add_initializer(name, type_.dtype, shape)
            if spec.kind != "parameter":
                builder.stored_kinds[name] = spec.kind
            elif name == spec.target:
                builder.parameters.add(name)
                if spec.value not in graph.trainable:
                    builder.frozen.add(name)

    def _add_unread(self) -> None:
        """Stored tensors that no node reads: one counts for its module's node; where the module is not called, for a
        node of its own, so that the totals are those of all parameters and buffers."""
        builder = self.builder
        read = {name for node in builder.nodes for name in node.inputs}
        nodes = {node.name for node in builder.nodes}
        own: list[str] = []
        for name in builder.initializers:
            if name in read or (name not in builder.parameters and builder.stored_kinds.get(name) != "buffer"):
                continue
            module, _, end = name.rpartition(".")
            if module not in nodes:
                own.append(name)
                builder.modules.setdefault(module, "")
                node = f"{module}/{end}" if module else end
                builder.add(
                    "Identity", (name,), name=node, outputs=(f"{name}/unread",), scope=(module,) if module else ()
                )
            else:
                builder.owners[name] = module
        if own:
            count = "1 stored tensor is" if len(own) == 1 else f"{len(own)} stored tensors are"
            builder.notes.append(f"{count} read by no call, and counted all the same: {list_names(own, 3)}")

    def _add_calls(self, graph: ProgramGraph, value_name: Callable[[str], str]) -> None:
        aliases = Aliases(graph)
        for position, call in enumerate(graph.calls):
            spend(NODE_STEPS)
            namespace = namespace_of(call.target)
            operator = f"{namespace}.{operator_name(call.target)}"
            if operator in NO_COMPUTATION or (namespace in NO_COMPUTATION and not any(call.outputs)):
                continue
            if any(call.outputs) or (not call.outputs and call.arguments):
                if aliases.is_overwritten(call):
                    viewed = first_tensor(call)
                    source = self.names.get(viewed, viewed)
                    self.names.update((output, source) for output in call.outputs if output)
                else:
                    self._add_call(call, graph, value_name)
                names = aliases.follow(call)
                is_part = bool(names) and aliases.is_part(call.outputs[0])
                if names and (not is_part or aliases.is_whole_read(call, position)):
                    self._add_write(call, names, is_part)

    def _add_call(self, call: Call, graph: ProgramGraph, value_name: Callable[[str], str]) -> None:
        builder = self.builder
        if self.binding:
            call = call._replace(arguments={k: _bind(v, self.binding) for k, v in call.arguments.items()})
        name, scope = self.call_names.name(call)
        trace = str(call.metadata.get("stack_trace") or "")
        place = parse_source_line(trace)
        self._note_data_symbols(graph, call, name)
        declared = tuple([self._declared(graph, output) for output in call.outputs])
        outputs = tuple([value_name(output) if output else "" for output in call.outputs])
        for output, value in zip(call.outputs, outputs, strict=True):
            if output:
                self.names[output] = value
        if self.transposed:
            source = self.names.get(str(call.arguments.get("self")), "")
            if source in self.transposed and call.outputs and permutation_of(graph, call):
                self.names[call.outputs[0]] = source
                return
        site = CallSite(builder, call, self.names, outputs, declared, self, name, scope, place)
        translation = find_translation(call.target)
        if translation is None:
            self._add_untranslated(site)
            return
        nodes, known = len(builder.nodes), len(builder.types)
        runs = self.vmap.count_runs(call, builder.types)
        difference = refusal = ""
        try:
            translation(site)
            difference = self._find_difference(call, site)
        except LimitError:
            raise
        except CostcalcError as error:
            refusal = f"{name}: {error.fact}"
        if difference or refusal:
            (self.differences if difference else self.refusals).append(difference or refusal)
            del builder.nodes[nodes:]
            for value in list(builder.types)[known:]:
                del builder.types[value]
            for output, value in zip(call.outputs, outputs, strict=True):
                if output:
                    self.names[output] = value
            self._add_untranslated(site, unknown=True)
            return
        function = parse_function(str(call.metadata.get("torch_fn") or ""), trace)
        written = SourceCall(operator_name(call.target), function)
        for i, node in enumerate(builder.nodes[nodes:], nodes):
            builder.calls.setdefault(node.name, written)
            if runs != 1:
                builder.nodes[i] = node._replace(count=node.count * runs)

    def _add_write(self, call: Call, names: Sequence[str], is_part: bool) -> None:
        """What a call writes in place is what the names of the tensor stand for from then on: of a part, a node that
        writes it into the whole."""
        value = self.names[call.outputs[0]]
        whole = self.names.get(names[0], names[0])
        if is_part:
            types = self.builder.types
            if whole not in types or value not in types:
                return
            name = f"{call.outputs[0]}/write"
            value = self.builder.add(
                "write", [whole, value], name=name, domain=ATEN, types=[types[whole]._replace(value=None)]
            )[0]
        self.names.update((name, value) for name in names)

    def _note_data_symbols(self, graph: ProgramGraph, call: Call, name: str) -> None:
        """Symbols that first appear in a call's outputs depend on data: the graph gets them with the call's name, and
        the largest value that the program allows, which they take where upper bounds are asked for."""
        for output in call.outputs:
            declared = graph.types.get(output)
            for extent in declared.shape or () if declared is not None else ():
                if isinstance(extent, int) or id(extent) in self.noted:
                    continue
                self.noted.add(id(extent))
                for key in symbols(extent):
                    if key in self.input_symbols or key in self.builder.data_symbols:
                        continue
                    self.builder.data_symbols[key] = name
                    limit = self.program.ranges.get(key, (None, None))[1]
                    if limit is not None and limit < 1 << 31:
                        self.builder.upper_bounds[key] = limit
                        if self.builder.upper:
                            self.binding.setdefault(key, limit)

    def _declared(self, graph: ProgramGraph, output: str) -> TensorType | None:
        type_ = graph.types.get(output) if output else None
        if type_ is None or not self.binding:
            return type_
        bound = bind_type(type_, self.binding)
        return bound if are_sizes(bound.shape or ()) else UNKNOWN

    def _add_untranslated(self, site: CallSite, unknown: bool = False) -> None:
        """Adds a call as a node of its own operator, in the domain of its namespace (`aten:roll`); with unknown, as
        one that no rule knows. A call without outputs, a kernel that writes into its inputs, has one of no known type.
        """
        domain, operator = namespace_of(site.target), site.operator
        attributes = {
            key: value
            for key, value in site.arguments.items()
            if isinstance(value, (int, float, str, tuple))
            and not isinstance(value, SubgraphArgument)
            and not any(tensor_names([value]))
        }
        name, outputs = f"{operator}?" if unknown else operator, site.outputs or (site.name,)
        types = site.output_types() or [UNKNOWN]
        site.emit(name, site.tensor_inputs(), attributes, outputs=outputs, domain=domain, types=types)

    def _find_difference(self, call: Call, site: CallSite) -> str:
        """A translated call -> what differs between the shapes and element types that costcalc infers for its outputs
        and those of the program, as far as both know them; "" where they agree. The program's types are taken."""
        types = self.builder.types
        for output, declared in zip(call.outputs, site.declared, strict=True):
            if not output or declared is None or declared.shape is None:
                continue
            value = self.names[output]
            inferred = types.get(value)
            if inferred is None and not self.is_read(output):
                continue
            if inferred is None:
                return f"{site.name}: {output} is not computed"
            if inferred.shape is not None and _differ(inferred.shape, declared.shape):
                return f"{site.name}: {list(map(str, inferred.shape))} for {list(map(str, declared.shape))}"
            if inferred.dtype is not declared.dtype and DType.UNDEFINED not in (inferred.dtype, declared.dtype):
                return f"{site.name}: {inferred.dtype} for {declared.dtype}"
            if value not in self.builder.initializers and value not in self.builder.inputs:
                types[value] = declared._replace(value=inferred.value)
        return ""

    def is_read(self, output: str) -> bool:
        """Whether a call reads this value, or it is an output of the program or of a graph inside it."""
        if self.read is None:
            self.read = _names_read(self.program.graph)
        return output in self.read

    def inline(self, graph: Any, arguments: Sequence[Any], prefix: str) -> tuple[Any, ...]:
        """Adds the calls of a graph inside the program, with these values as its inputs; returns its outputs."""
        if not isinstance(graph, SubgraphArgument):
            raise LoadError("a graph is missing among the arguments", REMEDY)
        inner = graph.graph
        saved = dict(self.names)
        if len(inner.inputs) != len(arguments):
            raise LoadError(f"a graph of {len(inner.inputs)} inputs is called with {len(arguments)}", REMEDY)
        for parameter, argument in zip(inner.inputs, arguments, strict=True):
            if isinstance(parameter, ValueName) and isinstance(argument, str):
                self.names[parameter] = argument
        self._add_calls(inner, lambda name: f"{prefix}/{name}")
        results = tuple([self.names.get(v, v) if isinstance(v, ValueName) else v for v in inner.outputs])
        self.names.clear()
        self.names.update(saved)
        return results


def _bind(argument: Any, binding: Mapping[str, Dim]) -> Any:
    """An argument of a call, the extents in it bound."""
    if isinstance(argument, Poly):
        return substitute(argument, binding)
    if isinstance(argument, tuple) and not isinstance(argument, SubgraphArgument):
        return tuple([_bind(item, binding) for item in argument])
    return argument


def _names_read(graph: ProgramGraph) -> set[str]:
    """The names of the values that the calls of a graph read, and of its outputs; those of the graphs inside it too."""
    arguments = [value for call in graph.calls for value in call.arguments.values()]
    names = {*tensor_names(graph.outputs), *tensor_names(arguments)}
    return names.union(*map(_names_read, subgraphs(arguments)))


_SAMPLES = (224, 2048, 3104, 4192)
"""Values of symbols at which two formulas are compared that are not equal as they stand: multiples of 32, for a program
may hold only where its extents can be halved."""


def _differ(a: Sequence[Dim], b: Sequence[Dim]) -> bool:
    """Whether two shapes are different: of another rank, or with other extents, for some values of their symbols."""
    return len(a) != len(b) or any(x is not y and x != y and _extents_differ(x, y) for x, y in zip(a, b, strict=True))


def _extents_differ(x: Dim, y: Dim) -> bool:
    """Whether two extents differ for one of some values of their symbols."""
    names = symbols(x, y)
    for i in range(len(_SAMPLES)):
        binding = {name: _SAMPLES[(i + j) % len(_SAMPLES)] for j, name in enumerate(names)}
        if substitute(x, binding) != substitute(y, binding):
            return True
    return False
