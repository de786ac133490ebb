"""Reconciliation to the notes under its tables: how the network is taken to be written, what a counter leaves out, what
of a published figure is unexplained.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.amount import magnitude
from costcalc.core.dim import Dim
from costcalc.core.traits import traits_of
from costcalc.core.units import format_count, format_short
from costcalc.studies.reconcile.account import Account
from costcalc.studies.reconcile.call import ModuleCall
from costcalc.studies.reconcile.call_sizes import bias_of, is_convolution
from costcalc.studies.reconcile.pytorch_style import PROGRAM, PROGRAM_ANSWER, STYLE_CHOICES
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.views.settings import given_notes
from costcalc.views.table import Note


def reconcile_notes(result: Reconciliation, account: Account | None = None, alone: bool = False) -> Iterator[Note]:
    """The notes that hold for all counters, or those of one counter: what it leaves out and what is unexplained. alone
    adds to one counter's notes those that hold for all."""
    if account is not None:
        yield from _counter_notes(account)
    if account is None or alone:
        yield from _shared_notes(result)


def _counter_notes(account: Account) -> Iterator[Note]:
    if account.failure:
        yield Note("No figure", f"{account.failure}; the parts are what its rules say", True)
    operations = account.omitted_operations
    if operations:
        listed = ", ".join(f"{name} {format_short(amount)}" for name, amount in operations)
        yield Note("Leaves out", f"elementwise operations: {listed}")
    for note in account.counter.notes:
        yield Note("Note", note)
    yield from _published_notes(account)


def _published_notes(account: Account) -> Iterator[Note]:
    """An account → notes of its published figure: what the terms do not explain of it, and hints."""
    published, unexplained = account.published, account.residual
    if published is None or unexplained is None:
        return
    if unexplained == 0:
        agreement = "is exactly the sum" if published.value == account.figure else "is the sum, rounded"
        yield Note("Seen", f"{published.text} {agreement}")
        return
    rounding = ", which is rounded," if published.tolerance else ""
    is_less = isinstance(unexplained, int) and unexplained < 0
    amount = format_count(-unexplained if is_less else unexplained)
    text = f"{published.text}{rounding} is {amount} {'less' if is_less else 'more'} than the sum"
    yield Note("Unexplained", text, True)
    for hint in account.hints:
        yield Note("Perhaps", hint)


def difference_notes(result: Reconciliation) -> Iterator[Note]:
    """A note for each counter: its differences from costcalc by term, or why it gives no figure."""
    for account in result.accounts:
        if account.failure:
            yield Note(account.counter.name, f"no figure: {account.failure}", True)
            continue
        differences = [
            (line.name, line.amount - line.costcalc) for line in account.lines if line.amount != line.costcalc
        ]
        differences.sort(key=lambda pair: _magnitude_key(pair[1]), reverse=True)
        texts = [
            f"{name} {'' if format_short(difference).startswith('-') else '+'}{format_short(difference)}"
            for name, difference in differences
        ]
        yield Note(account.counter.name, ", ".join(texts) or "the same")


def hint_notes(result: Reconciliation) -> Iterator[Note]:
    """A note for each hint at what would explain a published figure."""
    for account in result.accounts:
        for hint in account.hints:
            yield Note(
                "Perhaps", f"{account.counter.name} {account.published.text}: {hint}" if account.published else hint
            )


def _magnitude_key(amount: Dim) -> tuple[int, int]:
    degree, size = magnitude(amount)
    return degree, abs(size)


def _shared_notes(result: Reconciliation) -> Iterator[Note]:
    if any(not a.counter.onnx_nodes and a.counter.name != "torchvision" for a in result.accounts):
        origin = "as torchvision has it: " if result.is_torchvision_style else ""
        answers = "; ".join(relevant_answers(result))
        if answers:
            yield Note("Written", f"{origin}{answers}")
    if result.graph.source.endswith(".onnx") and result.style.bias == "own" and _lacks_normalisation(result):
        text = (
            "no convolution has a batch normalisation behind it, and all have biases: exporters fold the one into the "
        )
        yield Note("Not seen", f"{text}other; if so, --written bias=folded takes them back", True)
    for name, value in result.graph.symbols.items():
        if value != 1:
            yield Note("Sizes", f"{name} = {format_count(value)}")
    yield from given_notes(result.graph)
    for assumption in result.graph.assumptions:
        yield Note("Assumed", assumption.format())
    for note in result.graph.notes:
        yield Note("Note", note)
    if result.unknown:
        listed = ", ".join(result.unknown[:3]) + (", …" if len(result.unknown) > 3 else "")
        count = f"{len(result.unknown)} layer{'s' if len(result.unknown) > 1 else ''}"
        text = f"the cost of {count} ({listed}): no rule or no shapes; figures marked ≥ are lower bounds"
        yield Note("Unknown", text, True)


def relevant_answers(result: Reconciliation) -> Iterator[str]:
    """The descriptions of those answers of the style that this network's figures depend on."""
    calls = [call for account in result.accounts if not account.counter.onnx_nodes for call, _ in account.terms_by_call]
    kinds, style = {call.kind for call in calls}, result.style._asdict()
    has_softmax = any(call.kind == "softmax" and call.form in ("loss", "module") for call in calls)
    conditions = {"relu": "relu" in kinds, "pool": bool(kinds & {"global_pool", "mean"}), "softmax": has_softmax}
    if PROGRAM in style.values():
        yield PROGRAM_ANSWER
    for name, answer in style.items():
        if answer == PROGRAM:
            continue
        if name == "attention":
            yield from (STYLE_CHOICES[name][variant] for variant in _attention_styles(calls, answer))
        elif name == "pool" and answer == "auto":
            forms = {(call.kind, call.form) for call in calls}
            for variant, form in (("module", ("global_pool", "module")), ("mean", ("mean", "function"))):
                if form in forms:
                    yield STYLE_CHOICES[name][variant]
        elif conditions.get(name, answer != next(iter(STYLE_CHOICES[name]))):
            yield STYLE_CHOICES[name][answer]


def _attention_styles(calls: list[ModuleCall], answer: str) -> Iterator[str]:
    """Module calls and an answer → the styles of attention in the network; of "auto", those that its calls show."""
    if answer != "auto":
        yield answer
        return
    forms = {(call.kind, call.form) for call in calls if call.kind == "attention" or ("attention", 1) in call.sizes}
    for variant, form in (
        ("module", ("attention", "module")),
        ("sdpa", ("attention", "function")),
        ("matmul", ("matmul", "function")),
        ("einsum", ("contraction", "function")),
    ):
        if form in forms:
            yield variant


MIN_CONVOLUTIONS = 8
"""A network of fewer convolutions may well have no normalisation."""


def _lacks_normalisation(result: Reconciliation) -> bool:
    """Whether batch normalisations may be folded into the convolutions: all of many convolutions have biases, and there
    is no normalisation of any kind."""
    nodes = result.graph.nodes
    convs = [node for node in nodes if is_convolution(node) and traits_of(node).kind == "convolution"]
    has_normalisation = any(traits_of(node).kind == "normalisation" and traits_of(node).weights for node in nodes)
    return len(convs) >= MIN_CONVOLUTIONS and all(map(bias_of, convs)) and not has_normalisation
