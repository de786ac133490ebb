"""The rules of `check`: their codes, what each says in its own words, and what a breach of each counts as."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.quantities import CATALOGUE, TOTALS
from costcalc.core.quantity import Certainty, Quantity
from costcalc.studies.check.budget import RuleLevels

RuleLevel = Literal["error", "warning", "note"]


class CheckRule(NamedTuple):
    """A code, its name, a sentence on what it holds, how it is set and mended, and what a breach counts as where no
    config says: "error", "warning", or "note", which is information."""

    code: str
    name: str
    meaning: str
    remedy: str
    level: RuleLevel = "error"


CODES = {quantity.key: quantity.code for quantity in CATALOGUE.values()}
"""The numbers of the rules of quantities: CC001 limits MACs, CC201 their increase."""

CANNOT_TELL = "CC1"
"""Codes of what cannot be told: never ignored, never lowered to a warning."""

_BOUNDS: dict[Certainty, str] = {
    "exact": "",
    "lower": " The figure is a lower bound: one above the limit breaks it for certain, one below it does not promise "
    "that the model stays below.",
    "upper": " The figure is an upper bound: one below the limit breaks it for certain, one above it does not promise "
    "that the device is that fast.",
    "estimate": " The figure is an estimate, and is held as it is.",
}
"""What a verdict on a quantity means that is not exact."""

_MEASURED_ENERGY = " The figure is an estimate from what the device was measured to draw, and is held as it is."


def _limit_rules() -> Iterable[CheckRule]:
    for key, number in CODES.items():
        quantity = CATALOGUE[key]
        name = f"{quantity.name} on a device" if quantity.per_device else quantity.name
        device, value = quantity.example_device, quantity.example.replace(" ", "")
        path = f"{key}.{device}" if quantity.per_device else key
        inner = f"{{{key}: {f'{{{device}: {quantity.example}}}' if quantity.per_device else quantity.example}}}"
        if key in TOTALS:
            yield CheckRule(
                f"CC{number:03}",
                quantity.name,
                f"The model's {quantity.name} ({quantity.meaning}) are at most the limit; equal to it is kept.",
                f"Set it with `limits: {inner}` or `--max {path}={value}`. "
                "An exceeded limit names the layer with the largest part, and with a baseline the one that grew most.",
            )
        elif quantity.unit == "boolean":
            yield CheckRule(
                f"CC{number:03}",
                quantity.name,
                f"It holds that {quantity.meaning.removeprefix('whether ')}.",
                f"Set it with `limits: {{{key}: [t4]}}` or `--require {path}`; `costcalc hardware t4` shows its "
                "memories.",
            )
        elif key != "time":
            extreme, config_key = ("most", "limits: ") if quantity.less_is_better else ("least", "min: ")
            option = "--max" if quantity.less_is_better else "--min"
            first, *_, last = (*quantity.name.split(), quantity.name)
            verb = "are" if first.endswith("s") or last.endswith("s") else "is"
            yield CheckRule(
                f"CC{number:03}",
                quantity.name,
                f"The model's {name} ({quantity.meaning}) {verb} at {extreme} the limit; equal to it is kept."
                + (_MEASURED_ENERGY if quantity.unit == "joules" else _BOUNDS[quantity.certainty]),
                f"Set it with `{config_key}{inner}` or `{option} {path}={value}`." + _settings_remedy(quantity),
            )


def _settings_remedy(quantity: Quantity) -> str:
    """Which settings of a check a quantity rests on."""
    if "training" in quantity.needs:
        return " `training: {optimizer: sgd}` or `--training --optimizer sgd` say how the model is trained."
    if "generation" in quantity.needs:
        return " `generation: {prompt: 128, generate: 32}` or `--prompt 128 --generate 32` say what is generated."
    if quantity.key == "arena_bytes":
        return " `align: 16`, `fuse: true` and their like, or `--align 16 --fuse`, say how the model is executed."
    return ""


def _increase_rules() -> Iterable[CheckRule]:
    for key, number in CODES.items():
        quantity = CATALOGUE[key]
        if quantity.unit == "boolean":
            continue
        example = "{t4: 2%}" if quantity.per_device else "2%"
        delta_example = "{t4: …}" if quantity.per_device else "…"
        yield CheckRule(
            f"CC{200 + number}",
            f"{quantity.name} increase",
            f"The model's {quantity.name} grew over the baseline by no more than is allowed.",
            f"Set it with `max_increase: {{{key}: {example}}}` (or an amount), and with `min_delta: {{{key}: "
            f"{delta_example}}}` what is allowed whatever its percentage. Where the growth is meant, write the "
            "baseline anew with `costcalc lock` and commit it.",
        )


_OTHER_RULES = (
    CheckRule(
        "CC009",
        "time",
        "The lower bound of the model's time on a device is at most the limit. A bound above the "
        "limit breaks it for certain; a bound below it does not promise that the device is that fast.",
        "Set it with `limits: {time: {t4: 2.1 ms}}` or `--max time.t4=2.1ms`; `costcalc hardware` lists the devices, "
        "`costcalc analyze MODEL --hardware t4` shows what the bound rests on.",
    ),
    CheckRule(
        "CC010",
        "operator count",
        "No more layers than the limit are of this operator. A layer that a loop runs often counts once.",
        "Set it with `limits: {ops: {Gelu: 0}}` or `--max ops.Gelu=0`; `costcalc analyze MODEL --by op` counts all.",
    ),
    CheckRule(
        "CC011",
        "layers",
        "The layers whose names fit a glob take together no more than the limit (with "
        "`each: true`, each of them on its own). A `*` fits slashes too.",
        'Set it with `layers: {"head/*": {macs: 10M}}`.',
    ),
    CheckRule(
        "CC012",
        "share of layers",
        "The layers whose names fit a glob have together no larger part of the model's "
        "MACs than the limit (with `each: true`, each of them on its own).",
        'Set it with `layers: {"head/*": {max_share: 30%}}`, or of other totals with `max_share: {params: 50%}`.',
    ),
    CheckRule(
        "CC101",
        "unknown operator",
        "Every operator has a rule. One without would count as nothing, so a total is "
        "only known from below: it can exceed a limit, but not keep it, and the check exits 2.",
        "Allow the operator by name with `allow: [domain:Op]` or `--allow`, which takes it as free, or register a "
        "rule for it with --rules.",
    ),
    CheckRule("CC102", "unreadable model", "Every model can be read.", "Mend the model at the place that is named."),
    CheckRule(
        "CC103",
        "open symbol",
        "A limit can be decided: it is, where every value of an open symbol leads to the same answer.",
        "Bind the symbol with `dims: {seq: 128}`, perhaps in several scenarios, or with --dim.",
    ),
    CheckRule(
        "CC104", "no baseline", "A relative limit has a baseline.", "Write it with `costcalc lock` and commit it."
    ),
    CheckRule(
        "CC105",
        "no such layer",
        "The glob of a limit of layers fits at least one layer: one that fits none would always be kept.",
        "Correct the pattern; `costcalc analyze MODEL` shows the layers' names.",
    ),
    CheckRule(
        "CC106",
        "no bound of time",
        "The device's profile has the figures that the bound of time needs.",
        "Take a device that has a peak for the model's precision, or set `act_dtype:` and `dtype:`.",
    ),
    CheckRule(
        "CC107",
        "no such quantity",
        "The model has the quantity that is limited: one that it does not have is never kept, and never 0.",
        "Leave the limit out for this model, or give the settings that the quantity rests on.",
    ),
    CheckRule(
        "CC108",
        "no such operator",
        "The operator whose layers are counted is one that costcalc or the model knows: one that neither knows may be "
        "misspelt, and would always be kept.",
        "Correct the name; `costcalc ops` lists all. An operator of your own is written with its domain: com.acme:Op.",
    ),
    CheckRule(
        "CC301",
        "stale baseline",
        "The baseline says what the models cost now.",
        "Write it anew with `costcalc lock`; `costcalc lock --check` fails where it would change.",
        "note",
    ),
    CheckRule(
        "CC302",
        "stale ignore",
        "An ignore suppresses something: one that does not would hide the next finding.",
        "Remove the comment, or the entry of `ignore:`.",
        "note",
    ),
    CheckRule(
        "CC303",
        "expired ignore",
        "An ignore is not over. What it suppressed counts again from the day after its date.",
        "Mend the model, or give the ignore a later date.",
        "note",
    ),
    CheckRule(
        "CC304",
        "model without a limit",
        "Every model of the config has a limit.",
        "Write `limits:` beside its `path:`, or for all models at the top of the config.",
        "note",
    ),
    CheckRule(
        "CC305",
        "model without an entry",
        "Every model file in the config's folder and below it is held by an entry.",
        "Name the file or a glob in `models:`; leave out what is no product with `exclude: [tests/**]`.",
        "note",
    ),
    CheckRule(
        "CC306",
        "unreadable ignore",
        "A comment that begins with `costcalc:` is understood. One that is not suppresses nothing.",
        "Write it as `# costcalc: ignore CC001 until 2027-01: the reason`.",
        "note",
    ),
    CheckRule(
        "CC307",
        "loosened limit",
        "Against a baseline of another revision, no limit was raised or taken away, no model left out, no ignore added "
        "or made longer, no rule lowered: a change does not move its own budget in silence.",
        "Where that is meant, a person who may decide it says so in the review; hold it with `error: [CC307]`, or with "
        "`--error CC307`, which no change of the config takes away.",
        "warning",
    ),
    CheckRule(
        "CC308",
        "growth not checked",
        "A model that may only grow so far has a figure to grow from. One that a baseline of another revision lacks "
        "has none: that is told where a model is gone since, whose place it may have taken, and where the model cannot "
        "be read as it is there.",
        "Give the model the `name:` of the one that is gone, and it is compared with that.",
        "warning",
    ),
)

RULES = {rule.code: rule for rule in sorted((*_limit_rules(), *_increase_rules(), *_OTHER_RULES))}
"""All rules by their codes."""

INCREASES = {quantity: f"CC{200 + i}" for quantity, i in CODES.items() if CATALOGUE[quantity].unit != "boolean"}

LIMIT_CODES = {quantity: f"CC{i:03}" for quantity, i in CODES.items()} | {
    "ops": "CC010",
    "unknown_ops": "CC101",
}


def find_rule(code: str) -> CheckRule:
    """The rule of a code. UsageError where there is none."""
    if code.upper() not in RULES:
        suggestion = did_you_mean(code.upper(), RULES)
        raise UsageError(f"there is no rule {code!r}", f"{suggestion} `costcalc rule` lists all".strip())
    return RULES[code.upper()]


def rule_level(code: str, levels: RuleLevels) -> str:
    """error, warning, note, or "" where the rule is left out. Of prefixes that select and that ignore a code, the
    longer counts; of two as long, the one that ignores. One of `error:` selects, too; of those that warn and that make
    an error, the longer counts, of two as long the error."""

    def longest(prefixes: Iterable[str]) -> int:
        return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=-1)

    if code.startswith(CANNOT_TELL) or longest(levels.enforced) >= 0:
        return "error"
    warned, raised = longest(levels.warn), longest(levels.error)
    selected = max(longest(levels.select) if levels.select else 0, raised)
    if selected < 0 or longest(levels.ignore) >= selected:
        return ""
    if max(warned, raised) < 0:
        return RULES[code].level
    return "error" if raised >= warned else "warning"


def require_known(prefix: str) -> str:
    """A code or the beginning of several → the same. UsageError where there is none."""
    if not any(known.startswith(prefix) for known in RULES):
        suggestion = did_you_mean(prefix, tuple(RULES)) or "`costcalc rule` lists the codes"
        raise UsageError(f"no code begins with {prefix!r}", suggestion)
    return prefix


def require_ignorable(code: str) -> str:
    """A code or the beginning of several → the same. UsageError where there is none, and for codes of what cannot be
    told, which are never ignored."""
    require_known(code)
    if code.startswith(CANNOT_TELL) or CANNOT_TELL.startswith(code):
        fact = f"{code} covers codes of what cannot be told ({CANNOT_TELL}…), which are never ignored"
        raise UsageError(fact, "name the others (CC0, CC2)")
    return code
