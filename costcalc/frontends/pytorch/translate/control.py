"""Higher-order operators (cond, while_loop, scan, map, checkpoint …): calls with graphs inside -> nodes.

Their arguments have no names in a program, but positions. The nodes of a graph that runs several times are counted so
often; the operator itself comes after them and reads their results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.core.dim import Dim
from costcalc.core.errors import LoadError
from costcalc.core.ir import UNKNOWN, TensorType
from costcalc.frontends.branches import drop_cheaper_branch
from costcalc.frontends.pytorch.batching import ENTRY
from costcalc.frontends.pytorch.program import NO_COMPUTATION, REMEDY, SubgraphArgument, ValueName
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.operand import emit_own


@translates(
    "higher_order::wrap",
    "higher_order::wrap_with_set_grad_enabled",
    "higher_order::wrap_with_autocast",
    "higher_order::wrap_activation_checkpoint",
    "higher_order::tag_activation_checkpoint",
    "higher_order::dynamo_bypassing_wrapper",
    "higher_order::strict_mode",
    "higher_order::hints_wrapper",
    "higher_order::invoke_subgraph",
    "higher_order::invoke_quant",
    "higher_order::invoke_quant_packed",
)
def wrapper(call: CallSite) -> None:
    """A graph that runs once, on the arguments behind it."""
    positional = [value for key, value in call.arguments.items() if key.isdigit()]
    start = next((i for i, value in enumerate(positional) if isinstance(value, SubgraphArgument)), len(positional))
    operands: list[Any] = []
    for value in positional[start + 1 :]:
        if isinstance(value, tuple) and not isinstance(value, SubgraphArgument):
            operands.extend(_name_value(call, item) for item in value)
        elif isinstance(value, ValueName) or not isinstance(value, (str, SubgraphArgument)):
            operands.append(_name_value(call, value))
    results = call.inliner.inline(positional[start] if start < len(positional) else None, operands, call.name)
    if len(results) != len(call.outputs):
        fact = f"{call.target} has {len(call.outputs)} outputs, its graph gives {len(results)}"
        raise LoadError(fact, REMEDY)
    for i, (output, result) in enumerate(zip(call.outputs, results, strict=True)):
        if output and isinstance(result, str):
            call.alias(result, i)


def _name_value(call: CallSite, value: Any) -> Any:
    """A tensor -> its name in the graph; anything else as it is."""
    return call.names.get(value, value) if isinstance(value, ValueName) else value


def _operands(call: CallSite, key: str) -> list[Any]:
    """The tensors and numbers at a position; one that is not in a list is a list of one."""
    value = call.arguments.get(key)
    if value is None:
        return []
    return [_name_value(call, item) for item in (value if isinstance(value, tuple) else (value,))]


def add_graph(call: CallSite, key: str, arguments: Sequence[Any], name: str, times: Dim = 1) -> list[str]:
    """Adds the graph at a position, with these inputs, as often as it runs; returns its tensors."""
    nodes = call.builder.nodes
    first = len(nodes)
    results = call.inliner.inline(call.arguments.get(key), arguments, f"{call.name}/{name}")
    if times != 1:
        nodes[first:] = [node._replace(count=node.count * times) for node in nodes[first:]]
    return [value for value in results if isinstance(value, str) and value in call.builder.types]


def _add_control_node(call: CallSite, op_type: str, inputs: Sequence[str]) -> None:
    """Adds the operator itself, with the types that the program has."""
    call.emit(op_type, tuple(filter(None, inputs)), types=call.output_types())


def _body_inputs(call: CallSite, values: Sequence[Any], name: str, is_slice: bool) -> list[Any]:
    """Values that a body gets anew in each run -> values of their types, without known elements; with is_slice, of
    one slice along the first axis."""
    inputs: list[Any] = []
    for i, value in enumerate(values):
        if not isinstance(value, str):
            inputs.append(value)
            continue
        t = call.type(value)
        shape = t.shape[1:] if is_slice and t.shape else t.shape
        call.builder.types[f"{call.name}/{name}{i}"] = TensorType(t.dtype, shape)
        inputs.append(f"{call.name}/{name}{i}")
    return inputs


def _tensors(values: Sequence[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


@translates("higher_order::cond")
def cond(call: CallSite) -> None:
    """A condition, two graphs, their inputs: the graph with more FLOPs counts."""
    builder, operands = call.builder, _operands(call, "3")
    condition, results, spans = call.arguments.get("0"), [], []
    for key, name in (("1", "true"), ("2", "false")):
        start = len(builder.nodes)
        results += add_graph(call, key, operands, name)
        spans.append((start, len(builder.nodes)))
    if isinstance(condition, bool):
        start, end = spans[int(condition)]
        builder.nodes[start:end] = [node._replace(count=0) for node in builder.nodes[start:end]]
    else:
        _, differ = drop_cheaper_branch(builder, call.name, (spans[0], spans[1]), ("the true graph", "the false one"))
        if differ:
            builder.choices.append(call.name)
    _add_control_node(call, "If", (call.optional_tensor("0"), *results))


@translates("higher_order::while_loop", "higher_order::while_loop_stack_output")
def while_loop(call: CallSite) -> None:
    """A graph that tells whether to go on, one that runs each time, carried values, other inputs: the number of runs is
    a symbol."""
    carried, others = _operands(call, "2"), _operands(call, "3")
    trips = call.builder.fresh(call.name, "trips")
    inputs = [*_body_inputs(call, carried, "carried", False), *others]
    results = add_graph(call, "0", inputs, "condition", trips + 1)
    results += add_graph(call, "1", inputs, "body", trips)
    _add_control_node(call, "Loop", (*_tensors(carried), *results))


@translates("higher_order::scan")
def scan(call: CallSite) -> None:
    """A graph, carried values, tensors that it runs over along their first axis, other inputs."""
    carried, scanned, others = (_operands(call, key) for key in "123")
    inputs = [*_body_inputs(call, carried, "carried", False), *_body_inputs(call, scanned, "slice", True), *others]
    results = add_graph(call, "0", inputs, "body", _count_slices(call, scanned))
    _add_control_node(call, "Scan", (*_tensors(carried), *_tensors(scanned), *results))


@translates("higher_order::map", "higher_order::map_impl")
def map_slices(call: CallSite) -> None:
    """A graph, tensors that it runs over along their first axis, other inputs."""
    scanned, others = _operands(call, "1"), _operands(call, "2")
    inputs = [*_body_inputs(call, scanned, "slice", True), *others]
    results = add_graph(call, "0", inputs, "body", _count_slices(call, scanned))
    _add_control_node(call, "Scan", (*_tensors(scanned), *results))


@translates("higher_order::associative_scan")
def associative_scan(call: CallSite) -> None:
    """A graph that combines two slices, tensors along their first axis, other inputs: n - 1 runs, the fewest that give
    all n results; a parallel scan takes up to twice as many."""
    scanned, others = _operands(call, "1"), _operands(call, "2")
    inputs = [*_body_inputs(call, scanned, "left", True), *_body_inputs(call, scanned, "right", True), *others]
    results = add_graph(call, "0", inputs, "body", _count_slices(call, scanned) - 1)
    _add_control_node(call, "Scan", (*_tensors(scanned), *results))


def _count_slices(call: CallSite, values: Sequence[Any]) -> Dim:
    shape = call.shape(_tensors(values)[0]) if _tensors(values) else ()
    if not shape:
        raise LoadError(f"{call.target} runs over no tensor", REMEDY)
    return shape[0]


@translates(
    "higher_order::auto_functionalized", "higher_order::auto_functionalized_v2", "higher_order::run_with_rng_state"
)
def hidden_operator(call: CallSite) -> None:
    """A call of an operator that is named among its arguments, as a node of that name."""
    domain, operator = _named_operator(call)
    call.emit(operator, call.tensor_inputs(), domain=domain, types=call.output_types())


def _named_operator(call: CallSite) -> tuple[str, str]:
    """The namespace and the name of the operator among a call's arguments. LoadError where there is none."""
    for value in call.arguments.values():
        if isinstance(value, str) and not isinstance(value, ValueName) and value.startswith("torch.ops."):
            parts = value.removeprefix("torch.ops.").split(".")
            if len(parts) > 1:
                return parts[0], parts[1]
    raise LoadError(f"{call.target} names no operator", REMEDY)


@translates("higher_order::with_effects")
def operator_with_effects(call: CallSite) -> None:
    """A call of an operator that has effects, as a node of that name. A token, its first input and output, only keeps
    such calls in their order: a tensor without elements."""
    domain, operator = _named_operator(call)
    token = call.out_type()
    call.alias(call.builder.add_constant(f"{call.name}.token", token.dtype, token.shape or (), None))
    if f"{domain}.{operator}" not in NO_COMPUTATION:
        outputs = call.outputs[1:] if any(call.outputs[1:]) else (f"{call.name}/output",)
        types = call.output_types()[1:] if any(call.outputs[1:]) else [UNKNOWN]
        call.emit(operator, call.tensor_inputs()[1:], domain=domain, outputs=outputs, types=types)


@translates("torch::_add_batch_dim", "torch::_remove_batch_dim")
def batch_axis(call: CallSite) -> None:
    """One element of an axis that torch.vmap runs over, or the elements together again: a slice, and a stack."""
    emit_own(call, "vmap_element" if call.operator == ENTRY else "vmap_stack", call.operands(1)[0])
