"""A random generator and the names of files -> a command line, from click's own tables of commands and options."""

from __future__ import annotations

import random

import click
from support.command_table import COMMANDS

from costcalc.cli.group import MODULES, cli

from . import values

DEVICES = (
    "t4",
    "raspberry-pi-5",
    "stm32h743",
    "a100-sxm-80gb",
    "t4,stm32h743",
    "ethos-u55-128,coral",
    "h.yaml",
    "nothing",
)
QUANTITIES = [
    "macs",
    "flops",
    "params",
    "peak_activation_bytes",
    "arena_bytes",
    "tflm_arena_bytes",
    "flash_bytes",
    "fits.stm32f746",
    "training_bytes",
    "time.t4",
    "fits.t4",
    "tokens_per_second.t4",
    "energy.stm32h743",
    "weight_bytes",
    "ops.Relu",
    "kv_cache_bytes",
    "upper",
    "nothing",
    "macs.t4",
    "time",
]
ASSIGNED = ("N", "seq", "h", "w", "x", "input", "alpha", "resolution", "n", "*", "", "batch", "trip", "cond")
WORDS = {
    "hardware": DEVICES,
    "rule": ("separable", "gap,fused", "tied", "nothing", ""),
    "apply": ("1", "separable", "99", "gap"),
    "columns": ("macs,params", "name,op,macs,time", "x,", "macs,macs", "alpha,macs,time.t4", "bar,share"),
    "tool": ("thop", "fvcore,ptflops", "onnx_tool", "x"),
    "figure": ("thop=11.3G", "thop=0", "x=1", "thop=-1", "thop=1e400"),
    "written": ("relu=module", "attention=einsum", "x=y", "relu"),
    "plot": ("macs,params", "macs,resolution:max", "x"),
    "pareto": ("macs,params", "macs,peak_activation_bytes", "time.t4,params", "macs:max"),
    "where": ("macs <= 100M", "macs < 5 and params > 1", "time.t4 < 5ms", "macs <", "x > 1", "1 < 2"),
    "subject_to": ("macs <= 100M", "params < 0", "macs"),
    "fail_on": ("macs>+2%", "params>+0", "macs>600M", "fits.t4", "time.t4>+5%", "macs", "macs<-5%"),
    "vary": ("dtype=int8,float16", "fuse=true,false", "align=null,16", "batch=1:8", "x=1", "training=true,false"),
    "freeze": ("*", "conv*", "nothing", "[", ""),
    "layer": ("conv1", "0", "conv", "*", "", "node_Conv_0"),
    "number": ("1", "2", "0", "-1", "99999999999999999999"),
    "report": ("sarif=out.sarif", "junit=out.xml", "x=y", "table=-", "json=out.json"),
    "git": ("HEAD", "main", "-x", "HEAD..", ""),
    "baseline": ("l.json", "HEAD", "nothing", "-x"),
    "config": ("c.yaml", "nothing.yaml", "m.onnx"),
    "rules": ("nothing.py",),
    "comment_id": ("x", "a--b", "\x1b"),
    "allow": ("Relu", "nothing", "x.y:Conv"),
    "resume": ("",),
    "jobs": ("1", "2", "0"),
    "depth": ("1", "2", "999999999999999999999999"),
    "top": ("1", "3", "99999999999999999999"),
}
ENDLESS = ("server", "watch")
"""The command and the option that run until somebody ends them."""
FILES = {"csv": "o.csv", "json": "o.json", "html": "o.html", "svg": "o.svg"}


def command_line(r: random.Random, model: str, other: str) -> tuple[str, ...]:
    """A command line about a model: a line of the table of commands, or a command with random options."""
    if r.random() < 0.75:
        words = [{"MODEL": model, "OTHER": r.choice((other, model))}.get(w, w) for w in r.choice(COMMANDS).split()]
        if r.random() < 0.25:
            words += options(r, words[0], 1)
        return tuple(words)
    name = r.choice(sorted(MODULES.keys() - set(ENDLESS)))
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    words = [name]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            many = 2 if parameter.nargs == -1 or name in ("compare", "diff") else 1
            words += [value_of(r, parameter, model, other) for _ in range(r.choice((many, many, many, many, 1, 0)))]
    words += options(r, name, r.choice((0, 1, 1, 2, 3, 5)))
    return tuple(words)


def options(r: random.Random, name: str, count: int) -> list[str]:
    """So many options of a command, with values of their kinds or at their borders."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    known = [p for p in command.params if isinstance(p, click.Option) and p.name not in ("help", "debug", *ENDLESS)]
    words: list[str] = []
    for option in r.sample(known, min(count, len(known))):
        flag = r.choice(option.opts)
        if option.is_flag:
            words.append(flag)
            continue
        for _ in range(r.choice((1, 1, 2)) if option.multiple else 1):
            words += [flag, value_of(r, option, "m.onnx", "lenet5")]
    return words


def value_of(r: random.Random, parameter: click.Parameter, model: str, other: str) -> str:
    """A value for an option or an argument."""
    name = parameter.name or ""
    if r.random() < 0.06:
        return r.choice((values.number_text(r), "x" * 5000, "", "-", "\udcff", "a\nb", "=", "--", "/dev/null/x"))
    if isinstance(parameter, click.Argument) and name not in ("layer", "number", "name"):
        return r.choice((*[model] * 8, other, other, "lenet5", "nothing.onnx", "."))
    if name in WORDS:
        return r.choice(WORDS[name])
    if isinstance(parameter.type, click.Choice):
        return r.choice([str(choice) for choice in parameter.type.choices])
    if isinstance(parameter.type, click.types.IntParamType):
        return str(values.integer(r)) if r.random() < 0.5 else r.choice(("1", "2", "4", "16"))
    if name == "output":
        return r.choice((*FILES.values(), "o.png", "o.onnx", "-", "/nowhere/x", "o"))
    return _text_value(r, name)


def _text_value(r: random.Random, name: str) -> str:
    if name in ("dim", "dims", "set", "params", "value", "shape", "shapes"):
        return _assignment(r, name)
    if name in ("maximum", "max", "minimum", "min", "max_increase", "min_delta", "limits"):
        return f"{r.choice(QUANTITIES)}={values.number_text(r)}"
    if name in ("require", "sort", "quantity", "x", "y", "maximize", "minimize"):
        return r.choice(QUANTITIES)
    if "dtype" in name:
        return r.choice(("int8", "float16", "bf16", "int4", "float64", "string", "x"))
    return r.choice(("x", "1", "1%", "1M", "auto", values.number_text(r), values.text(r).replace("\x00", "")))


def _assignment(r: random.Random, name: str) -> str:
    """NAME=VALUE, as --dim, --shape, --set and --value take them."""
    if "shape" in name:
        value = ",".join(str(values.extent(r)) for _ in range(r.randint(0, 5)))
    else:
        value = r.choice((values.number_text(r), "1,8", "1:64:*2", "1:8:1", "1:1000000000:1", "8:1:-1"))
    return f"{r.choice(ASSIGNED)}{r.choice(('=', '=', '=', '=', '', '=='))}{value}"
