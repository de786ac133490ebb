"""The command group: `costcalc --version`, and the pages of help: commands by what they are for, and under each
command lines to copy."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import click

from costcalc.core.errors import UsageError
from costcalc.core.version import __version__

SECTIONS = {
    "What a model costs": {
        "analyze": "What each layer costs, and the totals.",
        "compare": "Models side by side, with ratios.",
        "explain": "The working of every figure, in formulas and numbers.",
        "memory": "The peak of activations: when, by which tensors.",
        "llm": "Prompt, tokens and KV cache of a decoder model.",
        "report": "One HTML page about models.",
        "plot": "Bars, memory, roofline or Pareto front as a picture.",
    },
    "Budgets and changes": {
        "check": "Hold models to their budget.",
        "lock": "Write the baseline that `check` compares with.",
        "diff": "What changed between two versions, and why.",
        "history": "What a model cost in each git revision.",
        "badge": "A total or a verdict as a badge for a README.",
        "table": "Keep tables of models in Markdown files true.",
        "rule": "The rules of `check`, and how each is mended.",
    },
    "Other designs, other counters": {
        "sweep": "Every combination of parameters and symbols.",
        "suggest": "Rewrites that make a network cheaper.",
        "reconcile": "Why other tools say another number.",
    },
    "Lists and files": {
        "models": "The built-in models with their sources.",
        "hardware": "The device profiles, with the source of every figure.",
        "ops": "Every operator with its state.",
        "schema": "JSON Schemas of models, configs and documents.",
        "export": "An ONNX file, or costs for a viewer of models.",
    },
    "Inside other programs": {
        "server": "For editors (LSP) and agents (MCP).",
    },
}
"""The commands in the order of the first page, each with the words that fit there on a narrow terminal."""

EXAMPLES = {
    "analyze": (
        "costcalc analyze model.onnx --sort macs --top 5",
        "costcalc analyze gpt2 --dim seq=128 --by block --depth 1",
        "costcalc analyze mobilenet --set alpha=0.5 --hardware pixel-1 --dtype int8",
        "costcalc analyze exports/ --jobs 4 --format csv -o costs.csv",
    ),
    "check": (
        "costcalc check model.onnx --max macs=600M --max weight_bytes=4.2MiB",
        "costcalc check --init --slack 25%",
        "costcalc check --baseline origin/main --report markdown=comment.md",
    ),
    "compare": ("costcalc compare mobilenet vgg16", "costcalc compare net.yaml net.onnx --dim N=8"),
    "diff": (
        "costcalc diff resnet18 resnet34 --top 3",
        "costcalc diff main:models/net.yaml models/net.yaml",
        "costcalc diff --git main --fail-on 'macs>+2%'",
    ),
    "badge": (
        "costcalc badge models/net.yaml --quantity macs -o macs.svg",
        "costcalc badge -o verdict.json",
    ),
    "explain": ("costcalc explain depthwise_separable", "costcalc explain mobilenet separable2/depthwise"),
    "export": (
        "costcalc export mobilenet -o mobilenet.onnx --weights random",
        "costcalc export net.tflite --overlay model-explorer --quantity params -o params.json",
    ),
    "hardware": ("costcalc hardware t4", "costcalc hardware stm32"),
    "history": (
        "costcalc history models/net.yaml --since v1.0",
        "costcalc history models/net.onnx --columns macs,time.t4 -o history.html",
    ),
    "llm": ("costcalc llm llama --prompt 2048 --generate 256 --dtype fp16 --hardware a100-sxm-80gb",),
    "lock": ("costcalc lock", "costcalc lock --check"),
    "memory": (
        "costcalc memory mobilenet_v2 --fuse --act-dtype int8",
        "costcalc memory net.onnx --arena --format json -o plan.json",
    ),
    "models": ("costcalc models resnet", "costcalc models --format csv"),
    "ops": ("costcalc ops attention", "costcalc ops --format json"),
    "plot": (
        "costcalc plot resnet18 --by block --depth 1",
        "costcalc plot resnet50 --kind roofline --hardware t4 -o roofline.svg",
        "costcalc plot mobilenet resnet18 vgg16 --kind pareto",
    ),
    "reconcile": (
        "costcalc reconcile resnet50 --by tool",
        "costcalc reconcile vit_b_16 --tool thop --figure thop=11.3G",
    ),
    "report": ("costcalc report resnet50 mobilenet_v2 --hardware t4 -o report.html",),
    "rule": ("costcalc rule CC001",),
    "server": ("costcalc server --lsp", "costcalc server --mcp --root ."),
    "schema": ("costcalc schema -o costcalc.schema.json", "costcalc schema check"),
    "suggest": (
        "costcalc suggest vgg16 --rule separable,gap",
        "costcalc suggest vgg16 1",
        "costcalc suggest net.yaml --apply separable -o smaller.yaml",
    ),
    "sweep": (
        "costcalc sweep mobilenet_v2 --set alpha=0.25:1:0.25 --set resolution=128,224 --pareto macs,params",
        "costcalc sweep mobilenet_v2 --set resolution=96:224:32 --maximize resolution --subject-to 'macs <= 100M'",
    ),
    "table": ("costcalc table mobilenet vgg16 --short", "costcalc table --update README.md"),
}


MODULES = {
    "analyze": "analyze",
    "badge": "badge",
    "check": "check",
    "compare": "compare",
    "diff": "diff",
    "explain": "compare",
    "export": "export",
    "hardware": "catalogue",
    "history": "history",
    "llm": "llm",
    "lock": "lock",
    "memory": "memory",
    "models": "catalogue",
    "ops": "catalogue",
    "plot": "report",
    "reconcile": "reconcile",
    "report": "report",
    "rule": "lock",
    "schema": "export",
    "server": "server",
    "suggest": "suggest",
    "sweep": "sweep",
    "table": "table",
}
"""Command -> the module of costcalc.cli.commands that defines it. A module is imported when its command is asked for:
all of them, with their options, are a third of the time of `costcalc --version`."""


OTHER_WORDS = {
    **dict.fromkeys(
        (
            "flops",
            "macs",
            "params",
            "summary",
            "profile",
            "info",
            "cost",
            "count",
            "stats",
            "show",
            "inspect",
            "layers",
        ),
        "analyze",
    ),
    **dict.fromkeys(("list", "ls", "zoo"), "models"),
    **dict.fromkeys(("devices", "device", "gpus"), "hardware"),
    **dict.fromkeys(("operators", "operations"), "ops"),
    **dict.fromkeys(("draw", "visualize", "chart"), "plot"),
    **dict.fromkeys(("html", "page"), "report"),
    **dict.fromkeys(("budget", "test", "verify"), "check"),
    **dict.fromkeys(("optimize", "optimise"), "suggest"),
    **dict.fromkeys(("ram", "peak"), "memory"),
    "vs": "compare",
    **dict.fromkeys(("log", "trend"), "history"),
    "shield": "badge",
}
"""What other tools call a command -> the command."""

OTHER_OPTIONS = {
    **dict.fromkeys(
        ("--batch", "--batch-size", "--bs"),
        "write --dim N=8, or the name of the model's own batch; where that is fixed, --shape INPUT=8,…",
    ),
    "--arena": "write --align 16 for the arena's size, or `costcalc memory MODEL --arena` for its plan",
    "-b": "for a batch of inputs write --dim N=8",
    "-f": "write --format json",
    **{f"--{form}": f"write --format {form}" for form in ("json", "csv", "markdown", "html")},
    **dict.fromkeys(("--input-size", "--input-shape", "--input", "--size"), "write --shape INPUT=1,3,224,224"),
    **dict.fromkeys(("--device", "--gpu", "--target"), "write --hardware NAME (see `costcalc hardware`)"),
    "--hardware": "`costcalc analyze MODEL --hardware NAME` holds the memory to a device",
    **dict.fromkeys(("--precision", "--quantize"), "write --dtype int8 for weights, --act-dtype int8 for activations"),
    **dict.fromkeys(("--output-format", "--out-format"), "write --format json"),
}
"""What other tools call an option -> what to write."""


class Sections(click.Group):
    """A group whose help lists the commands by what they are for, and whose commands close with examples."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in alphabetical order."""
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name with its examples, its module imported; None where there is no such command. Then all
        are imported, for click looks for similar names among the commands that it holds."""
        for name in [cmd_name] if cmd_name in MODULES else MODULES:
            if name not in self.commands:
                self.add_command(getattr(import_module(f"costcalc.cli.commands.{MODULES[name]}"), name))
        command = super().get_command(ctx, cmd_name)
        if command is not None and (lines := EXAMPLES.get(cmd_name)):
            command.epilog = "\b\nExamples:\n" + "\n".join(f"  {_break_command(line)}" for line in lines)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Arguments -> the command and its arguments. A model in the place of a command is analysed; UsageError for a
        word that other tools use for a command of ours."""
        word = args[0] if args else ""
        if word and word not in MODULES:
            if command := OTHER_WORDS.get(word.lower()):
                if command == "models" and any("." in argument for argument in args[1:]):
                    command = "analyze"  # a file is in no list
                line = " ".join(["costcalc", command, *args[1:]])
                if command == "ops" and args[1:]:
                    line = " ".join(["costcalc analyze", *args[1:], "--by op"])
                raise UsageError(f"there is no command {word!r}", f"did you mean `{line}`?")
            if word.lower() in ("help", "version"):
                line = " ".join(["costcalc", *args[1:], f"--{word.lower()}"])
                raise UsageError(f"there is no command {word!r}", f"write `{line}`")
            if _is_model(word):
                if len(args) > 1 and args[1] in MODULES:
                    line = " ".join(["costcalc", args[1], word, *args[2:]])
                    raise UsageError(f"the command {args[1]!r} stands behind the model", f"write `{line}`")
                return "analyze", self.get_command(ctx, "analyze"), args
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One list for each section."""
        width = max(map(len, MODULES))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in commands.items()])


EXAMPLE_MARGIN = 6
"""Cells beside an example: four on its left, and ` \\` where it goes on."""


def _break_command(line: str) -> str:
    """A command line → the same, where the terminal is too narrow for it in several lines, as a shell takes them."""
    try:
        width = int(os.environ.get("COLUMNS", ""))
    except ValueError:
        width = os.get_terminal_size().columns if os.isatty(1) else len(line) + EXAMPLE_MARGIN
    lines = [""]
    for word in line.split(" "):
        if lines[-1] and len(f"{lines[-1]} {word}") > width - EXAMPLE_MARGIN:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return " \\\n    ".join(lines)


def _is_model(word: str) -> bool:
    """Whether a word is a file, looks like the path of one, or is a built-in name or the beginning of one."""
    from costcalc.frontends.builtin import find_builtin, find_family

    is_path = word == "-" or "/" in word or Path(word).suffix != "" or Path(word).exists()
    return not word.startswith("--") and (is_path or bool(find_builtin(word) or find_family(word)))


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Sections, context_settings=CONTEXT)
@click.version_option(__version__, message="costcalc %(version)s")
def cli() -> None:
    """What a neural network costs before anyone runs it: MACs, FLOPs, parameters and memory, layer by layer.

    MODEL is a file (.yaml, .onnx, .pt2, .tflite, .gguf), a Hugging Face folder or its config.json, or a built-in name
    (see `costcalc models`); - reads standard input. Begin with `costcalc analyze MODEL`; `costcalc COMMAND --help` ends
    with examples.
    """
