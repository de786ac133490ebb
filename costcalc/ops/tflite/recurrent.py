"""TensorFlow Lite's recurrent layers: LSTM, RNN and SVDF, one step or whole sequences, in one direction or two.

Every weight that an element of the input or of the state meets is an input of its own; absent ones are "". Source:
LiteRT's tflite/kernels (lstm.cc, unidirectional_sequence_lstm.cc, basic_rnn.cc, svdf.cc and their bidirectional forms).
"""

from __future__ import annotations

from costcalc.core.dim import Dim
from costcalc.core.formula import Cost, Work, elementwise_work, formula, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import cost_rule, describe, operands, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.tflite.fused import TFLITE, activation_work, known_shape, output_work

SEQUENCES = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN")

BIDIRECTIONAL = ("BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN")

LAYERS = ("LSTM", "RNN", "SVDF", *SEQUENCES, *BIDIRECTIONAL)

operands("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE, weights=range(1, 24), buffers=(18, 19))

operands("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", domain=TFLITE, weights=(1, 2, 3), buffers=(4,))

operands("SVDF", domain=TFLITE, weights=(1, 2, 3), buffers=(4,))

operands("BIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE, weights=(*range(1, 35), *range(40, 48)), buffers=range(35, 39))

operands("BIDIRECTIONAL_SEQUENCE_RNN", domain=TFLITE, weights=(1, 2, 3, 5, 6, 7, 10, 11), buffers=(4, 8))

traits(*LAYERS, domain=TFLITE, kind="recurrent", layout="", positions="mixed")

describe(
    "Each step multiplies its input and the state before it with the weights of the gates.", *LAYERS, domain=TFLITE
)


def _steps(x: TensorType, is_sequence: bool) -> Dim:
    """How often the weights are met: time · batch of a sequence, the batch of one step."""
    assert x.shape is not None
    return x.shape[0] * x.shape[1] if is_sequence and len(x.shape) > 2 else x.shape[0]


def _count_weights(inputs: tuple[TensorType | None, ...], places: tuple[int, ...]) -> Dim:
    """The elements of the weights at some places."""
    total: Dim = 0
    for place in places:
        t = inputs[place] if place < len(inputs) else None
        total = total + (t.elements if t is not None else 0)
    return total


def _lstm_units(steps: Dim, cells: Dim, gates: int, peepholes: int, has_bias: bool) -> tuple[Work, ...]:
    """Per step and cell: an activation of each gate and of the cell twice, 3 multiplications and 1 addition for the
    cell and the output, less one where input and forget gate are one; peepholes a multiplication and an addition each;
    a bias of each gate."""
    units = steps * cells
    name = "#cells × steps"
    work = elementwise_work("transcendental", "activation", units, gates + 1, name)
    work += elementwise_work("multiply", "elementwise", units, 3 + peepholes, name)
    work += elementwise_work("add", "elementwise", units, 1 + peepholes + (gates == 3), name)
    return work + (elementwise_work("add", "bias", units, gates, name) if has_bias else ())


def _lstm_cost(inputs: tuple[TensorType | None, ...], first: int, steps: Dim, peephole: int, bias: int) -> Cost:
    """One direction of an LSTM, whose 4 weights of the input begin at first."""
    matrices = tuple(range(first, first + 8))
    cell = inputs[first + 1]
    assert cell is not None and cell.shape is not None
    gates = 4 if inputs[first] is not None else 3
    peepholes = sum(t is not None for t in inputs[peephole : peephole + 3])
    projection = bias + 4
    weights = _count_weights(inputs, (*matrices, projection))
    has_bias = any(t is not None for t in inputs[bias : bias + 4])
    return Cost(
        formula(("#steps", steps), ("#weights", weights)), _lstm_units(steps, cell.shape[0], gates, peepholes, has_bias)
    )


def _register_lstm(name: str, is_sequence: bool) -> None:
    @cost_rule(name, domain=TFLITE)
    def lstm_cost(*inputs: TensorType | None, out: TensorType) -> Cost | None:
        """#steps (time · batch) × #weights (of the input, of the state, of the projection). Per step and cell besides:
        one activation of each gate and one of the cell, 3 multiplications and 1 addition, 1 bias addition of each
        gate; peepholes add a multiplication and an addition each. Without an input gate there are 3 gates, and one
        subtraction."""
        x = inputs[0]
        if x is None or len(inputs) < 20:
            return _basic_lstm_cost(inputs) if len(inputs) == 5 else None
        return _lstm_cost(inputs, 1, _steps(x, is_sequence), 9, 12)


def _basic_lstm_cost(inputs: tuple[TensorType | None, ...]) -> Cost | None:
    """The basic kernel: input, last output, weights [4 · cells, …], bias, last state."""
    x, _, w, b, state = inputs
    if x is None or w is None or state is None or x.shape is None or state.shape is None:
        return None
    steps = x.shape[0]
    work = _lstm_units(steps, state.shape[-1], 4, 0, b is not None)
    return Cost(formula(("#steps", steps), ("#weights", w.elements)), work)


_register_lstm("LSTM", is_sequence=False)

_register_lstm("UNIDIRECTIONAL_SEQUENCE_LSTM", is_sequence=True)


@cost_rule("BIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE)
def bidirectional_lstm_cost(*inputs: TensorType | None, out: TensorType) -> Cost | None:
    """As a sequence of each direction; an auxiliary input adds #steps × its weights."""
    x = inputs[0]
    if x is None or len(inputs) < 35:
        return None
    steps = _steps(x, is_sequence=True)
    forward, backward = (_lstm_cost(inputs, first, steps, first + 8, first + 11) for first in (1, 18))
    more = _count_weights(inputs, tuple(range(40, 48)))
    macs = formula(
        ("#steps", steps),
        ("#weights", forward.macs.terms[0].factors[1].value + backward.macs.terms[0].factors[1].value + more),
    )
    return Cost(macs, forward.work + backward.work)


def _register_rnn(name: str, is_sequence: bool) -> None:
    @cost_rule(name, domain=TFLITE)
    def rnn_cost(
        x: TensorType,
        w: TensorType,
        r: TensorType,
        b: TensorType | None = None,
        state: TensorType | None = None,
        *,
        activation: str = "",
        out: TensorType,
    ) -> Cost:
        """#steps (time · batch) × #weights (|W| + |R|); per output a bias addition and the activation."""
        macs = formula(("#steps", _steps(x, is_sequence)), ("#weights (|W| + |R|)", w.elements + r.elements))
        bias = elementwise_work("add", "bias", out.elements) if b is not None else ()
        return Cost(macs, bias + output_work(activation, x, out))


_register_rnn("RNN", is_sequence=False)

_register_rnn("UNIDIRECTIONAL_SEQUENCE_RNN", is_sequence=True)


@cost_rule("BIDIRECTIONAL_SEQUENCE_RNN", domain=TFLITE)
def bidirectional_rnn_cost(
    *inputs: TensorType | None, activation: str = "", outs: tuple[TensorType, ...]
) -> Cost | None:
    """As a sequence of each direction; an auxiliary input adds #steps × its weights."""
    x = inputs[0]
    if x is None or len(inputs) < 9:
        return None
    weights = _count_weights(inputs, (1, 2, 5, 6, 10, 11))
    work: tuple[Work, ...] = ()
    for out in outs:
        if out is not None:
            work += elementwise_work("add", "bias", out.elements) + activation_work(activation, out)
    return Cost(formula(("#steps", _steps(x, is_sequence=True)), ("#weights", weights)), work)


@cost_rule("SVDF", domain=TFLITE)
def svdf_cost(
    x: TensorType,
    features: TensorType,
    time: TensorType,
    b: TensorType | None = None,
    state: TensorType | None = None,
    *,
    rank: int = 1,
    activation: str = "",
    out: TensorType,
) -> Cost:
    """Batch × #weights of the features (filters · inputs), plus batch × #weights of time (filters · memory); ranks are
    added, with a bias one addition more per output."""
    batch = _steps(x, is_sequence=False)
    macs = formula(product_factor("#steps", ("B", batch)), ("#weights", features.elements + time.elements))
    ranks = elementwise_work("add", "reduction", out.elements, max(rank - 1, 0))
    bias = elementwise_work("add", "bias", out.elements) if b is not None else ()
    return Cost(macs, ranks + bias + output_work(activation, x, out))


@shape_rule("SVDF", domain=TFLITE)
def svdf_shape(
    x: TensorType,
    features: TensorType,
    time: TensorType,
    b: TensorType | None = None,
    state: TensorType | None = None,
    *,
    rank: int = 1,
) -> TensorType:
    """x [B, inputs], features [units · rank, inputs] -> [B, units]."""
    n, _ = known_shape(x, 2, "the input")
    filters, _ = known_shape(features, 2, "the weights")
    return TensorType(x.dtype, (n, filters // max(rank, 1)))


@shape_rule("RNN", domain=TFLITE)
def rnn_shape(
    x: TensorType, w: TensorType, r: TensorType, b: TensorType | None = None, state: TensorType | None = None
) -> TensorType:
    """x [B, inputs], w [units, inputs] -> [B, units]."""
    return TensorType(x.dtype, (known_shape(x, 2, "the input")[0], known_shape(w, 2, "the weights")[0]))


@shape_rule("UNIDIRECTIONAL_SEQUENCE_RNN", domain=TFLITE)
def sequence_rnn_shape(
    x: TensorType, w: TensorType, r: TensorType, b: TensorType | None = None, state: TensorType | None = None
) -> TensorType:
    """x [T, B, inputs] or [B, T, inputs], w [units, inputs] -> the same with the units last."""
    first, second, _ = known_shape(x, 3, "the input")
    return TensorType(x.dtype, (first, second, known_shape(w, 2, "the weights")[0]))


@shape_rule("UNIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE)
def sequence_lstm_shape(*inputs: TensorType | None) -> TensorType:
    """x [T, B, inputs] or [B, T, inputs] -> the same with the outputs last: the columns of the state's weights."""
    x, state = inputs[0], inputs[6] if len(inputs) > 6 else None
    assert x is not None
    if state is None:
        return TensorType(x.dtype, None)
    first, second, _ = known_shape(x, 3, "the input")
    return TensorType(x.dtype, (first, second, known_shape(state, 2, "the weights of the state")[1]))
