"""The onnx package's own one-operator models, with the inputs and outputs that they were executed with."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, numpy_helper


@lru_cache(maxsize=1)
def node_cases() -> tuple[Any, ...]:
    """Each has name, model and data_sets; collecting them takes some seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        return tuple(load_model_tests(kind="node"))


def as_proto(value: Any) -> TensorProto | None:
    """An input or output as a TensorProto; None where it is a sequence or an optional without value."""
    if isinstance(value, TensorProto):
        return value
    return numpy_helper.from_array(np.asarray(value)) if isinstance(value, (np.ndarray, np.generic)) else None


def with_inputs_stored(model: ModelProto, inputs: list[Any]) -> ModelProto:
    """The model with its input tensors as initializers, so that what hinges on their values is decided."""
    made = ModelProto()
    made.CopyFrom(model)
    for info, value in zip(model.graph.input, inputs, strict=True):
        proto = as_proto(value)
        if proto is not None:
            made.graph.initializer.add().CopyFrom(proto)
            made.graph.initializer[-1].name = info.name
    return made
