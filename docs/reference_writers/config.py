"""The keys of a config of `check` -> docs/reference/config.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costcalc.cli.settings import SECTIONS
from costcalc.core.quantities import CATALOGUE
from costcalc.core.quantity import Need, Quantity
from costcalc.core.settings import Kind, Setting
from costcalc.studies.check.budget import DEFAULT_INCREASES, LIMITS
from costcalc.studies.check.config import FILE_KEYS, LIMIT_KEYS, MODEL_KEYS
from costcalc.studies.check.config_file import NAMES
from costcalc.studies.check.config_schema import MEANINGS
from costcalc.studies.check.config_settings import FLAT_GROUPS, KEYS
from costcalc.studies.check.limits import limit_example
from costcalc.studies.check.rules import INCREASES, LIMIT_CODES
from costcalc.studies.options import GROUPS, all_settings
from reference_writers.markdown import anchor, block, code, make_page, prose, table

INTRODUCTION = """
[`costcalc check`](command-line.md#check), [`lock`](command-line.md#lock) and `diff --git` read a config: the first of
{names}, or the table `[tool.costcalc]` of `pyproject.toml`, in the current folder or further up. `costcalc check
--init` writes one from what the models cost now. Keys that are not listed here are refused, with their line.
`costcalc schema config` prints the JSON Schema, for editors.
"""

EXAMPLE = """
models:
  - models/*.onnx                    # a path, a glob or a built-in name
  - path: models/net.yaml
    dims: {N: 1}
    dtype: int8
    limits:
      macs: 600M
      time: {pixel-1: 5 ms}          # of a device: the lower bound of time
    layers: {"head/*": {max_share: 30%}}
    scenarios:
      one: {}
      eight: {dims: {N: 8}, limits: {macs: none}}
limits: {weight_bytes: 20 MiB}       # of every model
max_increase: 2%                     # against costcalc.lock.json
warn: [CC2]
"""

TOML_EXAMPLE = """
[tool.costcalc]
models = ["models/*.onnx"]

[tool.costcalc.limits]
macs = "600M"
"""

LEVELS_TEXT = """
The same keys stand on three levels: in the file (for every model), in an entry of `models:`, and in a scenario. An
inner level adds to the outer one and replaces what it names again; `none` takes a limit away (`limits: {macs:
none}`).
"""

AMOUNTS_TEXT = """
Amounts are numbers with a unit: `600M` or `1.2G` of a count, `4.2 MiB` or `20 MB` of bytes, `2.1 ms`, `10 us` of
time, `1 mJ` of energy, `50` tokens a second, `2%` of a share. A quantity of a device names it: `time: {t4: 2 ms}` or
`time.t4: 2 ms`. A quantity that a model does not have is exit code 2, never a pass. **Needs** says which settings a
quantity rests on; a limit on it switches their defaults on. [What each figure
means](../explanation/what-is-counted.md).
"""

LAYERS_TEXT = """
The keys of `layers:` are globs of layers' names, in which `*` fits slashes too. Their values hold totals of the
layers that fit, together.
"""

GROWTH_TEXT = """
A mapping sets it by quantity, as a share or as an amount (`max_increase: {macs: 2%, params: 10k, time: {t4: 5%}}`);
every quantity above that is a number can stand there. `min_delta:` takes amounts. Codes:
[growth](rule-codes.md#growth).
"""

VALUES: dict[Kind, str] = {
    "dims": "{seq: 128}",
    "shapes": "{x: [1, 3, 224, 224]}",
    "params": "{alpha: 0.5}",
    "values": "{n: 7}",
    "flag": "true",
    "count": "N",
    "texts": "[a, b]",
    "precision": "int8",
    "ratio": "0.8",
}
"""An example of a setting's value by its kind."""

NEEDS: dict[Need, str] = {
    "model": "",
    "training": "`training:`",
    "device": "a device",
    "generation": "`generation:`",
    "parallel": "`parallel:`",
    "npu": "an NPU",
}

EXCEPTIONS_TEXT = """
A file that an entry names by its path is held by that entry alone, whatever globs and folders fit it, in any order and
in any group: `models/*.onnx` with one limit and `models/big.onnx` with its own are a rule and its exception. What the
entry of the exception does not say comes from the group and the file, not from the glob. A file that two globs fit is
refused.
"""


def write_config() -> str:
    """The page."""
    names = ", ".join(code(name) for name in NAMES if not name.endswith(".toml"))
    parts = [INTRODUCTION.format(names=names), block("yaml", EXAMPLE.strip()), block("toml", TOML_EXAMPLE.strip())]
    parts += ["## The file", LEVELS_TEXT, _keys_table(FILE_KEYS)]
    own = [key for key in MODEL_KEYS if key in MEANINGS and key not in LIMIT_KEYS]
    parts += ["## An entry of models", "Beside limits, an entry has:", _keys_table(own, "model-"), EXCEPTIONS_TEXT]
    parts += list(_describe_settings())
    parts += ["## Quantities", AMOUNTS_TEXT, _limits_table()]
    usual = ", ".join(code(key) for key in DEFAULT_INCREASES)
    parts += ["## Growth", f"`max_increase: 2%` without a quantity holds for {usual}. {GROWTH_TEXT.strip()}"]
    rows = [(code(key), prose(MEANINGS[key])) for key in ("max_share", "each")]
    parts += ["## Limits of layers", LAYERS_TEXT, table(("Key", "What it is"), rows)]
    return make_page("Configuration of check", *parts)


def _keys_table(keys: Iterable[str], prefix: str = "") -> str:
    """Keys -> a row for each, with an anchor."""
    rows = [(anchor(prefix + key) + code(key), prose(MEANINGS[key])) for key in keys]
    return table(("Key", "What it is"), rows)


def _describe_settings() -> Iterable[str]:
    """The settings by group: those that stand beside `path:`, and those in mappings of their own."""
    groups = all_settings()
    yield "## Settings"
    yield "How a model is read and executed stands beside `path:`; the others stand in a mapping of their group."
    for group in FLAT_GROUPS:
        yield f"### {SECTIONS[group]}"
        yield _settings_table(groups[group])
    for group in GROUPS:
        if group not in FLAT_GROUPS:
            yield f"### {group}"
            yield prose(MEANINGS[group][0].upper() + MEANINGS[group][1:]) + "."
            yield _settings_table(groups[group])


def _settings_table(settings: Sequence[Setting]) -> str:
    rows = [
        (
            code(f"{KEYS.get(setting.name, setting.name)}: {VALUES.get(setting.kind) or setting.choices[-1]}"),
            _setting_meaning(setting),
            f"[`{setting.option}`](command-line.md#{setting.option})",
        )
        for setting in settings
    ]
    return table(("Key", "Meaning", "Option"), rows)


def _setting_meaning(setting: Setting) -> str:
    """A setting's help without what is the option's own."""
    text, _, default = setting.help.partition("[default:")
    words = f" One of {', '.join(code(word) for word in setting.choices)}." if setting.choices else ""
    given = f" Default: {prose(default.strip().removesuffix(']'))}." if default else ""
    return prose(text.partition(": --")[0].rstrip(".… ") + ".") + words + given


def _limits_table() -> str:
    """What can be limited: an example of each, its meaning, what it needs, its codes."""
    rows = [
        (
            anchor(f"limit-{key}") + code(key),
            prose(CATALOGUE[key].meaning if key in CATALOGUE else OTHER_LIMITS[key]),
            _example(key),
            _needs_text(CATALOGUE[key]) if key in CATALOGUE else "",
            ", ".join(f"[`{c}`](rule-codes.md#{c.lower()})" for c in (LIMIT_CODES[key], INCREASES.get(key)) if c),
        )
        for key in LIMITS
    ]
    return table(("Quantity", "What it is", "Example", "Needs", "Codes"), rows)


OTHER_LIMITS = {
    "ops": "layers of an operator: `ops: {Gelu: 0}`",
    "unknown_ops": "operators without a rule, of which only 0 can be asked",
}


def _needs_text(quantity: Quantity) -> str:
    return ", ".join(NEEDS[need] for need in quantity.needs if NEEDS[need])


def _example(key: str) -> str:
    """How a limit is written in a config's `limits:`, or, where more is better, in its `min:`."""
    name, _, amount = limit_example(key).partition("=")
    quantity, _, subject = name.partition(".")
    if key in CATALOGUE and CATALOGUE[key].unit == "boolean":
        return code(f"{quantity}: [{subject}]")
    at_least = key in CATALOGUE and not CATALOGUE[key].less_is_better
    value = f"{{{subject}: {amount}}}" if subject else amount
    return code(f"{quantity}: {value}") + (" in `min:`" if at_least else "")
