"""`costcalc server`: costcalc inside an editor (Language Server Protocol) or as tools (Model Context Protocol)."""

from __future__ import annotations

import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from costcalc.cli.output import print_error
from costcalc.cli.parameters import debug_option
from costcalc.core.errors import UsageError

PACKAGES = {"lsp": "pygls", "mcp": "mcp"}
"""A protocol, which is also the extra of its package -> the module of the package."""

COLLECTION_THRESHOLD = (50_000, 10, 10)
"""New objects between two collections: a graph of 1,000 nodes makes as many."""


@click.command()
@click.option("--lsp", "lsp", is_flag=True, help="The Language Server Protocol, for editors.")
@click.option("--mcp", "mcp", is_flag=True, help="The Model Context Protocol, for agents.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False),
    metavar="FOLDER",
    help="With --mcp: the folder outside of which no file is read; the working directory unless given.",
)
@debug_option
def server(lsp: bool, mcp: bool, root: str | None) -> None:
    """Serve one client over standard input and output.

    An editor or an agent starts this command by itself; the pages Editors and Agents of the documentation say how.
    """
    if lsp and mcp:
        raise UsageError("--lsp and --mcp are two protocols, and a server has one", "leave one out")
    protocol = "lsp" if lsp else "mcp"
    if not lsp and not mcp:
        raise UsageError("no protocol is named", "write --lsp for an editor, or --mcp for an agent")
    if root is not None and protocol == "lsp":
        raise UsageError("--root is for --mcp", "leave it out: an editor reads the files of its user")
    if find_spec(PACKAGES[protocol]) is None:
        raise UsageError(f"--{protocol} needs the package {PACKAGES[protocol]}", f"pip install 'costcalc[{protocol}]'")
    if sys.stdin is not None and sys.stdin.isatty():
        print_error("costcalc: this waits for the messages of an editor or an agent, which starts it; Ctrl-C ends it")
    gc.enable()  # the process lasts, unlike that of other commands
    gc.set_threshold(*COLLECTION_THRESHOLD)
    if protocol == "lsp":
        from costcalc.cli.lsp.server import serve

        serve()
    else:
        from costcalc.cli.mcp.server import serve as serve_tools

        serve_tools(Path(root or os.curdir).resolve())
