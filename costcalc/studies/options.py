"""Keyword arguments, options, configs and lock files to Settings: how a model is read, executed, trained, run on
devices and made to generate, as one frozen value.

A field of Settings describes its own option (`costcalc.core.settings`). A new setting is one field, here or in
`costcalc.analysis.options`; one of reading stands in the TypedDicts below too, for type checkers cannot derive them.

Where options hold for several models, a name that one of them lacks is left out for that model.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypedDict, TypeVar

from costcalc.analysis.options import (
    DEFAULT_PROMPT,
    TFLM_RUNTIMES,
    ExecutionOptions,
    GenerationOptions,
    ParallelOptions,
    TrainingOptions,
)
from costcalc.core.errors import Correction, UnknownNameError, UsageError, did_you_mean
from costcalc.core.quantities import (
    CATALOGUE,
    GENERATION,
    GENERATION_PER_DEVICE,
    PARALLEL,
    PARALLEL_PER_DEVICE,
    PER_DEVICE,
    TRAINING,
    TRAINING_PARALLEL,
    TRAINING_PER_DEVICE,
)
from costcalc.core.quantity import QuantityRef
from costcalc.core.settings import (
    Setting,
    build_settings,
    check_value,
    non_defaults,
    option_words,
    settings_of,
)


class FixedArguments(TypedDict, total=False):
    """Arguments of reading a model that a sweep does not vary: all but dims and params."""

    shapes: Mapping[str, Sequence[int | str]] | None
    values: Mapping[str, int | bool] | None
    symbolic: bool
    upper: bool
    dtype: str | None
    act_dtype: str | None


class ReadingArguments(FixedArguments, total=False):
    """Arguments of costcalc.load."""

    dims: Mapping[str, int | str] | None
    params: Mapping[str, str | int | float] | None


class GroupArguments(TypedDict, total=False):
    """Arguments of executing, training, running on devices and generating."""

    execution: ExecutionOptions | Mapping[str, Any] | None
    training: TrainingOptions | Mapping[str, Any] | bool | None
    devices: str | Sequence[str] | None
    generation: GenerationOptions | Mapping[str, Any] | bool | None
    parallel: ParallelOptions | Mapping[str, Any] | None


class SettingsArguments(ReadingArguments, GroupArguments, total=False):
    """All settings as keyword arguments."""


class SweepArguments(FixedArguments, GroupArguments, total=False):
    """costcalc.sweep's arguments beside what varies."""


class AnalysisArguments(SettingsArguments, total=False):
    """Arguments of costcalc.analyze."""

    strict: bool


class LlmArguments(SettingsArguments, total=False):
    """Arguments of costcalc.llm: all settings, and the options of generation and of several devices by name."""

    prompt: int
    generate: int
    batch: int
    cache_dtype: str | None
    page: int
    prefill_chunk: int | None
    draft_tokens: int | None
    acceptance: float | None
    device_count: int | None
    tp: int
    pp: int
    ep: int
    dp: int | None


class CostingArguments(ReadingArguments, total=False):
    """Arguments of functions that take no other settings than those of reading."""

    strict: bool


class Settings(NamedTuple):
    """How a model is read, executed, trained, run on devices and made to generate.

    Reading: dims bind symbols, shapes whole inputs, values the values of small inputs, params a YAML model's
    parameters; symbolic leaves batch and spatial extents open; upper takes extents and trip counts that depend on data
    as large as they can be; dtype and act_dtype take weights and activations as if stored and computed in another type.
    devices are names of profiles or paths of such. training and generation are None where no training step and no
    generation is to be costed.
    """

    dims: Annotated[Mapping[str, Any], Setting("dims", "Bind a symbol: --dim seq=128.", option="--dim")] = {}
    shapes: Annotated[
        Mapping[str, Any], Setting("shapes", "Bind an input's whole shape: --shape x=1,3,224,224.", option="--shape")
    ] = {}
    params: Annotated[
        Mapping[str, Any],
        Setting(
            "params", "Set a parameter of a YAML model, or an argument of a module: --set alpha=0.5.", option="--set"
        ),
    ] = {}
    values: Annotated[
        Mapping[str, Any],
        Setting("values", "Give the value of a small integer or boolean input: --value n=7.", option="--value"),
    ] = {}
    symbolic: Annotated[bool, Setting("flag", "Leave batch and spatial extents open; totals are formulas.")] = False
    upper: Annotated[
        bool, Setting("flag", "Take extents and trip counts that depend on data at their upper bounds.")
    ] = False
    dtype: Annotated[str | None, Setting("precision", "Weights as if stored in this type: float16, int8, int4 …")] = (
        None
    )
    act_dtype: Annotated[str | None, Setting("precision", "Activations as if computed in this type.")] = None
    execution: ExecutionOptions = ExecutionOptions()
    training: TrainingOptions | None = None
    devices: tuple[str, ...] = ()
    generation: GenerationOptions | None = None
    parallel: ParallelOptions = ParallelOptions()

    @classmethod
    def of(cls, **arguments: Any) -> "Settings":
        """Keyword arguments, a config's mapping or the result of `to_dict` -> Settings.

        A group (execution, training, generation) is its options by name, or True for its defaults; devices is a name or
        names. UsageError for a name that is no setting, and for a value of a wrong type.
        """
        reading_settings = {setting.name: setting for setting in settings_of(cls)}
        fields: dict[str, Any] = {}
        for name, value in sorted(arguments.items(), key=lambda item: item[0] == "devices"):
            if name in reading_settings:
                fields[name] = check_value(reading_settings[name], value)
            elif name in GROUPS:
                group = _build_group(name, value)
                fields |= {} if group is None else {name: group}
            elif name == "devices":
                names, count = _check_devices(value)
                fields[name] = names
                fields |= {"parallel": _with_count(arguments.get("parallel"), count)} if count else {}
            else:
                names = (*reading_settings, *GROUPS, "devices")
                remedy = _option_remedy(name) or did_you_mean(name, names) or f"there are {', '.join(names)}"
                raise UsageError(f"there is no setting {name!r}", remedy)
        return cls(**fields)

    def load_arguments(self) -> dict[str, Any]:
        """The keyword arguments of costcalc.load, by name."""
        return {option.name: getattr(self, option.name) for option in settings_of(Settings)}

    def source_options(self) -> dict[str, Any]:
        """The keyword arguments of `costcalc.frontends.load`: those of reading without the element types, to which a
        graph is converted once it is read."""
        return {
            option.name: getattr(self, option.name) for option in settings_of(Settings) if option.kind != "precision"
        }

    def to_dict(self) -> dict[str, Any]:
        """The settings that are not their defaults, by name, as plain data for locks and JSON; `of` reads it. A group
        whose options are all defaults is true."""
        data = non_defaults(self)
        if self.execution != ExecutionOptions():
            data["execution"] = non_defaults(self.execution)
        if self.training is not None:
            data["training"] = non_defaults(self.training) or True
        if self.devices:
            data["devices"] = self.devices
        if self.generation is not None:
            data["generation"] = non_defaults(self.generation) or True
        if self.is_parallel:
            data["parallel"] = non_defaults(self.parallel)
        return data

    @property
    def is_parallel(self) -> bool:
        """Whether several devices are asked for, or how the model is split over them."""
        return self.parallel != ParallelOptions()

    def describe(self) -> str:
        """The settings that are not their defaults as one line of text: `act-dtype int8, fuse, training, hardware
        t4`."""
        words = [*option_words(self), *option_words(self.execution)]
        if self.training is not None:
            words += ["training", *option_words(self.training)]
        words += [f"hardware {name}" for name in self.devices]
        if self.generation is not None:
            prompt = self.generation.prompt or (None if self.dims else DEFAULT_PROMPT)
            words += [] if prompt is None else [f"prompt {prompt}"]
            words += [f"generate {self.generation.generate}"]
            words += [word for word in option_words(self.generation) if not word.startswith(("prompt", "generate"))]
        words += option_words(self.parallel)
        return ", ".join(words)

    def quantities(self) -> tuple[QuantityRef, ...]:
        """The quantities that these settings add to those of every model: the arena with an alignment, a training step,
        the bounds on each device, generation."""
        keys = ["arena_bytes"] if self.execution.align is not None else []
        keys += ["tflm_arena_bytes", "flash_bytes"] if self.execution.runtime in TFLM_RUNTIMES else []
        if self.training is not None:
            keys += [*TRAINING, *(TRAINING_PARALLEL if self.is_parallel else ())]
        refs = [QuantityRef(CATALOGUE[key]) for key in keys]
        device_keys = PER_DEVICE + (TRAINING_PER_DEVICE if self.training is not None else ())
        refs += [QuantityRef(CATALOGUE[key], device) for device in self.devices for key in device_keys]
        if self.generation is not None:
            keys = [*GENERATION, *(PARALLEL if self.is_parallel else ())]
            device_keys = (*GENERATION_PER_DEVICE, *(PARALLEL_PER_DEVICE if self.is_parallel else ()))
            refs += [QuantityRef(CATALOGUE[key]) for key in keys]
            refs += [QuantityRef(CATALOGUE[key], device) for device in self.devices for key in device_keys]
        return tuple(refs)

    def extend_for(self, quantities: Iterable[QuantityRef]) -> "Settings":
        """Quantities -> the settings with default training and generation options where one of the quantities needs
        them: `--max training_bytes=8GiB` needs a training step."""
        needs = {need for ref in quantities for need in ref.quantity.needs}
        return self._replace(
            training=self.training or (TrainingOptions() if "training" in needs else None),
            generation=self.generation or (GenerationOptions() if "generation" in needs else None),
        )


GROUPS: dict[str, type] = {
    "execution": ExecutionOptions,
    "training": TrainingOptions,
    "generation": GenerationOptions,
    "parallel": ParallelOptions,
}
"""Group of settings -> its NamedTuple."""


def all_settings() -> dict[str, tuple[Setting, ...]]:
    """The settings by group; "" holds those of reading."""
    return {"": settings_of(Settings), **{name: settings_of(cls) for name, cls in GROUPS.items()}}


def parse_devices(texts: Iterable[str]) -> tuple[str, ...]:
    """`t4,a100` and `t4` -> the names of the devices, each once. UsageError where a name is empty."""
    names = [name.strip() for text in texts for name in text.split(",")]
    if "" in names:
        raise UsageError("--hardware has an empty name", "write NAME or NAME,NAME; `costcalc hardware` lists all")
    return tuple(dict.fromkeys(names))


ARGUMENT_NAMES = {"hardware": "devices", "device": "devices", "set": "params"}
"""Word of the command line -> the keyword argument."""


def _option_remedy(word: str) -> str:
    """An option of the command line that is no keyword argument -> what to write; "" for every other word."""
    if word in ARGUMENT_NAMES:
        argument = ARGUMENT_NAMES[word]
        return Correction(f"write {argument}=…, which is --{word} of the command line", word, (argument,))
    group = next((name for name, cls in GROUPS.items() if word in {setting.name for setting in settings_of(cls)}), "")
    return f"write {group}={{{word!r}: …}}" if group else ""


def _build_group(name: str, value: Any) -> Any:
    cls = GROUPS[name]
    if value is None or value is False:
        return {"execution": ExecutionOptions(), "parallel": ParallelOptions()}.get(name)
    if value is True:
        return cls()
    if isinstance(value, cls):
        return build_settings(cls, non_defaults(value), name)
    if isinstance(value, Mapping):
        return build_settings(cls, value, name)
    options = ", ".join(option.name for option in settings_of(cls))
    raise UsageError(f"{name} is {value!r:.60}", f"give its options by name ({options}), or True for their defaults")


def _check_devices(value: Any) -> tuple[tuple[str, ...], int | None]:
    """The names of devices, and how many of each there are where they say so: `h100-sxm x8`."""
    items = () if value is None else (value,) if isinstance(value, str) else value
    names = tuple(items) if isinstance(items, Iterable) else (None,)
    if not all(isinstance(name, str) for name in names):
        raise UsageError(f"devices is {value!r:.60}", 'give names of profiles: devices=["t4"]')
    devices, counts = [], set[int]()
    for name in parse_devices(names):
        match = re.fullmatch(r"(.*\S)\s*(?:×|(?<=\s)x)\s*(\d{1,7})", name)
        if match and not int(match.group(2)):
            raise UsageError(f"--hardware {name!r} is no device", "give 1 or more: --hardware 'h100-sxm x8'")
        before = re.fullmatch(r"(\d{1,7})\s*[×x*]\s*(?P<name>\D.*)|(?P<device>.*\S)\s*[:*]\s*(\d{1,7})", name)
        if before and not match and not name.endswith((".yaml", ".yml")):
            device, count = before["name"] or before["device"], before[1] or before[4]
            remedy = f"the number stands behind the name: --hardware '{device} x{count}'"
            raise UsageError(f"--hardware {name!r} is no device", remedy)
        devices.append(match.group(1) if match else name)
        counts |= {int(match.group(2))} if match else set()
    if len(counts) > 1:
        raise UsageError("--hardware has different numbers of devices", "ask for one number at a time")
    return tuple(dict.fromkeys(devices)), next(iter(counts), None)


def _with_count(parallel: Any, count: int) -> ParallelOptions:
    """Parallel options with the number of devices that stands behind a device's name. UsageError where they say another
    one."""
    options: ParallelOptions = _build_group("parallel", parallel)
    if options.device_count not in (None, count):
        raise UsageError(f"--devices {options.device_count} and --hardware … ×{count} differ", "leave one of them out")
    return options._replace(device_count=count)


T = TypeVar("T")


def drop_unknown_names(read: Callable[..., T], options: Mapping[str, Any]) -> tuple[T, tuple[UnknownNameError, ...]]:
    """Reader and its options -> read(**options) without the names that its model lacks, and the refusal of each of
    them."""
    refusals: list[UnknownNameError] = []
    while True:
        try:
            return read(**options), tuple(refusals)
        except UnknownNameError as error:
            mapping = options.get(error.argument) or {}
            if error.name not in mapping:
                raise
            refusals.append(error)
            options = {**options, error.argument: {k: v for k, v in mapping.items() if k != error.name}}


def refuse_unknown_names(refusals: Sequence[Sequence[UnknownNameError]]) -> None:
    """Refusals of each model -> raises UnknownNameError for a name that no model has: the one with a hint if there
    is."""
    for first in refusals[0] if refusals else ():
        matches = [e for model in refusals for e in model if (e.argument, e.name) == (first.argument, first.name)]
        if len(matches) == len(refusals):
            raise next((e for e in matches if e.remedy.startswith("did you mean")), first)
