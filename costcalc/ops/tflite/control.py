"""TensorFlow Lite's operators that run subgraphs or hold state from run to run: variables and tables of keys.

The front end adds the operators of the subgraphs that IF, WHILE, CALL and STABLEHLO_COMPOSITE run. CALL_ONCE runs when
the network is loaded, and in no inference. A variable is a stored tensor that VAR_HANDLE names. Source: LiteRT's
tflite/kernels (if.cc, while.cc, call_once.cc, var_handle.cc, read_variable.cc, assign_variable.cc, hashtable.cc).
"""

from __future__ import annotations

from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, describe, free, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.tflite import TFLITE

TABLES = ("HASHTABLE", "HASHTABLE_IMPORT", "HASHTABLE_SIZE")

RUNNERS = ("CALL", "IF", "WHILE", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE", "STABLEHLO_WHILE")

free(*RUNNERS, *TABLES, "CALL_ONCE", "ASSIGN_VARIABLE", "READ_VARIABLE", domain=TFLITE)

free("VAR_HANDLE", domain=TFLITE, view=True)

traits("READ_VARIABLE", "VAR_HANDLE", domain=TFLITE, passes_on="same", keeps="nothing")

traits("ASSIGN_VARIABLE", "CALL_ONCE", domain=TFLITE, keeps="nothing")

describe("Runs another part of the network, whose operators count.", *RUNNERS, domain=TFLITE)

describe("Runs once, when the network is loaded; no inference runs it.", "CALL_ONCE", domain=TFLITE)

describe("Names a variable, which keeps its value from run to run.", "VAR_HANDLE", domain=TFLITE)

traits(*TABLES, "HASHTABLE_FIND", domain=TFLITE, keeps="nothing")

describe("Makes, fills or measures a table of keys.", *TABLES, domain=TFLITE)

describe("Each key is looked up in a table.", "HASHTABLE_FIND", domain=TFLITE)

describe("Reads or writes a variable.", "READ_VARIABLE", "ASSIGN_VARIABLE", domain=TFLITE)


@shape_rule("READ_VARIABLE", "VAR_HANDLE", domain=TFLITE)
def variable_shape(variable: TensorType) -> TensorType:
    """The variable's type."""
    return TensorType(variable.dtype, variable.shape)


@shape_rule("HASHTABLE_FIND", domain=TFLITE)
def find_shape(table: TensorType, keys: TensorType, default: TensorType) -> TensorType:
    """A value for each key."""
    return TensorType(default.dtype, keys.shape)


@shape_rule("HASHTABLE", domain=TFLITE)
def table_shape() -> TensorType:
    """The number of a table: one integer."""
    return TensorType(DType.INT32, (1,))


@shape_rule("HASHTABLE_SIZE", domain=TFLITE)
def size_shape(table: TensorType) -> TensorType:
    """One number."""
    return TensorType(DType.INT64, (1,))


@cost_rule("HASHTABLE_FIND", domain=TFLITE)
def find_cost(table: TensorType, keys: TensorType, default: TensorType) -> Cost:
    """One comparison per key: a lower bound, for a key is hashed first."""
    return Cost(work=elementwise_work("compare", "elementwise", keys.elements, 1, "#keys"))
