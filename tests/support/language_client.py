"""A scripted editor: pygls's client of a language server that runs as a process, over stdio."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

TIMEOUT = 60


class Editor:
    """An open session. Each edit sends the whole text and waits for the diagnostics of that version."""

    def __init__(self, client: Any, types: Any, folder: Path) -> None:
        self.client, self.types, self.folder = client, types, folder
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.published: dict[tuple[str, int | None], list[Any]] = {}
        self.arrived = asyncio.Event()

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def identifier(self, name: str) -> Any:
        return self.types.TextDocumentIdentifier(self.uri(name))

    def receive(self, params: Any) -> None:
        """Notes published diagnostics."""
        self.published[params.uri, params.version] = list(params.diagnostics)
        self.arrived.set()

    async def diagnostics(self, name: str) -> list[Any]:
        """The diagnostics of a file's present version, once they are there."""
        key = self.uri(name), self.versions[name]
        while key not in self.published:
            self.arrived.clear()
            await asyncio.wait_for(self.arrived.wait(), TIMEOUT)
        return self.published[key]

    async def open(self, name: str, text: str) -> list[Any]:
        """Opens a text; its diagnostics."""
        self.texts[name], self.versions[name] = text, 1
        item = self.types.TextDocumentItem(self.uri(name), "yaml", 1, text)
        self.client.text_document_did_open(self.types.DidOpenTextDocumentParams(item))
        return await self.diagnostics(name)

    async def edit(self, name: str, text: str) -> list[Any]:
        """Replaces a text; its diagnostics."""
        self.texts[name] = text
        self.versions[name] += 1
        identifier = self.types.VersionedTextDocumentIdentifier(self.versions[name], self.uri(name))
        change = self.types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(self.types.DidChangeTextDocumentParams(identifier, [change]))
        return await self.diagnostics(name)

    def position(self, name: str, mark: str, offset: int = 0) -> Any:
        """The position where a mark begins in a text."""
        index = self.texts[name].index(mark) + offset
        head = self.texts[name][:index]
        line = head.rpartition("\n")[2]
        return self.types.Position(head.count("\n"), len(line.encode("utf-16-le")) // 2)

    async def hover(self, name: str, mark: str, offset: int = 0) -> str:
        """The Markdown at a mark."""
        params = self.types.HoverParams(self.identifier(name), self.position(name, mark, offset))
        answer = await asyncio.wait_for(self.client.text_document_hover_async(params), TIMEOUT)
        return "" if answer is None else str(answer.contents.value)

    async def completions(self, name: str, mark: str, offset: int) -> list[Any]:
        """The words behind a mark."""
        params = self.types.CompletionParams(self.identifier(name), self.position(name, mark, offset))
        answer = await asyncio.wait_for(self.client.text_document_completion_async(params), TIMEOUT)
        return list(answer.items)

    async def actions(self, name: str, mark: str) -> list[Any]:
        """The code actions at a mark."""
        place = self.position(name, mark)
        context = self.types.CodeActionContext([])
        params = self.types.CodeActionParams(self.identifier(name), self.types.Range(place, place), context)
        return list(await asyncio.wait_for(self.client.text_document_code_action_async(params), TIMEOUT))

    async def apply(self, name: str, action: Any) -> list[Any]:
        """Applies the edits of a code action; the diagnostics of the new text."""
        text = self.texts[name]
        lines = text.split("\n")
        starts = [sum(len(line) + 1 for line in lines[:i]) for i in range(len(lines) + 1)]
        edits = sorted(action.edit.changes[self.uri(name)], key=lambda e: (e.range.start.line, e.range.start.character))
        for edit in reversed(edits):
            start, end = (starts[p.line] + p.character for p in (edit.range.start, edit.range.end))
            text = text[:start] + edit.new_text + text[end:]
        return await self.edit(name, text)


def run_session(folder: Path, session: Callable[[Editor], Awaitable[None]], **capabilities: Any) -> None:
    """Starts the server, runs a session, and ends both; the server's exit code is 0."""
    from lsprotocol import types
    from pygls.lsp.client import LanguageClient

    async def run() -> None:
        client = LanguageClient("tests", "1")
        editor = Editor(client, types, folder)
        client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: editor.receive(params))
        await client.start_io(sys.executable, "-m", "costcalc", "server", "--lsp", cwd=folder, env=dict(os.environ))
        parameters = types.InitializeParams(
            capabilities=types.ClientCapabilities(**capabilities), process_id=os.getpid(), root_uri=folder.as_uri()
        )
        await asyncio.wait_for(client.initialize_async(parameters), TIMEOUT)
        client.initialized(types.InitializedParams())
        await session(editor)
        await asyncio.wait_for(client.shutdown_async(None), TIMEOUT)
        client.exit(None)
        process = client._server
        assert process is None or await asyncio.wait_for(process.wait(), TIMEOUT) == 0

    asyncio.run(run())
