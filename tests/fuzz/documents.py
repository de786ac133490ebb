"""A random generator -> YAML models, configs, hardware profiles and lock files: trees with other values, keys and depths."""

from __future__ import annotations

import json
import random
from typing import Any

import yaml
from support.paths import DATA, ROOT, SPECS

import costcalc.frontends.yaml.reader  # noqa: F401  all layers are registered
from costcalc.frontends.yaml.layers.base import LAYERS
from costcalc.studies.check.config import FILE_KEYS, MODEL_KEYS

from . import values
from .arguments import QUANTITIES

SPEC_NAMES = ("lenet5", "mobilenet_v1", "resnet18", "unet", "squeezenet1_1", "depthwise_separable", "lstm_classifier")
PROFILES = ROOT / "costcalc" / "analysis" / "hardware" / "profiles"
EXPRESSIONS = (
    *("N", "alpha", "2 * alpha", "round(8 * alpha)", "8 // 3", "1 / 0", "2 ** 64", "2 ** 2 ** 2 ** 9", "min(N, 3)"),
    *("make_divisible(alpha * 8, 8)", "((((1))))", "x.y", "__import__('os')", "N // 2 // 2 // 2", "-N", "N * N * N"),
    *("0 // N", "N % 7", "max()", "1 if 1", "(" * 300, "9" * 5000, "2 ** N", "floor(N / 3) * ceil(N / 7)"),
)
CONFIG = {
    "models": [
        {"path": "m.yaml", "limits": {"macs": "1G", "time": {"t4": "1 s"}}, "scenarios": {"a": {"dims": {"N": 2}}}}
    ],
    "limits": {"macs": "10G", "params": "1M", "peak_activation_bytes": "1 MiB"},
    "max_increase": "5%",
    "min_delta": {"macs": "1k"},
    "layers": {"conv*": {"macs": "1G"}},
    "allow": ["Relu"],
    "lock": "l.json",
}
SWAPS: dict[str, tuple[Any, ...]] = {
    "int": (0, 1, 2, 3, 4, 7, 16, 100, 2**31, 2**62, -1),
    "float": (0.0, 0.5, 1.0, 2.0, 1e-9, 1e18, -1.0),
    "str": ("0", "1 G", "1e18", "1e-30", "3 T", "0.1", "width", "N", "2 * width", "1 MiB", "5%", "none", "x"),
    "bool": (True, False),
}
"""Other values of the same kind."""
SECTIONS = """
name: Net
params: {alpha: 1.0, width: 4}
input: [N, 3, 32, 32]
blocks:
  b: {args: {filters: , stride: 1}, layers: [{conv: {filters: filters, kernel: 3, pad: same, stride: stride}}, relu]}
layers: [{b: {filters: 4}}, {repeat: {times: 2, layers: [{b: {filters: 8}}]}}, global_avg_pool, flatten, {linear: {units: 10}}]
"""


def scalar(r: random.Random) -> Any:
    """A value of any kind that a key may have."""
    what = r.random()
    if what < 0.35:
        return values.integer(r)
    if what < 0.55:
        return r.choice(EXPRESSIONS)
    if what < 0.7:
        return values.number_text(r)
    return r.choice(
        (None, True, False, 0.5, -1.5, 1e300, float("nan"), [], {}, [1, 2], {"a": 1}, values.text(r), "same", "m.yaml")
    )


def layer(r: random.Random, depth: int = 0) -> Any:
    """An entry of `layers:`, with keys of its own kind most of the time."""
    if depth < 3 and r.random() < 0.2:
        inner = [layer(r, depth + 1) for _ in range(r.randint(0, 3))]
        return r.choice(
            (
                {"repeat": {"times": r.choice((0, 1, 3, 1000, 10**9, "N", "alpha")), "layers": inner}},
                {"residual": {"body": inner, "shortcut": [layer(r, depth + 1)]}},
                {"residual": {"body": inner}},
                {"branches": [inner, [layer(r, depth + 1)]]},
                {"branches": {"paths": [inner, []], "merge": r.choice(("add", "concat", "mul", "x"))}},
                {"b": {"filters": scalar(r)}},
            )
        )
    if r.random() < 0.1:
        return {r.choice(("Conv", "Relu", "Reshape", "Einsum", "LSTM", "Nothing")): {"axis": scalar(r)}}
    name = r.choice(sorted(LAYERS))
    keys = {}
    for key, kind in LAYERS[name].keys.items():
        if "required" in repr(kind.default) or r.random() < 0.3:
            keys[key] = r.choice(kind.choices) if kind.choices else key_value(r, kind.kind)
    entry: dict[str, Any] = {name: keys} if keys else {name: None}
    for key in r.sample(("as", "from", "when", "share"), r.choice((0, 0, 0, 0, 0, 1, 2))):
        entry[key] = r.choice(("a", "a", "b", "input", ["a", "b"], scalar(r)))
    return entry if len(entry) > 1 or keys else name


def key_value(r: random.Random, kind: str) -> Any:
    """A value of the kind that a key takes, or of any other now and then."""
    fitting: dict[str, tuple[Any, ...]] = {
        "bool": (True, False),
        "number": (0.5, 1, 0, -1.5, "alpha"),
        "text": ("bhqd,bhkd->bhqk", "ij,jk->ik", "ii", "x"),
        "pad": ("same", "valid", 0, 1, 2, [1, 1, 1, 1], [0, 1]),
        "axes": (1, -1, [2, 3], [0], [0, 2, 1], 0),
        "shape": ([0, -1], ["N", -1], [1, 2, 2], [-1, 4], [3]),
        "extents": (1, 2, 3, [3, 3], [1, 5], "width"),
        "layer": ("a", "input"),
    }
    if r.random() < 0.12:
        return scalar(r)
    return r.choice(fitting.get(kind, (1, 2, 3, 4, 8, 10, "width", "2 * width")))


def mutate_tree(r: random.Random, tree: Any, changes: int) -> Any:
    """A tree -> the same with some places dropped, doubled, moved or with other values."""
    for _ in range(changes):
        places = list(_places(tree))
        if not places:
            return tree
        holder, key = r.choice(places)
        what = r.random()
        if what < 0.5:
            old = holder[key]
            plain = isinstance(old, (int, float, str)) and r.random() < 0.6
            holder[key] = r.choice(SWAPS.get(type(old).__name__, (old,))) if plain else scalar(r)
        elif what < 0.65:
            del holder[key]
        elif what < 0.8 and isinstance(holder, dict):
            holder[r.choice((values.text(r), "macs", "layers", "extends", 1, None, True))] = holder[key]
        elif what < 0.9 and isinstance(holder, list):
            holder.insert(r.randrange(len(holder) + 1), json.loads(json.dumps(holder[key], default=str)))
        else:
            other, other_key = r.choice(places)
            holder[key] = json.loads(json.dumps(other.get(other_key) if isinstance(other, dict) else 1, default=str))
    return tree


def _places(tree: Any) -> Any:
    """(dict or list, key or index) of each value in a tree."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def dump(r: random.Random, tree: Any) -> bytes:
    """A tree -> YAML text, with a fault of the text itself now and then."""
    written = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=r.random() < 0.3, width=100)
    if r.random() < 0.12:
        at = r.randrange(len(written) + 1)
        faults = (
            "\t",
            ":",
            "- ",
            "*a",
            "&a ",
            "!!python/object:os.system ",
            "[" * 500,
            "\x00",
            "\ufeff",
            "? ",
            "<<: ",
            "{}",
        )
        written = written[:at] + r.choice((*faults, "9" * 6000, "\n" * 1000)) + written[at + r.choice((0, 1, 5)) :]
    return written.encode("utf-8", "surrogatepass")


def yaml_model(r: random.Random) -> bytes:
    """A YAML model: one that is shipped with changes, or layers at random."""
    what = r.random()
    if what < 0.4:
        tree = yaml.safe_load((SPECS / f"{r.choice(SPEC_NAMES)}.yaml").read_text(encoding="utf-8"))
        return dump(r, mutate_tree(r, tree, r.choice((1, 1, 1, 2))))
    tree = yaml.safe_load(SECTIONS)
    if what < 0.8:
        tree["input"] = r.choice(
            (
                [1, 3, 32, 32],
                ["N", 4, "h", "w"],
                [1, 7, 16],
                ["N", 8],
                values.shape(r),
                {"x": [1, 8], "y": values.shape(r)},
            )
        )
        fixed = tree["layers"]
        tree["layers"] = [layer(r) for _ in range(r.choice((1, 1, 2, 3)))] + r.choice(([], fixed))
        return dump(r, tree)
    return dump(r, mutate_tree(r, tree, r.choice((1, 1, 2, 4))))


def config(r: random.Random) -> bytes:
    """A config of check about m.yaml."""
    tree = json.loads(json.dumps(CONFIG))
    for _ in range(r.choice((0, 0, 0, 1))):
        place = tree if r.random() < 0.5 else tree["models"][0]
        key = r.choice(FILE_KEYS if place is tree else MODEL_KEYS)
        place[key] = r.choice((scalar(r), {r.choice(QUANTITIES): scalar(r)}, {"t4": scalar(r)}))
        if not isinstance(tree.get("models"), list) or not tree["models"] or not isinstance(tree["models"][0], dict):
            break
    return dump(r, mutate_tree(r, tree, r.choice((0, 1, 1, 2))))


def profile(r: random.Random) -> bytes:
    """A hardware profile."""
    name = r.choice(("t4", "stm32h743", "raspberry-pi-5", "ethos-u55-256"))
    tree = yaml.safe_load((PROFILES / f"{name}.yaml").read_text(encoding="utf-8"))
    return dump(r, mutate_tree(r, tree, r.choice((0, 1, 1, 2))))


def lock(r: random.Random) -> bytes:
    """A lock file: the one of the tests with changes, now and then no longer JSON."""
    tree = json.loads((DATA / "lock" / "costcalc.lock.json").read_text(encoding="utf-8"))
    written = json.dumps(mutate_tree(r, tree, r.choice((0, 1, 1, 3))), default=str)
    if r.random() < 0.1:
        written = written[: r.randrange(len(written))]
    return written.encode("utf-8", "surrogatepass")
