"""TensorFlow Lite's recurrent layers: LSTM, RNN and SVDF, one step or whole sequences, in one direction or two.

Every weight that an element of the input or of the state meets is an input of its own; absent ones are "". Source:
LiteRT's tflite/kernels (lstm.cc, unidirectional_sequence_lstm.cc, basic_rnn.cc, svdf.cc and their bidirectional forms).
"""

from __future__ import annotations

from typing import NamedTuple

from costcalc.core.dim import Dim
from costcalc.core.formula import Cost, Work, elementwise_work, formula, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import traits
from costcalc.ops.quantize import dynamic_quantization_work
from costcalc.ops.tflite import TFLITE
from costcalc.ops.tflite.common import activation_work, is_hybrid, known_shape, output_work

SEQUENCES = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN")

BIDIRECTIONAL = ("BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN")

LAYERS = ("LSTM", "RNN", "SVDF", *SEQUENCES, *BIDIRECTIONAL)

operands("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE, weights=range(1, 24), buffers=(18, 19))

operands("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", domain=TFLITE, weights=(1, 2, 3), buffers=(4,))

operands("SVDF", domain=TFLITE, weights=(1, 2, 3), buffers=(4,))

operands("BIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE, weights=(*range(1, 35), *range(40, 48)), buffers=range(35, 39))

operands("BIDIRECTIONAL_SEQUENCE_RNN", domain=TFLITE, weights=(1, 2, 3, 5, 6, 7, 10, 11), buffers=(4, 8))

traits(*LAYERS, domain=TFLITE, kind="recurrent", layout="", positions="mixed", quantises_input="int8")

traits(
    "LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE, factors=(0, 2)
)  # the weights of the forget gate, which no variant leaves out

describe(
    "Each step multiplies its input and the state before it with the weights of the gates.", *LAYERS, domain=TFLITE
)


def _steps(x: TensorType, is_sequence: bool) -> Dim:
    """How often the weights are met: time · batch of a sequence, the batch of one step."""
    assert x.shape is not None
    return x.shape[0] * x.shape[1] if is_sequence and len(x.shape) > 2 else x.shape[0]


def _input(inputs: Types, position: int) -> TensorType | None:
    """The type of an input; None of an absent one."""
    return inputs[position] if position < len(inputs) else None


def _count_weights(inputs: Types, positions: tuple[int, ...]) -> Dim:
    """The elements of the weights at some positions."""
    total: Dim = 0
    for position in positions:
        t = _input(inputs, position)
        total = total + (t.elements if t is not None else 0)
    return total


def _lstm_units(
    steps: Dim, cells: Dim, gates: int, peepholes: int, has_bias: bool, is_normalised: bool
) -> tuple[Work, ...]:
    """Per step and cell: an activation of each gate and of the cell twice, 3 multiplications and 1 addition for the
    cell and the output, less one where input and forget gate are one; peepholes a multiplication and an addition each;
    a bias of each gate; of each normalised gate what LayerNormalization does to an element."""
    units = steps * cells
    name = "#cells × steps"
    work = elementwise_work("transcendental", "activation", units, gates + 1, name)
    work += elementwise_work("multiply", "elementwise", units, 3 + peepholes, name)
    work += elementwise_work("add", "elementwise", units, 1 + peepholes + (gates == 3), name)
    if is_normalised:
        work += elementwise_work("add", "normalization", units, 3 * gates, name)
        work += elementwise_work("multiply", "normalization", units, 3 * gates, name)
    return work + (elementwise_work("add", "bias", units, gates, name) if has_bias else ())


class LstmInputs(NamedTuple):
    """Positions of one direction's inputs: the first of 4 weights of the input and 4 of the state, of 3 peepholes, of 4
    biases; the projection and its bias stand behind these. norms is that of the first of 4 coefficients of layer
    normalisation."""

    weights: int
    norms: int | None = None

    def count_weights(self, inputs: Types) -> Dim:
        """The weights that a step meets: those of the input, of the state and of the projection."""
        return _count_weights(inputs, (*range(self.weights, self.weights + 8), self.weights + 15))

    def count_work(self, inputs: Types, steps: Dim) -> tuple[Work, ...]:
        """The operations beside the MACs."""
        cell = _input(inputs, self.weights + 1)
        assert cell is not None and cell.shape is not None
        peephole, bias = self.weights + 8, self.weights + 11
        gates = 4 if _input(inputs, self.weights) is not None else 3
        peepholes = sum(_input(inputs, i) is not None for i in range(peephole, peephole + 3))
        has_bias = any(_input(inputs, i) is not None for i in range(bias, bias + 4))
        is_normalised = self.norms is not None and _input(inputs, self.norms + 1) is not None
        work = _lstm_units(steps, cell.shape[0], gates, peepholes, has_bias, is_normalised)
        projection = _input(inputs, bias + 5)
        return work + (elementwise_work("add", "bias", steps * projection.elements) if projection is not None else ())

    def outputs(self, inputs: Types) -> Dim | None:
        """The outputs of a step: the columns of the state's weights, as many as cells or as the projection gives."""
        state = _input(inputs, self.weights + 5)
        if state is None or state.shape is None:
            return None
        if len(state.shape) == 1:  # a diagonal
            return state.shape[0]
        return known_shape(state, 2, "the weights of the state")[1]


FORWARD, FORWARD_OF_TWO, BACKWARD = LstmInputs(1, 20), LstmInputs(1), LstmInputs(18)


def _register_lstm(name: str, is_sequence: bool) -> None:
    @cost_rule(name, domain=TFLITE)
    def lstm_cost(*inputs: TensorType | None, out: TensorType) -> Cost | None:
        """#steps (time · batch) × #weights (of the input, of the state, of the projection). Per step and cell besides:
        one activation of each gate and one of the cell, 3 multiplications and 1 addition, 1 bias addition of each
        gate; peepholes add a multiplication and an addition each, layer normalisation three of both for each gate.
        Without an input gate there are 3 gates, and one subtraction."""
        x = inputs[0]
        if x is None or len(inputs) < 20:
            return _basic_lstm_cost(inputs) if len(inputs) == 5 else None
        steps = _steps(x, is_sequence)
        macs = formula(("#steps", steps), ("#weights", FORWARD.count_weights(inputs)))
        return Cost(macs, FORWARD.count_work(inputs, steps) + _state_work(x, inputs[2], out))


def _basic_lstm_cost(inputs: Types) -> Cost | None:
    """The basic kernel: input, last output, weights [4 · cells, …], bias, last state."""
    x, _, w, b, state = inputs
    if x is None or w is None or state is None or x.shape is None or state.shape is None:
        return None
    steps = x.shape[0]
    work = _lstm_units(steps, state.shape[-1], 4, 0, b is not None, False)
    return Cost(formula(("#steps", steps), ("#weights", w.elements)), work)


_register_lstm("LSTM", is_sequence=False)

_register_lstm("UNIDIRECTIONAL_SEQUENCE_LSTM", is_sequence=True)


def _state_work(x: TensorType, w: TensorType | None, out: TensorType) -> tuple[Work, ...]:
    """What quantising the input and the state (as long as the output) adds, where only the weights are integers."""
    if w is None or not is_hybrid(x, w):
        return ()
    return dynamic_quantization_work(x) + dynamic_quantization_work(out)


@cost_rule("BIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE)
def bidirectional_lstm_cost(*inputs: TensorType | None, out: TensorType) -> Cost | None:
    """As a sequence of each direction; an auxiliary input adds #steps × its weights."""
    x = inputs[0]
    if x is None or len(inputs) < 35:
        return None
    steps = _steps(x, is_sequence=True)
    weights = _count_weights(inputs, tuple(range(40, 48)))
    work: tuple[Work, ...] = ()
    for direction in (FORWARD_OF_TWO, BACKWARD):
        weights = weights + direction.count_weights(inputs)
        work += direction.count_work(inputs, steps)
    return Cost(formula(("#steps", steps), ("#weights", weights)), work + _state_work(x, inputs[2], out))


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
        return Cost(macs, bias + output_work(activation, x, w, out))


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
    return Cost(macs, ranks + bias + output_work(activation, x, features, out))


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


@shape_rule("LSTM", domain=TFLITE)
def lstm_shape(*inputs: TensorType | None, n_outputs: int = 1) -> TensorType | tuple[TensorType, ...]:
    """x [B, inputs] -> [B, outputs]. The basic kernel has 5 inputs and gives (output, state, x beside the last output
    [B, inputs + cells], the gates [B, 4 · cells])."""
    x = inputs[0]
    assert x is not None
    n, width = known_shape(x, 2, "the input")
    if len(inputs) == 5:
        state = inputs[4]
        assert state is not None
        _, cells = known_shape(state, 2, "the state")
        widths = (cells, cells, width + cells, 4 * cells)
        return tuple([TensorType(x.dtype, (n, size)) for size in widths[:n_outputs]])
    units = FORWARD.outputs(inputs)
    return TensorType(x.dtype, None if units is None else (n, units))


@shape_rule("UNIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE)
def sequence_lstm_shape(*inputs: TensorType | None) -> TensorType:
    """x [T, B, inputs] or [B, T, inputs] -> the same with the outputs last: the columns of the state's weights."""
    units = FORWARD.outputs(inputs)
    assert inputs[0] is not None
    first, second, _ = known_shape(inputs[0], 3, "the input")
    return TensorType(inputs[0].dtype, None if units is None else (first, second, units))


@shape_rule("BIDIRECTIONAL_SEQUENCE_LSTM", domain=TFLITE)
def bidirectional_lstm_shape(
    *inputs: TensorType | None, merge_outputs: int = 0, n_outputs: int = 1
) -> TensorType | tuple[TensorType, ...]:
    """x [T, B, inputs] or [B, T, inputs] -> the outputs of both directions, merged along the last axis or apart."""
    return _join_directions(inputs[0], (FORWARD_OF_TWO.outputs(inputs), BACKWARD.outputs(inputs)), merge_outputs)


@shape_rule("BIDIRECTIONAL_SEQUENCE_RNN", domain=TFLITE)
def bidirectional_rnn_shape(*inputs: TensorType | None, merge_outputs: int = 0) -> TensorType | tuple[TensorType, ...]:
    """x [T, B, inputs] or [B, T, inputs] -> the units of both directions, merged along the last axis or apart."""
    weights = (_input(inputs, 1), _input(inputs, 5))
    units = tuple([None if w is None else known_shape(w, 2, "the weights")[0] for w in weights])
    return _join_directions(inputs[0], units, merge_outputs)


def _join_directions(
    x: TensorType | None, units: tuple[Dim | None, ...], merge_outputs: int
) -> TensorType | tuple[TensorType, ...]:
    """The input and the units of each direction -> one output, or one of each."""
    assert x is not None
    first, second, _ = known_shape(x, 3, "the input")
    forward, backward = units
    if merge_outputs:
        total = None if forward is None or backward is None else forward + backward
        return TensorType(x.dtype, None if total is None else (first, second, total))
    return tuple([TensorType(x.dtype, None if n is None else (first, second, n)) for n in units])
