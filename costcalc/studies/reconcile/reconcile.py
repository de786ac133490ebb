"""A path, a built-in name or a Graph -> its Reconciliation: what `costcalc reconcile` and the Python API ask.

Graph -> a Reconciliation: the accounts of all counters, and what would explain a figure that they do not.

Why other counters say another number: their figures as sums of named parts, which follow from the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costcalc.core.arguments import mapping, words
from costcalc.core.ir import Graph
from costcalc.core.result import Result, ResultTable, presenter
from costcalc.studies.options import Settings
from costcalc.studies.pipeline import load
from costcalc.studies.reconcile.account import Account, Figure, account_of, figure
from costcalc.studies.reconcile.call_sizes import CostIndex
from costcalc.studies.reconcile.calls import calls
from costcalc.studies.reconcile.counters import TOOLS, chosen
from costcalc.studies.reconcile.onnx_nodes import nodes
from costcalc.studies.reconcile.pytorch_style import Writing, alternatives, is_torchvisions, writing_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.frontends.source import ModelSource
    from costcalc.studies.options import ReadingArguments

FEW = 3
"""Counters that a repr names at most."""


@dataclass(frozen=True, slots=True)
class Reconciliation(Result):
    """The accounts of a graph; usual is the writing that holds unless another is asked for, unknown the nodes whose
    shapes are not known or whose operators have no cost rule."""

    graph: Graph
    writing: Writing
    usual: Writing
    accounts: tuple[Account, ...]
    unknown: tuple[str, ...]

    def __repr__(self) -> str:
        """Short, for a session that shows the value of every line; str is the tables."""
        tools = [account.tool.name for account in self.accounts]
        named = ", ".join(tools) if len(tools) <= FEW else f"{len(tools)} counters"
        return f"<Reconciliation of {self.graph.name}: {named}>"

    def tables(self, inline: bool = False) -> tuple[ResultTable, ...]:
        """The counters, where there are several, and the parts of each. inline gives the working a column of its own,
        for which a terminal has no room: there it stands below."""
        return presenter().tables(self, inline=inline)

    @property
    def known(self) -> bool:
        """Whether it is written as torchvision has a network of this name."""
        return self.writing == self.usual and is_torchvisions(self.graph.source)

    def __getitem__(self, tool: str) -> Account:
        """The account of a counter. KeyError where it is not there."""
        for account in self.accounts:
            if account.tool.name == tool:
                return account
        raise KeyError(tool)


def reconcile_graph(
    graph: Graph, tools: Sequence[str] = (), written: Mapping[str, str] = {}, figures: Mapping[str, Figure] = {}
) -> Reconciliation:
    """How counters would count a graph. tools are their names (all unless given), written answers of
    writing.CHOICES, figures what somebody saw. UsageError for names that are none."""
    usual, writing = writing_of(graph.source, {}), writing_of(graph.source, written)
    wanted = chosen((*tools, *figures) if tools or figures else ())
    seen = {tool.name: figure for name, figure in figures.items() for tool in chosen([name])}
    flow = CostIndex(graph)
    by_calls, by_nodes = calls(flow, writing), nodes(flow)
    accounts = []
    for tool in wanted:
        account = account_of(tool, by_nodes if tool.nodes else by_calls)
        given = seen.get(tool.name)
        if given is not None:
            account = account._replace(given=given)
            account = account._replace(hints=tuple(_hints(account, flow, writing)))
        accounts.append(account)
    known = {index for call in by_nodes for index in call.nodes}
    unknown = tuple(cost.node.name for index, cost in enumerate(flow.costs) if index not in known or cost.cost is None)
    return Reconciliation(graph, writing, usual, tuple(accounts), unknown)


def _hints(account: Account, flow: CostIndex, writing: Writing) -> Iterator[str]:
    """What explains a figure that the parts do not: twice or half of it, another counter, another writing."""
    given, figure = account.given, account.figure
    if given is None or account.unexplained == 0 or not isinstance(figure, int):
        return
    if given.fits(2 * figure):
        yield "it is twice the sum: FLOPs, two for each multiply-accumulate"
    elif given.fits(figure // 2):
        yield "it is half of the sum"
    if account.tool.nodes:
        return
    mine = calls(flow, writing)
    same = [tool.name for tool in TOOLS.values() if not tool.nodes and given.fits(account_of(tool, mine).figure)]
    if same:
        yield f"it is what the rules of {' and '.join(same)} give"
    for other in alternatives(writing):
        if given.fits(account_of(account.tool, calls(flow, other)).figure):
            yield f"{other.options(writing)} explains it: {_changed(other, writing)}"
            return


def _changed(other: Writing, writing: Writing) -> str:
    return "; ".join(said for said, before in zip(other.said(), writing.said(), strict=True) if said != before)


def reconcile(
    model: ModelSource,
    *,
    tools: str | Sequence[str] = (),
    written: Mapping[str, str] | None = None,
    figures: Mapping[str, str | int | Figure] | None = None,
    **options: Unpack[ReadingArguments],
) -> Reconciliation:
    """How thop, ptflops, fvcore, torchinfo, calflops, torchprofile, onnx-tool and torchvision's table count a model,
    each figure as a sum of parts that follow from the graph by the counter's rules.

    tools are their names, all unless given (`"ptflops"` is both of its backends). figures are what somebody saw, by
    counter (`{"thop": "11.3G"}`): what the parts do not explain is its account's `unexplained`. written says how the
    network is written in PyTorch where the graph cannot tell (pytorch_style.CHOICES); a built-in model is
    taken as torchvision has it. The other options are load's. UsageError for a name that is none.
    """
    seen = {name: figure(text) for name, text in mapping("figures", figures).items()}
    return reconcile_graph(
        load(model, Settings.of(**options)), words("tools", tools), mapping("written", written), seen
    )
