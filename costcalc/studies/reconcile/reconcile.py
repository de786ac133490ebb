"""Model to Reconciliation: the figures of other counting tools as sums of terms that follow from the graph by their
rules, beside what costcalc counts.

A published figure that the terms do not give is tested for what would explain it: twice or half of the sum, another
counter, another way to write the network in PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costcalc.core.arguments import check_mapping, split_names
from costcalc.core.ir import Graph
from costcalc.core.result import Result, ResultTable, presenter, short_repr
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import load
from costcalc.studies.reconcile.account import Account, PublishedFigure, make_account, parse_figure
from costcalc.studies.reconcile.call_sizes import CostIndex
from costcalc.studies.reconcile.calls import onnx_calls, pytorch_calls
from costcalc.studies.reconcile.counters import COUNTERS, select_counters
from costcalc.studies.reconcile.pytorch_style import PyTorchStyle, has_torchvision_style, other_styles, style_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.frontends.source import ModelSource
    from costcalc.studies.options import ReadingArguments

NO_ONNX_DOMAINS = {"tflite": "the model is a TensorFlow Lite file, and it reads ONNX files only"}
"""Domain of operators that no ONNX file holds -> why a counter of ONNX nodes gives no figure."""

MAX_NAMES = 3
"""Counters that a repr names at most."""


@dataclass(frozen=True, slots=True)
class Reconciliation(Result):
    """The accounts of a graph, one for each counter. style says how the network is taken to be written in PyTorch,
    default_style is that of this model; unknown names the nodes whose shapes are unknown or whose operators have no
    cost rule."""

    graph: Graph
    style: PyTorchStyle
    default_style: PyTorchStyle
    accounts: tuple[Account, ...]
    unknown: tuple[str, ...]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the tables."""
        names = [account.counter.name for account in self.accounts]
        counters = ", ".join(names) if len(names) <= MAX_NAMES else f"{len(names)} counters"
        return short_repr("Reconciliation of", self.graph.name, counters)

    def tables(self, inline: bool = False) -> tuple[ResultTable, ...]:
        """The tables to show: of all counters, where there are several, and of the terms of each. inline gives the
        working a column of its own; else it stands below the table, for a terminal has no room for the column."""
        return presenter().tables(self, inline=inline)

    @property
    def is_torchvision_style(self) -> bool:
        """Whether the network is taken to be written as torchvision writes the one of this name."""
        return self.style == self.default_style and has_torchvision_style(self.graph.source)

    def __getitem__(self, name: str) -> Account:
        """Counter's name -> its account. KeyError where there is none."""
        for account in self.accounts:
            if account.counter.name == name:
                return account
        raise KeyError(name)


def reconcile_graph(
    graph: Graph,
    tools: Sequence[str] = (),
    written: Mapping[str, str] = {},
    figures: Mapping[str, PublishedFigure] = {},
) -> Reconciliation:
    """Graph -> the accounts of its counters.

    tools are the counters' names (all unless given), written answers of pytorch_style.STYLE_CHOICES, figures published
    figures by counter. UsageError for a name or an answer that does not exist.
    """
    default_style, style = (style_of(graph.source, answers, bool(graph.calls)) for answers in ({}, written))
    counters = select_counters((*tools, *figures) if tools or figures else ())
    published = {counter.name: figure for name, figure in figures.items() for counter in select_counters([name])}
    index = CostIndex(graph)
    by_calls, by_nodes = pytorch_calls(index, style), onnx_calls(index)
    domains = {node.domain for node in graph.nodes}
    unreadable = next((reason for domain, reason in NO_ONNX_DOMAINS.items() if domain in domains), "")
    accounts = []
    for counter in counters:
        account = make_account(counter, by_nodes if counter.onnx_nodes else by_calls)
        if counter.onnx_nodes and unreadable:
            account = account._replace(failure=unreadable)
        figure = published.get(counter.name)
        if figure is not None:
            account = account._replace(published=figure)
            account = account._replace(hints=tuple(_explain_difference(account, index, style)))
        accounts.append(account)
    called_nodes = {node for call in by_nodes for node in call.nodes}
    unknown = tuple(
        cost.node.name for node, cost in enumerate(index.costs) if node not in called_nodes or cost.cost is None
    )
    return Reconciliation(graph, style, default_style, tuple(accounts), unknown)


def _explain_difference(account: Account, index: CostIndex, style: PyTorchStyle) -> Iterator[str]:
    """Account -> what would explain a published figure that is not the sum of its terms."""
    published, figure = account.published, account.figure
    if published is None or account.residual == 0 or not isinstance(figure, int):
        return
    if published.fits(2 * figure):
        yield "it is twice the sum: FLOPs, two for each multiply-accumulate"
    elif published.fits(figure // 2):
        yield "it is half of the sum"
    if account.counter.onnx_nodes:
        return
    calls = pytorch_calls(index, style)
    pytorch_counters = [counter for counter in COUNTERS.values() if not counter.onnx_nodes]
    same = [counter.name for counter in pytorch_counters if published.fits(make_account(counter, calls).figure)]
    if same:
        yield f"it is what the rules of {' and '.join(same)} give"
    for changed_style in other_styles(style):
        if published.fits(make_account(account.counter, pytorch_calls(index, changed_style)).figure):
            yield f"{changed_style.options(style)} explains it: {_changed_answers(changed_style, style)}"
            return


def _changed_answers(changed_style: PyTorchStyle, style: PyTorchStyle) -> str:
    """Two styles -> the answers of the first that differ from the second's, as text."""
    pairs = zip(changed_style.descriptions(), style.descriptions(), strict=True)
    return "; ".join(answer for answer, before in pairs if answer != before)


def reconcile(
    model: ModelSource,
    *,
    tools: str | Sequence[str] = (),
    written: Mapping[str, str] | None = None,
    figures: Mapping[str, str | int | PublishedFigure] | None = None,
    **options: Unpack[ReadingArguments],
) -> Reconciliation:
    """Model -> the figures of thop, ptflops, fvcore, torchinfo, calflops, torchprofile, onnx-tool and torchvision's
    table, each as a sum of terms that follow from the graph by the counter's rules.

    tools are their names, all unless given (`"ptflops"` is both of its backends). figures are published figures by
    counter (`{"thop": "11.3G"}`): what the terms do not explain is the account's `residual`. written says how the
    network is written in PyTorch where the graph does not show it (`costcalc reconcile --help` lists the words); a
    built-in model is taken as torchvision has it. The other options are load's. UsageError for a name that is none.
    """
    published = {name: parse_figure(text) for name, text in check_mapping("figures", figures).items()}
    return reconcile_graph(
        load(model, Settings.of(**options)), split_names("tools", tools), check_mapping("written", written), published
    )
