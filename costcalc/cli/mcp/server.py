"""costcalc's tools -> a server of the Model Context Protocol over standard input and output, by the official SDK."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import ValidationError

from costcalc.cli.mcp.confinement import install_audit_hook
from costcalc.cli.mcp.inputs import SettingsInput
from costcalc.cli.mcp.tools import TOOLS, CostTools
from costcalc.core.errors import UsageError, did_you_mean
from costcalc.core.version import __version__
from costcalc.frontends.table import installed_frontends
from costcalc.ops.plugins import load_installed_rules

INSTRUCTIONS = (
    "costcalc says what a neural network costs before anyone runs it: MACs, FLOPs, parameters, memory, bounds on time. "
    "Figures are exact unless they are called a bound or an estimate; null is not known, and is never 0. A multiply-"
    "accumulate is one MAC and two FLOPs. Models are files below the server's root, or built-in ones (`models`). Start "
    "with `analyze`; bind open symbols with settings.dims. Nothing is written or executed."
)


class ToolServer(MCPServer):  # type: ignore[misc]  # the SDK's types are Any where it is not installed
    """The SDK's server; arguments that a tool does not know are refused, with fact and remedy like all others."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """A tool's name and arguments -> its answer. ToolError for an unknown argument, or a wrong value."""
        known = {tool.name: list(tool.input_schema.get("properties", ())) for tool in await self.list_tools()}
        for argument in arguments if name in known else ():
            if argument not in known[name]:
                raise ToolError(str(_unknown_argument((argument,), name, known[name])))
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            raise ToolError(str(_argument_error(error.__cause__, name))) from error


def _unknown_argument(path: Sequence[str], tool: str, known: Sequence[str]) -> UsageError:
    names = ", ".join(known) or "nothing"
    fact = f"{tool} has no argument {'.'.join(path)}"
    return UsageError(fact, did_you_mean(path[-1], known) or f"{'it takes' if len(path) == 1 else 'there are'} {names}")


def _argument_error(error: ValidationError, tool: str) -> UsageError:
    """The first thing that is wrong with the arguments of a tool -> the same as a fact and a remedy."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"] if part != "bool" and not str(part).endswith("Input")]
    if first["type"] == "extra_forbidden":
        fields: Any = SettingsInput.model_fields if len(path) == 2 else ()
        return _unknown_argument(path, tool, list(fields))
    if first["type"] == "missing":
        return UsageError(f"{tool} needs the argument {'.'.join(path)}", "give it")
    message = first["msg"]
    fact = f"{tool}: {'.'.join(path)}: {message[:1].lower()}{message[1:]}"
    return UsageError(fact, f"the input schema of {tool} says what it takes")


def make_server(root: Path) -> MCPServer:
    """A folder -> the server whose tools read files below it."""
    server = ToolServer("costcalc", title="costcalc", instructions=INSTRUCTIONS, version=__version__, log_level="ERROR")
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
