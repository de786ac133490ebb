"""The tools: typed inputs of a call -> the API's result as a bounded document and a short text.

Each tool is a method of CostTools, whose docstring is what an agent reads of it. None writes, connects or imports code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent

from costcalc import api
from costcalc.analysis.hardware.catalogue import builtin_profiles, is_profile_path
from costcalc.cli.mcp import outputs
from costcalc.cli.mcp.confinement import confined, resolve_baseline, resolve_file, resolve_model, resolve_version
from costcalc.cli.mcp.inputs import (
    MAX_POINTS,
    BaselineName,
    CheckedGroups,
    CheckedModels,
    Condition,
    ConfigPath,
    Counters,
    DeviceKind,
    FullSettings,
    Goals,
    Layer,
    Limits,
    Minimums,
    Model,
    Models,
    Parameters,
    Published,
    Quantities,
    Ranking,
    Rewrites,
    Sample,
    SettingsArgument,
    Sort,
    Symbols,
    Top,
    Varied,
    Version,
    settings_arguments,
)
from costcalc.core.errors import CostcalcError, UsageError, crash_message
from costcalc.frontends.builtin import builtin_names
from costcalc.frontends.source import REMOTE
from costcalc.render.check.json import to_dict as check_document
from costcalc.render.display import text_of_tables
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config import is_glob
from costcalc.studies.check.config_file import NAMES, TABLE, read_config_file
from costcalc.studies.check.revision_baseline import read_baseline
from costcalc.studies.check.run import check as check_models
from costcalc.studies.check.run import run as run_check
from costcalc.studies.options import Settings
from costcalc.studies.reconcile.reconcile import reconcile
from costcalc.studies.suggest.find import suggest
from costcalc.studies.sweep.recipe import prepare_sweep
from costcalc.studies.sweep.sweep import sweep
from costcalc.views.llm import llm_result


class CostTools:
    """The tools over the files below a root. One runs at a time: rules and caches belong to the process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = Lock()

    def answer(self, work: Callable[[], tuple[dict[str, Any], str]], top: int = 20) -> CallToolResult:
        """The work of a tool, which gives a document and a text -> its answer. ToolError with the fact and the remedy
        where costcalc cannot answer, also where it breaks."""
        try:
            with self.lock, confined(self.root):
                document, text = work()
            answer = outputs.bounded(document, top)
        except CostcalcError as error:
            raise ToolError(self.relative(str(error))) from error
        except OSError as error:
            raise ToolError(f"{error.strerror or error}; name another file") from error
        except (MemoryError, RecursionError) as error:
            raise ToolError(crash_message(error)) from error
        content = [TextContent(type="text", text=outputs.short_text(text))]
        return CallToolResult(content=content, structured_content=answer)

    def arguments(self, settings: Any) -> dict[str, Any]:
        """The settings of a call as keyword arguments of the API."""
        return settings_arguments(settings, self.root)

    def path(self, model: str) -> str:
        """A model that a client names -> the same, inside the root."""
        return resolve_model(self.root, model)

    def relative(self, text: str) -> str:
        """A message with the files below the root as the client knows them."""
        return text.replace(f"{self.root}/", "")

    def _result(self, result: Any) -> tuple[dict[str, Any], str]:
        return result.to_dict(), str(result)

    def analyze(
        self, model: Model, settings: FullSettings = None, sort: Sort = "", top: Top = 20
    ) -> Annotated[CallToolResult, outputs.AnalysisOutput]:
        """What a model costs, exactly and without running it: MACs, FLOPs, parameters, bytes of weights and
        activations, the peak of memory, in total and for each layer. settings.devices adds bounds on time,
        settings.training a training step."""

        def work() -> tuple[dict[str, Any], str]:
            report = api.analyze(self.path(model), **self.arguments(settings))
            document, text = self._result(report)
            if sort:
                document["layers"] = _sorted_layers(document["layers"], sort)
            return document, text

        return self.answer(work, top)

    def compare(
        self, models: Models, settings: SettingsArgument = None, top: Top = 20
    ) -> Annotated[CallToolResult, outputs.ComparisonOutput]:
        """Models side by side, with ratios to the first."""
        return self.answer(
            lambda: self._result(api.compare(*[self.path(m) for m in models], **self.arguments(settings))), top
        )

    def explain(
        self, model: Model, layer: Layer = None, settings: SettingsArgument = None, top: Top = 20
    ) -> Annotated[CallToolResult, outputs.ExplanationOutput]:
        """The working of a figure: #filter params × #filter positions × #filters = 27 × 16 × 5 = 2,160."""
        return self.answer(lambda: self._result(api.explain(self.path(model), layer, **self.arguments(settings))), top)

    def memory(
        self, model: Model, settings: SettingsArgument = None, top: Top = 20
    ) -> Annotated[CallToolResult, outputs.MemoryOutput]:
        """Which tensors are alive at each step, the peak of their bytes, and with settings.execution.align an arena
        with offsets."""

        def work() -> tuple[dict[str, Any], str]:
            arguments = self.arguments(settings)
            execution = arguments.pop("execution", None)
            others = [name for name in ("training", "generation", "parallel", "devices") if arguments.pop(name, None)]
            if others:
                raise UsageError(f"memory has no {others[0]}", "ask the tool `analyze`, or `generation`")
            return self._result(
                api.footprint(self.path(model), **(execution if isinstance(execution, dict) else {}), **arguments)
            )

        return self.answer(work, top)

    def check(
        self,
        config: ConfigPath = None,
        models: CheckedModels = None,
        limits: Limits = None,
        minimums: Minimums = None,
        groups: CheckedGroups = None,
        baseline: BaselineName = None,
        settings: SettingsArgument = None,
        top: Top = 50,
    ) -> Annotated[CallToolResult, outputs.CheckOutput]:
        """Hold models to a budget: the limits of a config, or limits that are given. Each verdict says by how much,
        and what to do."""

        def work() -> tuple[dict[str, Any], str]:
            if limits or minimums:
                if config or groups or baseline:
                    raise UsageError("limits stand in the place of a config", "leave out config, groups and baseline")
                names = [self.path(name) for name in models or ()]
                arguments = self.arguments(settings)
                result = check_models(None, *names, limits=limits or {}, minimums=minimums or {}, **arguments)
            else:
                if settings is not None:
                    raise UsageError("settings do not go with a config", "write them there, or give limits")
                parsed = self._read_config(config)
                chosen, held = models or (), groups or ()
                reference = baseline and read_baseline(resolve_baseline(self.root, baseline), parsed, 1, chosen, held)
                result = run_check(parsed, reference or None, model_names=chosen, groups=held)
            return check_document(result), str(result)

        return self.answer(work, top)

    def _find_config(self) -> Path:
        """The config in the root; one further up is outside. UsageError where there is none."""
        for file in (self.root / name for name in NAMES):
            if file.is_file() and (file.suffix != ".toml" or TABLE in file.read_bytes()):
                return file
        raise UsageError("there is no costcalc.yaml in the root", "name a config, or give limits")

    def _read_config(self, config: str | None) -> Config:
        """A config inside the root, all of whose models are inside it. UsageError where one is not."""
        file = self._find_config() if config is None else Path(self.path(config))
        parsed = read_config_file(os.path.relpath(resolve_file(self.root, str(file)), self.root))
        for entry in parsed.entries:
            if entry.path.startswith(REMOTE):
                raise UsageError(
                    f"{entry.path} is on a server, and a tool downloads nothing", "check it on the command line"
                )
            beginning = entry.path.split("*")[0] if is_glob(entry.path) else entry.path
            resolve_file(self.root, str(self.root / parsed.folder / beginning))
            for device in entry.settings.devices:
                if is_profile_path(device):
                    resolve_file(self.root, str(self.root / parsed.folder / device))
        resolve_file(self.root, str(self.root / parsed.folder / parsed.lock))
        return parsed

    def diff(
        self, before: Version, after: Version, settings: SettingsArgument = None, top: Top = 20
    ) -> Annotated[CallToolResult, outputs.DiffOutput]:
        """What changed from one version of a model to another, layer by layer, and which changes caused it."""
        return self.answer(
            lambda: self._result(
                api.diff(
                    resolve_version(self.root, before), resolve_version(self.root, after), **self.arguments(settings)
                )
            ),
            top,
        )

    def suggest(
        self,
        model: Model,
        rules: Rewrites = None,
        sort: Ranking = "macs",
        settings: SettingsArgument = None,
        top: Top = 10,
    ) -> Annotated[CallToolResult, outputs.SuggestionsOutput]:
        """Rewrites that make a model cheaper, each with what it saves and what it means for accuracy. Nothing is
        written."""
        return self.answer(
            lambda: self._result(
                suggest(self.path(model), rules=tuple(rules or ()), sort=sort, **self.arguments(settings))
            ),
            top,
        )

    def sweep(
        self,
        model: Model,
        params: Parameters = None,
        dims: Symbols = None,
        vary: Varied = None,
        quantities: Quantities = None,
        where: Condition = None,
        pareto: Goals = None,
        sample: Sample = None,
        settings: SettingsArgument = None,
        top: Top = 100,
    ) -> Annotated[CallToolResult, outputs.SweepRowsOutput]:
        """Every combination of parameters, symbols and settings as a row of figures; at most 2,000 combinations."""

        def work() -> tuple[dict[str, Any], str]:
            arguments = self.arguments(settings)
            if {"params", "dims"} & arguments.keys():
                raise UsageError("params and dims stand in settings", "give them as arguments of the sweep")
            source = self.path(model)
            axes = params or {}, dims or {}
            setup = prepare_sweep(source, *axes, Settings.of(**arguments), vary=vary)
            points = setup.recipe.space.grid.size
            if points > MAX_POINTS and sample is None:
                remedy = f"give fewer values, or sample={MAX_POINTS}"
                raise UsageError(f"{points:,} combinations are more than {MAX_POINTS:,}", remedy)
            return self._result(
                sweep(
                    source,
                    params=params,
                    dims=dims,
                    vary=vary,
                    quantities=tuple(quantities or ()),
                    where=where,
                    pareto=tuple(pareto or ()) or None,
                    sample=sample,
                    jobs=1,
                    **arguments,
                )
            )

        return self.answer(work, top)

    def reconcile(
        self, model: Model, tools: Counters = None, figures: Published = None, top: Top = 20
    ) -> Annotated[CallToolResult, outputs.ReconciliationOutput]:
        """Why other counters give another number: each one's figure as a sum of terms that follow from the model."""
        return self.answer(
            lambda: self._result(reconcile(self.path(model), tools=tuple(tools or ()), figures=figures)), top
        )

    def generation(
        self, model: Model, settings: SettingsArgument = None, top: Top = 20
    ) -> Annotated[CallToolResult, outputs.GenerationOutput]:
        """What a language model needs to answer: the prompt's pass, each token's, the KV cache; with settings.devices
        the bounds on tokens a second. settings.generation has prompt, generate and batch."""

        def work() -> tuple[dict[str, Any], str]:
            arguments = self.arguments(settings)
            arguments.setdefault("generation", True)
            result = llm_result(self.path(model), Settings.of(**arguments))
            return dict(result.content), text_of_tables(result.sheets)

        return self.answer(work, top)

    def devices(self, kind: DeviceKind = None) -> Annotated[CallToolResult, outputs.CatalogueOutput]:
        """The profiles of devices, for settings.devices."""

        def work() -> tuple[dict[str, Any], str]:
            profiles = [p for p in builtin_profiles() if kind in (None, p.kind)]
            if not profiles:
                kinds = ", ".join(dict.fromkeys(p.kind for p in builtin_profiles()))
                raise UsageError(f"there is no kind {kind!r}", f"there are {kinds}")
            entries = [{"id": p.id, "name": p.name, "kind": p.kind} for p in profiles]
            return {"entries": entries}, "\n".join(f"{p.id}: {p.name}" for p in profiles)

        return self.answer(work, 500)

    def models(self) -> Annotated[CallToolResult, outputs.CatalogueOutput]:
        """The built-in models, by the names that every tool takes."""
        return self.answer(
            lambda: ({"entries": [{"name": name} for name in builtin_names()]}, ", ".join(builtin_names())), 500
        )


def _sorted_layers(layers: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    """The layers of a document, the largest figure first; what is unknown, or a formula, comes before the numbers."""
    if layers and not any(key in layer for layer in layers):
        raise UsageError(
            f"layers have no figure {key!r}", "sort by macs, params, flops, activation_bytes or weight_bytes"
        )

    def size(layer: Mapping[str, Any]) -> tuple[bool, float]:
        value = layer.get(key)
        return not isinstance(value, (int, float)), value if isinstance(value, (int, float)) else 0

    return sorted(layers, key=size, reverse=True)


TOOLS = (
    "analyze",
    "compare",
    "explain",
    "memory",
    "check",
    "diff",
    "suggest",
    "sweep",
    "reconcile",
    "generation",
    "devices",
    "models",
)
"""The methods of CostTools that are tools."""
