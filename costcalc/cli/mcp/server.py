"""costcalc's tools -> a server of the Model Context Protocol over standard input and output, by the official SDK."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

from costcalc.cli.mcp.confinement import install_audit_hook
from costcalc.cli.mcp.tools import TOOLS, CostTools
from costcalc.core.version import __version__
from costcalc.frontends.table import installed_frontends
from costcalc.ops.plugins import load_installed_rules

INSTRUCTIONS = (
    "costcalc says what a neural network costs before anyone runs it: MACs, FLOPs, parameters, memory, bounds on time. "
    "Figures are exact unless they are called a bound or an estimate; null is not known, and is never 0. A multiply-"
    "accumulate is one MAC and two FLOPs. Models are files below the server's root, or built-in ones (`models`). Start "
    "with `analyze`; bind open symbols with settings.dims. Nothing is written or executed."
)


def make_server(root: Path) -> MCPServer:
    """A folder -> the server whose tools read files below it."""
    server: MCPServer = MCPServer(
        "costcalc", title="costcalc", instructions=INSTRUCTIONS, version=__version__, log_level="ERROR"
    )
    tools = CostTools(root)
    annotations = ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    for name in TOOLS:
        server.add_tool(getattr(tools, name), name=name, annotations=annotations)
    return server


def serve(root: Path) -> None:
    """Serves one client over standard input and output until it closes them; paths are relative to the root."""
    root = Path(os.path.realpath(root))
    os.chdir(root)
    sys.dont_write_bytecode = True  # modules are imported when a tool first needs them, and a tool writes nothing
    load_installed_rules()
    installed_frontends()
    install_audit_hook()
    make_server(root).run("stdio")
