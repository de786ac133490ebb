"""What stands under the sheets of a reconciliation: how the network is taken to be written, what is left out, what is
unexplained.
"""

from __future__ import annotations

from collections.abc import Iterator

from costcalc.core.amount import magnitude
from costcalc.core.dim import Dim
from costcalc.core.traits import traits_of
from costcalc.core.units import exact, short
from costcalc.studies.reconcile.account import Account
from costcalc.studies.reconcile.call import Call
from costcalc.studies.reconcile.call_sizes import bias_of, is_convolution
from costcalc.studies.reconcile.pytorch_style import CHOICES
from costcalc.studies.reconcile.reconcile import Reconciliation
from costcalc.views.table import Remark


def remarks(found: Reconciliation, account: Account | None = None, alone: bool = False) -> Iterator[Remark]:
    """The remarks of all counters together, or of one: what it leaves out and what is unexplained; alone, with what
    holds for all."""
    if account is not None:
        yield from _own(account)
    if account is None or alone:
        yield from _common(found)


def _own(account: Account) -> Iterator[Remark]:
    if account.failed:
        yield Remark("No figure", f"{account.failed}; the parts are what its rules say", True)
    left = account.left_out
    if left:
        listed = ", ".join(f"{name} {short(amount)}" for name, amount in left)
        yield Remark("Leaves out", f"elementwise operations: {listed}")
    for note in account.tool.notes:
        yield Remark("Note", note)
    yield from _given(account)


def _given(account: Account) -> Iterator[Remark]:
    """The figure that somebody saw, and what the parts do not explain of it."""
    given, rest = account.given, account.unexplained
    if given is None or rest is None:
        return
    if rest == 0:
        exactly = "is exactly the sum" if given.value == account.figure else "is the sum, rounded"
        yield Remark("Seen", f"{given.text} {exactly}")
        return
    about = ", which is rounded," if given.within else ""
    less = isinstance(rest, int) and rest < 0
    yield Remark(
        "Unexplained",
        f"{given.text}{about} is {exact(-rest if less else rest)} {'less' if less else 'more'} than the sum",
        True,
    )
    for hint in account.hints:
        yield Remark("Perhaps", hint)


def because(found: Reconciliation) -> Iterator[Remark]:
    """What each counter has more or less than costcalc, or why it gives no figure."""
    for account in found.accounts:
        if account.failed:
            yield Remark(account.tool.name, f"no figure: {account.failed}", True)
            continue
        more = [(line.name, line.amount - line.own) for line in account.lines if line.amount != line.own]
        more.sort(key=lambda pair: _size(pair[1]), reverse=True)
        texts = [f"{name} {'' if short(rest).startswith('-') else '+'}{short(rest)}" for name, rest in more]
        yield Remark(account.tool.name, ", ".join(texts) or "the same")


def perhaps(found: Reconciliation) -> Iterator[Remark]:
    """What would explain the figures that somebody saw, by counter."""
    for account in found.accounts:
        for hint in account.hints:
            yield Remark("Perhaps", f"{account.tool.name} {account.given.text}: {hint}" if account.given else hint)


def _size(amount: Dim) -> tuple[int, int]:
    degree, size = magnitude(amount)
    return degree, abs(size)


def _common(found: Reconciliation) -> Iterator[Remark]:
    if any(not a.tool.nodes and a.tool.name != "torchvision" for a in found.accounts):
        known = "as torchvision has it: " if found.known else ""
        answers = "; ".join(relevant(found))
        if answers:
            yield Remark("Written", f"{known}{answers}")
    if found.graph.source.endswith(".onnx") and found.writing.bias == "own" and _folded(found):
        text = (
            "no convolution has a batch normalisation behind it, and all have biases: exporters fold the one into the "
        )
        yield Remark("Not seen", f"{text}other; if so, --written bias=folded takes them back", True)
    for name, value in found.graph.symbols.items():
        if value != 1:
            yield Remark("Bound", f"{name} = {exact(value)}")
    for assumption in found.graph.assumptions:
        yield Remark("Assumed", assumption.shown())
    for note in found.graph.notes:
        yield Remark("Note", note)
    if found.unknown:
        listed = ", ".join(found.unknown[:3]) + (", …" if len(found.unknown) > 3 else "")
        count = f"{len(found.unknown)} layer{'s' if len(found.unknown) > 1 else ''}"
        text = f"the cost of {count} ({listed}): no rule or no shapes; figures marked ≥ are lower bounds"
        yield Remark("Unknown", text, True)


def relevant(found: Reconciliation) -> Iterator[str]:
    """The answers of a writing that this network's figures depend on, in words."""
    calls = [call for account in found.accounts if not account.tool.nodes for call, _ in account.items]
    kinds, writing = {call.kind for call in calls}, found.writing._asdict()
    ends = any(call.kind == "softmax" and call.form in ("loss", "module") for call in calls)
    asked = {"relu": "relu" in kinds, "pool": bool(kinds & {"global_pool", "mean"}), "softmax": ends}
    for name, answer in writing.items():
        if name == "attention":
            yield from (CHOICES[name][how] for how in _attention(calls, answer))
        elif name == "pool" and answer == "auto":
            forms = {(call.kind, call.form) for call in calls}
            for how, form in (("module", ("global_pool", "module")), ("mean", ("mean", "function"))):
                if form in forms:
                    yield CHOICES[name][how]
        elif asked.get(name, answer != next(iter(CHOICES[name]))):
            yield CHOICES[name][answer]


def _attention(calls: list[Call], answer: str) -> Iterator[str]:
    """How attention is written, where there is one."""
    if answer != "auto":
        yield answer
        return
    forms = {(call.kind, call.form) for call in calls if call.kind == "attention" or ("attention", 1) in call.also}
    for how, form in (
        ("module", ("attention", "module")),
        ("sdpa", ("attention", "function")),
        ("matmul", ("matmul", "function")),
        ("einsum", ("contraction", "function")),
    ):
        if form in forms:
            yield how


FEW = 8
"""A network of fewer convolutions may well have no normalisation."""


def _folded(found: Reconciliation) -> bool:
    """Whether a network looks as if its batch normalisations were folded: all of many convolutions have biases, and
    there is no normalisation of any kind."""
    nodes = found.graph.nodes
    convs = [node for node in nodes if is_convolution(node) and traits_of(node).kind == "convolution"]
    normed = any(traits_of(node).kind == "normalisation" and traits_of(node).weights for node in nodes)
    return len(convs) >= FEW and all(map(bias_of, convs)) and not normed
