"""Networks of TensorFlow Lite's recurrent layers in each of their forms."""

from __future__ import annotations

from builder import ModelBuilder
from networks import RELU, TANH

LSTM = {"fusedActivationFunction": TANH, "cellClip": 0.0, "projClip": 0.0}


def lstm_inputs(
    m: ModelBuilder,
    inputs: int,
    cells: int,
    outputs: int,
    batch: int,
    coupled: bool = False,
    peepholes: bool = False,
    projection: bool = False,
    norms: bool = False,
    dtype: str = "float32",
) -> list[int]:
    """The inputs 1 to 23 of an LSTM."""

    def matrix(rows: int, columns: int) -> int:
        return m.weights(rows, columns) if dtype == "float32" else m.constant([[1] * columns] * rows, dtype, (0.01,))

    weights = [matrix(cells, inputs) for _ in range(4)] + [matrix(cells, outputs) for _ in range(4)]
    seen = [m.weights(cells) if peepholes else -1 for _ in range(3)]
    biases = [m.weights(cells) for _ in range(4)]
    if coupled:
        weights[0] = weights[4] = seen[0] = biases[0] = -1
    projected = [matrix(outputs, cells) if projection else -1, m.weights(outputs) if projection else -1]
    states = [m.variable("h", (batch, outputs)), m.variable("c", (batch, cells))]
    coefficients = [m.weights(cells) if norms else -1 for _ in range(4)]
    if coupled and norms:
        coefficients[0] = -1
    return [*weights, *seen, *biases, *projected, *states, *coefficients]


def lstm_full(m: ModelBuilder) -> None:
    """Peepholes, a projection and layer normalisation, one step."""
    x = m.input("row", (2, 6))
    inputs = lstm_inputs(m, 6, 5, 3, 2, peepholes=True, projection=True, norms=True)
    m.output(m.op("LSTM", (x, *inputs), "LSTMOptions", kernelType=0, **LSTM))


def lstm_coupled(m: ModelBuilder) -> None:
    """Without an input gate."""
    x = m.input("row", (2, 6))
    m.output(m.op("LSTM", (x, *lstm_inputs(m, 6, 4, 4, 2, coupled=True)), "LSTMOptions", kernelType=0, **LSTM))


def lstm_basic(m: ModelBuilder) -> None:
    """The basic kernel: one matrix, states as inputs and outputs."""
    x, h, c = m.input("row", (1, 6)), m.input("h", (1, 4)), m.input("c", (1, 4))
    inputs = (x, h, m.weights(16, 10), m.weights(16), c)
    m.output(*m.op("LSTM", inputs, "LSTMOptions", outputs=4, kernelType=1, **LSTM))


def lstm_sequence(m: ModelBuilder) -> None:
    x = m.input("steps", (5, 2, 6))
    inputs = lstm_inputs(m, 6, 5, 3, 2, peepholes=True, projection=True)
    name, options = "UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions"
    m.output(m.op(name, (x, *inputs), options, timeMajor=True, **LSTM))


def lstm_normalised(m: ModelBuilder) -> None:
    x = m.input("steps", (2, 5, 6))
    inputs = lstm_inputs(m, 6, 4, 4, 2, coupled=True, norms=True)
    name, options = "UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions"
    m.output(m.op(name, (x, *inputs), options, timeMajor=False, **LSTM))


def lstm_hybrid(m: ModelBuilder) -> None:
    x = m.input("steps", (2, 5, 6))
    inputs = lstm_inputs(m, 6, 4, 4, 2, dtype="int8")
    name, options = "UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions"
    m.output(m.op(name, (x, *inputs), options, timeMajor=False, asymmetricQuantizeInputs=True, **LSTM))


def _both(m: ModelBuilder, merge: bool) -> None:
    x = m.input("steps", (5, 2, 6))
    forward, backward = lstm_inputs(m, 6, 4, 4, 2), lstm_inputs(m, 6, 4, 4, 2)
    inputs = (x, *forward[:17], *backward[:17], *forward[17:19], *backward[17:19], *[-1] * 9)
    options = {"mergeOutputs": merge, "timeMajor": True, **LSTM}
    result = m.op(
        "BIDIRECTIONAL_SEQUENCE_LSTM", inputs, "BidirectionalSequenceLSTMOptions", outputs=1 if merge else 2, **options
    )
    m.output(*([result] if merge else result))


def lstm_both(m: ModelBuilder) -> None:
    """Two directions, their outputs apart."""
    _both(m, merge=False)


def lstm_merged(m: ModelBuilder) -> None:
    """Two directions, their outputs side by side."""
    _both(m, merge=True)


def rnn_both(m: ModelBuilder) -> None:
    x = m.input("steps", (2, 5, 6))
    forward = (m.weights(4, 6), m.weights(4, 4), m.weights(4), m.variable("f", (2, 4)))
    backward = (m.weights(3, 6), m.weights(3, 3), m.weights(3), m.variable("b", (2, 3)))
    options = {"timeMajor": False, "fusedActivationFunction": RELU}
    inputs = (x, *forward, *backward, -1, -1, -1)
    name, table = "BIDIRECTIONAL_SEQUENCE_RNN", "BidirectionalSequenceRNNOptions"
    m.output(*m.op(name, inputs, table, outputs=2, mergeOutputs=False, **options))
    forward = (m.weights(4, 6), m.weights(4, 4), m.weights(4), m.variable("f2", (2, 4)))
    backward = (m.weights(3, 6), m.weights(3, 3), m.weights(3), m.variable("b2", (2, 3)))
    inputs = (x, *forward, *backward, -1, -1, -1)
    m.output(m.op(name, inputs, table, mergeOutputs=True, **options))


def svdf_hybrid(m: ModelBuilder) -> None:
    x = m.input("row", (2, 6))
    features = m.constant([[1] * 6] * 8, "int8", (0.01,))
    state = m.variable("s", (2, 40))
    inputs = (x, features, m.constant([[1] * 5] * 8, "int8", (0.01,)), m.weights(4), state)
    m.output(m.op("SVDF", inputs, "SVDFOptions", rank=2, fusedActivationFunction=RELU, asymmetricQuantizeInputs=True))


NETWORKS = (
    *(lstm_full, lstm_coupled, lstm_basic, lstm_sequence, lstm_normalised, lstm_hybrid, lstm_both, lstm_merged),
    *(rnn_both, svdf_hybrid),
)
