"""Messages of the Language Server Protocol -> the workspace's answers, over standard input and output (pygls)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from costcalc.cli.lsp import completion, fixes, hover, outline
from costcalc.cli.lsp.context import cursor_context
from costcalc.cli.lsp.model import ModelDocument
from costcalc.cli.lsp.text import SourceText, TextPosition, TextRange
from costcalc.cli.lsp.workspace import ConfigDocument, EditorWorkspace
from costcalc.core.errors import CostcalcError, crash_message
from costcalc.core.version import __version__
from costcalc.studies.check.diagnostic import Diagnostic
from costcalc.studies.check.verdict import SourcePlace

SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}

SYMBOL_KINDS = {
    "namespace": types.SymbolKind.Namespace,
    "variable": types.SymbolKind.Variable,
    "interface": types.SymbolKind.Interface,
    "class": types.SymbolKind.Class,
    "function": types.SymbolKind.Function,
}

COMPLETION_KINDS = {
    "key": types.CompletionItemKind.Property,
    "layer": types.CompletionItemKind.Function,
    "value": types.CompletionItemKind.EnumMember,
    "name": types.CompletionItemKind.Variable,
    "block": types.CompletionItemKind.Class,
}

SLOW_SECONDS = 0.1
"""An analysis that takes longer is not made for every letter that is typed."""

PAUSE_SECONDS = 0.25
"""How long no edit follows before a slow analysis is made."""

MAX_REWRITTEN_NODES = 2_000
"""Nodes of the largest model whose rewrites are looked for: an editor asks with each move of the cursor."""

Document = ModelDocument | ConfigDocument


class CostServer:
    """The answers of one session: its documents, and the diagnostics that it has published last by file."""

    def __init__(self, server: LanguageServer) -> None:
        self.server = server
        self.workspace = EditorWorkspace()
        self.published: dict[Path, tuple[Diagnostic, ...]] = {}
        self.tasks: dict[Path, asyncio.Task[None]] = {}
        self.seconds: dict[str, float] = {}
        self.timers: dict[str, asyncio.TimerHandle] = {}

    def open(self, params: types.DidOpenTextDocumentParams) -> None:
        """A document that was opened."""
        document = self._update(params.text_document.uri)
        if isinstance(document, ConfigDocument):
            self._check_config(document)

    def change(self, params: types.DidChangeTextDocumentParams) -> None:
        """A document that was edited. One whose last analysis took long is analysed when no edit follows for a while,
        or when something is asked about it."""
        uri = params.text_document.uri
        if self.seconds.get(uri, 0) < SLOW_SECONDS:
            self._update(uri)
            return
        self._drop_timer(uri)
        self.timers[uri] = asyncio.get_running_loop().call_later(PAUSE_SECONDS, _safely(self._update, None), uri)

    def _drop_timer(self, uri: str) -> bool:
        """Whether an analysis was to be made later, which is not any more."""
        timer = self.timers.pop(uri, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def save(self, params: types.DidSaveTextDocumentParams) -> None:
        """A document that was saved: limits are shown anew in the configs that are open."""
        self._update(params.text_document.uri)
        for document in list(self.workspace.configs.values()):
            self._check_config(document)

    def close(self, params: types.DidCloseTextDocumentParams) -> None:
        """A document that was closed."""
        self._drop_timer(params.text_document.uri)
        self.seconds.pop(params.text_document.uri, None)
        file = _path_of(params.text_document.uri)
        self._cancel_check(file)
        self.workspace.close(file)
        self.published.pop(file, None)
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(params.text_document.uri, []))

    def _update(self, uri: str) -> Document | None:
        self._drop_timer(uri)
        file, text = _path_of(uri), str(self.server.workspace.get_text_document(uri).source)
        begin = perf_counter()
        document = self.workspace.update(file, text)
        if document is None:
            return None
        self._publish(document)
        self.seconds[uri] = perf_counter() - begin
        if isinstance(document, ConfigDocument):
            for model in self.workspace.models.values():
                self._publish(model)
        return document

    def _check_config(self, document: ConfigDocument) -> None:
        """Begins to check the models of a config, in the place of a check of it that has not ended; edits are answered
        between two of them."""
        self._cancel_check(document.file)

        async def check() -> None:
            for _ in self.workspace.check_config(document):
                if self.workspace.configs.get(document.file) is not document:
                    return
                await asyncio.sleep(0)
            self._publish(document)

        task = asyncio.get_running_loop().create_task(check())
        self.tasks[document.file] = task
        task.add_done_callback(self._end_task)

    def _cancel_check(self, file: Path) -> None:
        task = self.tasks.pop(file, None)
        if task is not None:
            task.cancel()

    def _end_task(self, task: asyncio.Task[None]) -> None:
        self.tasks = {file: other for file, other in self.tasks.items() if other is not task}
        if not task.cancelled() and (error := task.exception()) is not None:
            logging.getLogger(__name__).error(crash_message(error), exc_info=error)  # type: ignore[arg-type]

    def _publish(self, document: Document) -> None:
        """Sends the diagnostics of a document."""
        diagnostics = self.workspace.diagnose(document)
        self.published[document.file] = diagnostics
        uri, version = _uri_of(document.file), None
        for known_uri, known in self.server.workspace.text_documents.items():
            if _path_of(known_uri) == document.file:
                uri, version = known_uri, known.version
        items = [self._diagnostic(d, document.source) for d in diagnostics]
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, items, version))

    def _diagnostic(self, diagnostic: Diagnostic, source: SourceText) -> types.Diagnostic:
        place = diagnostic.limit_place
        related = None if place is None or not place.line else [_related(place)]
        return types.Diagnostic(
            range=self._range(source.range_of(diagnostic.place), source),
            message=diagnostic.message,
            severity=SEVERITIES[diagnostic.severity],
            code=diagnostic.code,
            source="costcalc",
            related_information=related,
        )

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """The working of the layer at a position, or the meaning of a config's key."""
        document = self._document(params.text_document.uri)
        if document is None:
            return None
        position = self._position(params.position, document.source)
        if isinstance(document, ConfigDocument):
            text = hover.quantity_text(document.source.word_at(position)[0])
        else:
            text = hover.hover_text(document, position)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None

    def inlay_hints(self, params: types.InlayHintParams) -> list[types.InlayHint]:
        """The cost of each line that begins a layer; none while the text has an error."""
        document = self._document(params.text_document.uri)
        model = document.current if isinstance(document, ModelDocument) else None
        if model is None:
            return []
        first, last = params.range.start.line, params.range.end.line
        return [
            types.InlayHint(self._client_position(place, model.source), text, padding_left=True)
            for place, text in hover.hints(model, first, last)
        ]

    def complete(self, params: types.CompletionParams) -> types.CompletionList:
        """The words that may stand at a position."""
        document = self._document(params.text_document.uri)
        if document is None:
            return types.CompletionList(is_incomplete=False, items=[])
        source = document.source
        context = cursor_context(source.lines, self._position(params.position, source))
        if context.role == "none":
            words: Sequence[completion.CompletionWord] = ()
        elif isinstance(document, ConfigDocument):
            is_yaml = document.file.suffix != ".toml"
            words = completion.complete_config(context, self.workspace.models_beside(document)) if is_yaml else ()
        else:
            words = completion.complete_model(context, document.roots())
        word_range = self._range(context.range, source)
        items = [self._completion_item(word, word_range) for word in words]
        return types.CompletionList(is_incomplete=False, items=items)

    def _completion_item(self, word: completion.CompletionWord, word_range: types.Range) -> types.CompletionItem:
        is_snippet = bool(word.snippet) and self._takes_snippets()
        form = types.InsertTextFormat.Snippet if is_snippet else types.InsertTextFormat.PlainText
        return types.CompletionItem(
            label=word.label,
            kind=COMPLETION_KINDS[word.kind],
            detail=word.detail or None,
            insert_text_format=form,
            text_edit=types.TextEdit(word_range, word.snippet if is_snippet else word.text),
        )

    def _takes_snippets(self) -> bool:
        capabilities = self.server.client_capabilities.text_document
        item = capabilities and capabilities.completion and capabilities.completion.completion_item
        return bool(item and item.snippet_support)

    def code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """The corrections of misspelt words, and the rewrites of the layers that a selection touches."""
        document = self._document(params.text_document.uri)
        if document is None:
            return []
        uri, source = params.text_document.uri, document.source
        first, last = params.range.start.line, params.range.end.line
        actions = [
            self._code_action(uri, fix, source, types.CodeActionKind.QuickFix, self._diagnostic(diagnostic, source))
            for diagnostic, fix in fixes.fixes_of(self.published.get(document.file, ()), source, first, last)
        ]
        model = document.current if isinstance(document, ModelDocument) else None
        wanted = params.context.only
        nodes = 0 if model is None else len(model.trace.graph.nodes)
        if model is None or nodes > MAX_REWRITTEN_NODES or not _wants_rewrites(wanted):
            return actions
        try:
            kind = types.CodeActionKind.RefactorRewrite
            actions += [self._code_action(uri, fix, source, kind) for fix in fixes.rewrites(model, first, last)]
        except CostcalcError as error:
            logging.getLogger(__name__).info("no rewrites: %s", error)
        return actions

    def _code_action(
        self,
        uri: str,
        fix: fixes.Fix,
        source: SourceText,
        kind: types.CodeActionKind,
        diagnostic: types.Diagnostic | None = None,
    ) -> types.CodeAction:
        edits = [types.TextEdit(self._range(edit.range, source), edit.text) for edit in fix.edits]
        return types.CodeAction(
            title=fix.title,
            kind=kind,
            diagnostics=None if diagnostic is None else [diagnostic],
            edit=types.WorkspaceEdit(changes={uri: edits}),
            is_preferred=fix.is_preferred or None,
        )

    def symbols(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        """The outline of a model."""
        document = self._document(params.text_document.uri)
        if not isinstance(document, ModelDocument):
            return []
        return [self._symbol(entry, document.source) for entry in outline.outline(document)]

    def _symbol(self, entry: outline.OutlineEntry, source: SourceText) -> types.DocumentSymbol:
        children = [self._symbol(child, source) for child in entry.children]
        selection = self._range(entry.range, source)
        end = max([selection.end, *(child.range.end for child in children)], key=lambda p: (p.line, p.character))
        return types.DocumentSymbol(
            name=entry.name,
            kind=SYMBOL_KINDS[entry.kind],
            range=types.Range(selection.start, end),
            selection_range=selection,
            children=children,
        )

    def definition(self, params: types.DefinitionParams) -> types.Location | None:
        """Where the word at a position is defined."""
        document = self._document(params.text_document.uri)
        if not isinstance(document, ModelDocument):
            return None
        found = outline.definition(document, self._position(params.position, document.source))
        return None if found is None else types.Location(params.text_document.uri, self._range(found, document.source))

    def _document(self, uri: str) -> Document | None:
        """The document of a URI, as the editor has it now."""
        if uri in self.timers:
            self._update(uri)
        file = _path_of(uri)
        return self.workspace.models.get(file) or self.workspace.configs.get(file)

    def _position(self, position: types.Position, source: SourceText) -> TextPosition:
        """A position in the client's units -> one in characters; behind the end of a line, its end."""
        line = source.line(position.line)
        column, units = 0, 0
        count = self.server.workspace.position_codec.client_num_units
        while column < len(line) and units < position.character:
            units += count(line[column])
            column += 1
        return TextPosition(position.line, column)

    def _client_position(self, position: TextPosition, source: SourceText) -> types.Position:
        head = source.line(position.line)[: position.column]
        return types.Position(position.line, self.server.workspace.position_codec.client_num_units(head))

    def _range(self, place: TextRange, source: SourceText) -> types.Range:
        return types.Range(self._client_position(place.start, source), self._client_position(place.end, source))


def _wants_rewrites(kinds: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether a client that asks for these kinds of code actions (None: for all) shows rewrites."""
    names = [kind.value if isinstance(kind, types.CodeActionKind) else kind for kind in kinds or ()]
    return kinds is None or any("refactor.rewrite".startswith(name) for name in names)


def _related(place: SourcePlace) -> types.DiagnosticRelatedInformation:
    start = types.Position(place.line - 1, max(place.column - 1, 0))
    location = types.Location(_uri_of(Path(place.file).resolve()), types.Range(start, start))
    return types.DiagnosticRelatedInformation(location, "the limit is set here")


def _path_of(uri: str) -> Path:
    """The file of a URI; of one that is no file (an unsaved text) a path that does not exist."""
    path = to_fs_path(uri)
    return Path(path).resolve() if path else Path("/nowhere") / uri.replace("/", "_").replace(":", "_")


def _uri_of(file: Path) -> str:
    return from_fs_path(str(file)) or file.as_uri()


def _safely(answer: Callable[[Any], Any], empty: Any) -> Callable[[Any], Any]:
    """A handler -> the same; a crash of costcalc's own is logged and gives an empty answer, so that the session
    lasts."""

    def handle(params: Any) -> Any:
        try:
            return answer(params)
        except Exception as error:
            logging.getLogger(__name__).exception(crash_message(error))
            return empty

    return handle


def make_server() -> LanguageServer:
    """The language server with all its features."""
    # Whole texts, not changes: what counts as the end of a line differs between YAML, editors and pygls.
    server = LanguageServer("costcalc", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
    session = CostServer(server)
    features: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
        types.TEXT_DOCUMENT_DID_OPEN: (session.open, None, None),
        types.TEXT_DOCUMENT_DID_CHANGE: (session.change, None, None),
        types.TEXT_DOCUMENT_DID_SAVE: (session.save, None, None),
        types.TEXT_DOCUMENT_DID_CLOSE: (session.close, None, None),
        types.TEXT_DOCUMENT_HOVER: (session.hover, None, None),
        types.TEXT_DOCUMENT_INLAY_HINT: (session.inlay_hints, [], None),
        types.TEXT_DOCUMENT_COMPLETION: (
            session.complete,
            types.CompletionList(is_incomplete=False, items=[]),
            types.CompletionOptions(trigger_characters=[" ", "{", "[", ",", "-"]),
        ),
        types.TEXT_DOCUMENT_CODE_ACTION: (
            session.code_actions,
            [],
            types.CodeActionOptions([types.CodeActionKind.QuickFix, types.CodeActionKind.RefactorRewrite]),
        ),
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (session.symbols, [], None),
        types.TEXT_DOCUMENT_DEFINITION: (session.definition, None, None),
    }
    for name, (handler, empty, options) in features.items():
        server.feature(name, options)(_safely(handler, empty))
    return server


def serve() -> None:
    """Serves one editor over standard input and output until it ends the session."""
    make_server().start_io()
