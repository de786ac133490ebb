"""AttnLSTM of com.microsoft: an LSTM whose input is joined with what Bahdanau's attention reads of a memory.

Source: the operator's description in ONNX Runtime's own schemas, 1.32.0; arXiv:1409.0473, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.assumptions import require_equal
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Formula, elementwise_work, product, product_factor
from costcalc.core.ir import TensorType
from costcalc.core.registry import MS, Types, cost_rule, describe, operands, shape_rule
from costcalc.core.traits import Attributes, Contraction, LeastWork, OperatorUse, gradient_rule, least_work_rule, traits
from costcalc.ops.common.visibility import known_integers
from costcalc.ops.recurrent import hidden_types, lstm_cost_of

operands("AttnLSTM", domain=MS, weights=(1, 2, 3, 7, 8, 9, 10, 13))

traits("AttnLSTM", domain=MS, kind="recurrent", states=6)  # four gates, the cell and the hidden state

describe(
    "At each step an LSTM reads the input and what an attention read of a memory by the last hidden state.",
    "AttnLSTM",
    domain=MS,
)


@shape_rule("AttnLSTM", domain=MS)
def attention_lstm_shape(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None = None,
    sequence_lens: TensorType | None = None,
    initial_h: TensorType | None = None,
    initial_c: TensorType | None = None,
    p: TensorType | None = None,
    query_weight: TensorType | None = None,
    memory_weight: TensorType | None = None,
    v: TensorType | None = None,
    memory: TensorType | None = None,
    memory_seq_lens: TensorType | None = None,
    attention_weight: TensorType | None = None,
) -> tuple[TensorType, ...]:
    """x [T, B, input], w [D, 4·hidden, input + attention], memory [B, M, depth] -> Y [T, D, B, hidden], Y_h and Y_c
    [D, B, hidden]."""
    if query_weight is None or memory_weight is None or v is None or memory is None:
        raise ShapeError("QW, MW, V or M is left out", "give all four: an LSTM without a memory is ONNX's LSTM")
    assert x.shape is not None and w.shape is not None and r.shape is not None and memory.shape is not None
    read = attention_weight if attention_weight is not None else memory
    assert read.shape is not None
    require_equal(
        w.shape[2], x.shape[2] + read.shape[-1], "the features that W expects and those of X and the attention"
    )
    require_equal(memory.shape[0], x.shape[1], "the texts of M and of X")
    return hidden_types(x, w.shape[0], r.shape[2], 0)


@cost_rule("AttnLSTM", domain=MS)
def attention_lstm_cost(
    x: TensorType,
    w: TensorType,
    r: TensorType,
    b: TensorType | None,
    sequence_lens: TensorType | None,
    initial_h: TensorType | None,
    initial_c: TensorType | None,
    p: TensorType | None,
    query_weight: TensorType,
    memory_weight: TensorType,
    v: TensorType,
    memory: TensorType,
    memory_seq_lens: TensorType | None = None,
    attention_weight: TensorType | None = None,
    *,
    activations: Sequence[str] = (),
    clip: float = 0.0,
) -> Cost:
    """An LSTM's T · B × (|W| + |R|), W over the input and the attention; keys once: B · M × |MW|. At each step
    T · B × |QW| for the query, × D · M · size for the scores, × D · M · depth for what is read, × |AW| for its own
    layer. Besides the LSTM's own work, per step, memory and size one addition and one function (tanh), per score the 5
    of a softmax."""
    assert x.shape is not None and r.shape is not None and v.shape is not None and memory.shape is not None
    lstm = lstm_cost_of(x, w, r, b, p, r.shape[2], activations, clip)
    directions, size = v.shape
    texts, places, depth = memory.shape
    steps = product_factor("#steps", ("T", x.shape[0]), ("B", x.shape[1]))
    terms = [
        product(("B", texts), ("M", places), ("|MW|", memory_weight.elements), name="keys"),
        product(steps, ("|QW|", query_weight.elements), name="query"),
        product(steps, ("D", directions), ("M", places), ("size", size), name="scores"),
        product(steps, ("D", directions), ("M", places), ("depth", depth), name="read"),
    ]
    if attention_weight is not None:
        terms.append(product(steps, ("|AW|", attention_weight.elements), name="attention layer"))
    scores = steps.value * directions * places
    work = elementwise_work("add", "elementwise", scores * size, 1, "#steps × memory × size")
    work += elementwise_work("transcendental", "activation", scores * size, 1, "#steps × memory × size")
    for kind, count in (("compare", 1), ("add", 2), ("exp", 1), ("divide", 1)):
        work += elementwise_work(kind, "softmax", scores, count, "#scores")
    return Cost(Formula((*lstm.macs.terms, *terms)), lstm.work + work)


@gradient_rule("AttnLSTM", domain=MS)
def attention_lstm_gradient(formula: Formula, types: Types, attributes: Attributes) -> tuple[Contraction, ...]:
    """The hidden state and what is read depend on every input, so that each side of a product but the weights and the
    keys of the memory has a gradient whenever one is computed."""
    w, r = types[1], types[2]
    assert w is not None and r is not None
    states = (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 13)
    steps = formula.terms[0].factors[0].value
    sides = {"keys": ((11,), (9,)), "query": (states, (8,)), "scores": (states, (10,)), "read": (states, (11,))}
    others = [Contraction(term.value, *sides.get(term.name, (states, (13,)))) for term in formula.terms[1:]]
    return (Contraction(steps * w.elements, states, (1,)), Contraction(steps * r.elements, states, (2,)), *others)


@least_work_rule("AttnLSTM", domain=MS)
def attention_lstm_least_work(use: OperatorUse) -> LeastWork:
    """Steps behind sequence_lens, as in an LSTM. A text's first step reads no memory, and needs no R without initial_h.
    What later steps read counts nothing but their W: memory_seq_lens may leave one place, whose weight is 1."""
    x, w, r, lengths = (use.input(i) for i in (0, 1, 2, 4))
    assert x is not None and x.shape is not None and w is not None and w.shape is not None and r is not None
    steps, batch, features = x.shape
    count, texts = steps * batch, batch
    if lengths is not None:
        known = known_integers(lengths) or ()
        counts = [min(max(0, n), steps) for n in known] if len(known) == batch and isinstance(steps, int) else []
        count, texts = sum(counts), sum(n > 0 for n in counts)
    directions, gates, _ = w.shape
    first = texts * directions * gates * features
    recurrent = count if use.input(5) is not None else count - texts
    return LeastWork(
        first + (count - texts) * w.elements + recurrent * r.elements,
        {0: count * features, **dict.fromkeys((8, 9, 10, 11, 13), 0)},
    )
