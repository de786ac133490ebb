"""Runs one node in ONNX Runtime on changed inputs, and tells which of its inputs' rows each of its outputs depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from onnx import helper

from costcalc import ops
from costcalc.core.formula import NO_COST
from costcalc.core.ir import DTYPE_OF_CODE, TensorType
from costcalc.core.registry import COST_RULES, call_rule
from costcalc.core.traits import TRAITS, LeastWork, OperatorUse

ops.load_families()
ort.set_default_logger_severity(4)


class Call(NamedTuple):
    """A node with arrays as its inputs; stored are the positions whose elements a file holds."""

    op_type: str
    arrays: tuple[Any, ...]
    attributes: Mapping[str, Any]
    domain: str = ""
    stored: tuple[int, ...] = ()
    n: int = 1
    opset: int = 24


def make_session(call: Call) -> Any:
    """The node as a session of its own."""
    names = ["" if a is None else f"i{i}" for i, a in enumerate(call.arrays)]
    outputs = [f"o{i}" for i in range(call.n)]
    node = helper.make_node(call.op_type, names, outputs, domain=call.domain, **call.attributes)
    inputs = [
        helper.make_tensor_value_info(f"i{i}", helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for i, a in enumerate(call.arrays)
        if a is not None
    ]
    graph = helper.make_graph([node], "g", inputs, [helper.make_empty_tensor_value_info(name) for name in outputs])
    imports = [helper.make_opsetid("", call.opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=11)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def outputs_of(session: Any, arrays: Sequence[Any]) -> list[Any]:
    """What a session gives for arrays."""
    return list(session.run(None, {f"i{i}": a for i, a in enumerate(arrays) if a is not None}))


def changed(arrays: Sequence[Any], changes: Iterable[tuple[int, Any]], number: float) -> list[Any]:
    """The arrays with a number at indexes of inputs."""
    copies: list[Any] = [None if a is None else a.copy() for a in arrays]
    for position, index in changes:
        copies[position][index] = number
    return copies


def type_of(array: Any, is_stored: bool) -> TensorType:
    """The type of an array, with its elements where they are stored."""
    dtype = DTYPE_OF_CODE[helper.np_dtype_to_tensor_dtype(array.dtype)]
    return TensorType(dtype, tuple(array.shape), tuple(array.reshape(-1).tolist()) if is_stored else None)


def least_work(call: Call, outputs: Iterable[int] = (0,), stored: Iterable[int] | None = None) -> LeastWork:
    """The least work of a call by the operator's rule, of these outputs."""
    positions = call.stored if stored is None else tuple(stored)
    types = tuple(None if a is None else type_of(a, i in positions) for i, a in enumerate(call.arrays))
    rule = COST_RULES.get((call.domain, call.op_type))
    result = outputs_of(make_session(call), call.arrays)
    outs = tuple(type_of(a, False) for a in result)
    context = {"out": outs[0], "outs": outs, "opset": call.opset}
    cost = NO_COST if rule is None else call_rule(rule, types, call.attributes, context)
    least = TRAITS[call.domain, call.op_type].least_work
    assert least is not None
    return least(OperatorUse(cost.macs, types, call.attributes, frozenset(outputs)))


def numbers(*shape: int) -> Any:
    """An array of numbers between 0 and 1."""
    return np.random.default_rng(sum(shape)).random(shape).astype(np.float32)
