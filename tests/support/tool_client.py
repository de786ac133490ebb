"""The MCP SDK's own client of `costcalc server --mcp`, which runs as a process, over stdio."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any


class ToolCaller:
    """An open session: calls tools and keeps what they answer apart from what they refuse."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool; AssertionError where it is an error."""
        answer = await self.client.call_tool(name, arguments)
        assert not answer.is_error, answer.content[0].text
        assert answer.content[0].text
        assert len(answer.content[0].text) < 7_000
        return dict(answer.structured_content)

    async def refuse(self, name: str, **arguments: Any) -> str:
        """The text of a tool's error; AssertionError where it answers."""
        answer = await self.client.call_tool(name, arguments)
        assert answer.is_error, answer.structured_content
        return str(answer.content[0].text)


def run_tools(root: Path, session: Callable[[ToolCaller], Awaitable[None]]) -> None:
    """Starts the server with a root, runs a session, and ends both."""
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    async def run() -> None:
        command = ["-m", "costcalc", "server", "--mcp", "--root", str(root)]
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(root.parent / "bytecode")}  # nothing is compiled yet
        parameters = StdioServerParameters(command=sys.executable, args=command, env=environment)
        async with Client(parameters) as client:
            await session(ToolCaller(client))

    asyncio.run(run())
