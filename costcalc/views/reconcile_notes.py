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
from costcalc.studies.reconcile.pytorch_style import STYLE_CHOICES
from costcalc.studies.reconcile.reconcile import Reconciliation
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
    left = account.omitted_operations
    if left:
        listed = ", ".join(f"{name} {format_short(amount)}" for name, amount in left)
        yield Note("Leaves out", f"elementwise operations: {listed}")
    for note in account.counter.notes:
        yield Note("Note", note)
    yield from _published_notes(account)


def _published_notes(account: Account) -> Iterator[Note]:
    """The published figure, what the terms do not explain of it, and hints."""
    published, rest = account.published, account.residual
    if published is None or rest is None:
        return
    if rest == 0:
        exactly = "is exactly the sum" if published.value == account.figure else "is the sum, rounded"
        yield Note("Seen", f"{published.text} {exactly}")
        return
    about = ", which is rounded," if published.tolerance else ""
    less = isinstance(rest, int) and rest < 0
    yield Note(
        "Unexplained",
        f"{published.text}{about} is {format_count(-rest if less else rest)} {'less' if less else 'more'} than the sum",
        True,
    )
    for hint in account.hints:
        yield Note("Perhaps", hint)


def difference_notes(result: Reconciliation) -> Iterator[Note]:
    """A note for each counter: its differences from costcalc by term, or why it gives no figure."""
    for account in result.accounts:
        if account.failure:
            yield Note(account.counter.name, f"no figure: {account.failure}", True)
            continue
        more = [(line.name, line.amount - line.costcalc) for line in account.lines if line.amount != line.costcalc]
        more.sort(key=lambda pair: _size(pair[1]), reverse=True)
        texts = [
            f"{name} {'' if format_short(rest).startswith('-') else '+'}{format_short(rest)}" for name, rest in more
        ]
        yield Note(account.counter.name, ", ".join(texts) or "the same")


def hint_notes(result: Reconciliation) -> Iterator[Note]:
    """A note for each hint at what would explain a published figure."""
    for account in result.accounts:
        for hint in account.hints:
            yield Note(
                "Perhaps", f"{account.counter.name} {account.published.text}: {hint}" if account.published else hint
            )


def _size(amount: Dim) -> tuple[int, int]:
    degree, size = magnitude(amount)
    return degree, abs(size)


def _shared_notes(result: Reconciliation) -> Iterator[Note]:
    if any(not a.counter.onnx_nodes and a.counter.name != "torchvision" for a in result.accounts):
        origin = "as torchvision has it: " if result.is_torchvision_style else ""
        answers = "; ".join(relevant_answers(result))
        if answers:
            yield Note("Written", f"{origin}{answers}")
    if result.graph.source.endswith(".onnx") and result.style.bias == "own" and _looks_folded(result):
        text = (
            "no convolution has a batch normalisation behind it, and all have biases: exporters fold the one into the "
        )
        yield Note("Not seen", f"{text}other; if so, --written bias=folded takes them back", True)
    for name, value in result.graph.symbols.items():
        if value != 1:
            yield Note("Bound", f"{name} = {format_count(value)}")
    for assumption in result.graph.assumptions:
        yield Note("Assumed", assumption.shown())
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
    ends = any(call.kind == "softmax" and call.form in ("loss", "module") for call in calls)
    conditions = {"relu": "relu" in kinds, "pool": bool(kinds & {"global_pool", "mean"}), "softmax": ends}
    for name, answer in style.items():
        if name == "attention":
            yield from (STYLE_CHOICES[name][how] for how in _attention_styles(calls, answer))
        elif name == "pool" and answer == "auto":
            forms = {(call.kind, call.form) for call in calls}
            for how, form in (("module", ("global_pool", "module")), ("mean", ("mean", "function"))):
                if form in forms:
                    yield STYLE_CHOICES[name][how]
        elif conditions.get(name, answer != next(iter(STYLE_CHOICES[name]))):
            yield STYLE_CHOICES[name][answer]


def _attention_styles(calls: list[ModuleCall], answer: str) -> Iterator[str]:
    """How the network's attention is written: the answers that its calls show."""
    if answer != "auto":
        yield answer
        return
    forms = {(call.kind, call.form) for call in calls if call.kind == "attention" or ("attention", 1) in call.sizes}
    for how, form in (
        ("module", ("attention", "module")),
        ("sdpa", ("attention", "function")),
        ("matmul", ("matmul", "function")),
        ("einsum", ("contraction", "function")),
    ):
        if form in forms:
            yield how


MIN_CONVOLUTIONS = 8
"""A network of fewer convolutions may well have no normalisation."""


def _looks_folded(result: Reconciliation) -> bool:
    """Whether a network looks as if its batch normalisations were folded: all of many convolutions have biases, and
    there is no normalisation of any kind."""
    nodes = result.graph.nodes
    convs = [node for node in nodes if is_convolution(node) and traits_of(node).kind == "convolution"]
    normed = any(traits_of(node).kind == "normalisation" and traits_of(node).weights for node in nodes)
    return len(convs) >= MIN_CONVOLUTIONS and all(map(bias_of, convs)) and not normed
