"""What the gradients of an operator's contractions cost, by rule.

A contraction multiplies two sides and sums. The gradient of either side contracts the output's gradient with the other
side over the same extents, so it costs what the forward contraction costs: dW of a convolution, dA and dB of a product,
dQ, dK, dV and dP of an attention. A rule tells, for each product of an operator's cost formula, which inputs stand on
either side. What is not a contraction (biases, activations, normalisations, look-ups) has gradients without MACs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from costcalc.dim import Dim
from costcalc.formula import Formula
from costcalc.registry import Types

Positions = tuple[int, ...]
Sides = tuple[Positions, Positions]


class Contraction(NamedTuple):
    """MACs of one product, and the positions of the inputs that each of its sides is computed from."""

    macs: Dim
    left: Positions
    right: Positions


Rule = Callable[[Formula, Types, Mapping[str, Any]], "tuple[Contraction, ...]"]
MS, PREVIEW = "com.microsoft", "ai.onnx.preview"

RULES: dict[tuple[str, str], Rule] = {}


def gradient_rule(*op_types: str, domain: str = "") -> Callable[[Rule], Rule]:
    """Registers a function (cost formula, input types, attributes) -> its contractions."""

    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(((domain, op) for op in op_types), rule))
        return rule

    return register


def sides(*op_types: str, domain: str = "", of: Sequence[Sides] = (((0,), (1,)),)) -> None:
    """Registers operators whose formula always has the same products: the sides of each, in order."""

    def rule(formula: Formula, types: Types, attributes: Mapping[str, Any]) -> tuple[Contraction, ...]:
        return tuple(Contraction(term.value, *both) for term, both in zip(formula.terms, of, strict=True))

    gradient_rule(*op_types, domain=domain)(rule)


sides("Conv", "ConvTranspose", "Gemm", "MatMul")
sides("FusedConv", "NhwcConv", "NhwcFusedConv", "FusedGemm", "FusedMatMul", "FusedMatMulActivation", "TransposeMatMul",
      "GemmFastGelu", domain=MS)  # fmt: skip
sides("MatMulNBits", "MatMulBnb4", domain=MS, of=(((0,), ()),))  # packed weights are not trained
sides("DeformConv", of=(((0, 2, 4), (1,)),))
sides("CausalConvWithState", of=(((0, 3), (1,)),))
sides("Attention", of=(((0,), (1, 4)), ((0, 1, 3, 4), (2, 5))))
sides("FlexAttention", domain=PREVIEW, of=(((0,), (1,)), ((0, 1), (2,))))
sides("Attention", "PackedAttention", domain=MS,
      of=(((0,), (1,)), ((0, 1, 2), (0, 1, 2)), ((0, 1, 2), (0, 1, 2))))  # fmt: skip


def _by_head(bias: int, added: int, past: tuple[int, int]) -> Rule:
    """Attention over query, key and value; a key that is not there is packed with the query, a value with the key."""

    def rule(formula: Formula, types: Types, attributes: Mapping[str, Any]) -> tuple[Contraction, ...]:
        key = 1 if len(types) > 1 and types[1] is not None else 0
        value = 2 if len(types) > 2 and types[2] is not None else key
        scores, mixed = formula.terms
        return (
            Contraction(scores.value, (0, bias), (key, bias, past[0])),
            Contraction(mixed.value, (0, key, bias, added, past[0]), (value, bias, past[1])),
        )

    return rule


gradient_rule("MultiHeadAttention", domain=MS)(_by_head(3, 5, (6, 7)))
gradient_rule("PackedMultiHeadAttention", domain=MS)(_by_head(3, 6, (6, 7)))
gradient_rule("GroupQueryAttention", domain=MS)(_by_head(10, 10, (3, 4)))


@gradient_rule("LSTM", "GRU", "RNN")
def recurrent(formula: Formula, types: Types, attributes: Mapping[str, Any]) -> tuple[Contraction, ...]:
    """x · W and h · R. h depends on every other input, so its gradient goes back through time whenever one is asked;
    like the forward pass, all T steps count."""
    _, w, r, *_ = types
    assert w is not None and r is not None
    steps = formula.terms[0].factors[0].value
    return (
        Contraction(steps * w.elements, (0,), (1,)),
        Contraction(steps * r.elements, (0, 1, 2, 3, 5, 6, 7), (2,)),
    )


@gradient_rule("Einsum")
def einsum(formula: Formula, types: Types, attributes: Mapping[str, Any]) -> tuple[Contraction, ...]:
    """Step k contracts what the operands before k gave with operand k."""
    found = []
    for term in formula.terms:
        step = int(term.name.removeprefix("step ") or 1)
        found.append(Contraction(term.value, tuple(range(step)), (step,)))
    return tuple(found)


@gradient_rule("MoE", domain=MS)
def experts(formula: Formula, types: Types, attributes: Mapping[str, Any]) -> tuple[Contraction, ...]:
    """Each token's k experts: fc1 and fc3 read the input, fc2 what they give."""
    both: dict[str, Sides] = {"fc1": ((0,), (2,)), "fc2": ((0, 2, 3, 6, 7), (4,)), "fc3": ((0,), (6,))}
    return tuple(Contraction(term.value, *both[term.name]) for term in formula.terms)


@gradient_rule("LinearAttention")
def linear_attention(formula: Formula, types: Types, attributes: Mapping[str, Any]) -> tuple[Contraction, ...]:
    """The state is computed from keys, values, the past state, decay and beta."""
    state = (1, 2, 3, 4, 5)
    both: dict[str, Sides] = {"k ⊗ v": ((1,), (2,)), "qᵀS": ((0,), state), "Sᵀk": (state, (1,))}
    return tuple(Contraction(term.value, *both[term.name]) for term in formula.terms)


def contractions(
    key: tuple[str, str], formula: Formula, types: Types, attributes: Mapping[str, Any]
) -> tuple[Contraction, ...] | None:
    """The contractions of an operator; () where it has none, None where no rule knows their gradients."""
    if not formula.terms:
        return ()
    rule = RULES.get(key)
    return None if rule is None else rule(formula, types, attributes)


def present(names: Sequence[str], positions: Positions) -> list[str]:
    """The names of the inputs at these positions that are there."""
    return [names[p] for p in positions if p < len(names) and names[p]]
