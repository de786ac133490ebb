"""TensorFlow Lite's operators that run subgraphs or hold state from run to run, and compute nothing themselves.

The front end adds the operators of the subgraphs that IF, WHILE, CALL and STABLEHLO_COMPOSITE run. CALL_ONCE runs when
the network is loaded, and in no inference. A variable is a stored tensor that VAR_HANDLE names. Source: LiteRT's
tflite/kernels (if.cc, while.cc, call_once.cc, var_handle.cc, read_variable.cc, assign_variable.cc).
"""

from __future__ import annotations

from costcalc.core.ir import TensorType
from costcalc.core.registry import describe, free, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.tflite.fused import TFLITE

RUNNERS = ("CALL", "IF", "WHILE", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE", "STABLEHLO_WHILE")

free(*RUNNERS, "CALL_ONCE", "ASSIGN_VARIABLE", "READ_VARIABLE", domain=TFLITE)

free("VAR_HANDLE", domain=TFLITE, view=True)

traits("READ_VARIABLE", "VAR_HANDLE", domain=TFLITE, passes_on="same", keeps="nothing")

traits("ASSIGN_VARIABLE", "CALL_ONCE", domain=TFLITE, keeps="nothing")

describe("Runs another part of the network, whose operators count.", *RUNNERS, domain=TFLITE)

describe("Runs once, when the network is loaded; no inference runs it.", "CALL_ONCE", domain=TFLITE)

describe("Names a variable, which keeps its value from run to run.", "VAR_HANDLE", domain=TFLITE)

describe("Reads or writes a variable.", "READ_VARIABLE", "ASSIGN_VARIABLE", domain=TFLITE)


@shape_rule("READ_VARIABLE", "VAR_HANDLE", domain=TFLITE)
def variable_shape(variable: TensorType) -> TensorType:
    """The variable's type."""
    return TensorType(variable.dtype, variable.shape)
