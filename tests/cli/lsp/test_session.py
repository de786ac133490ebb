"""`costcalc server --lsp` as an editor uses it: pygls's own client, over stdio."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.language_client import Editor, run_session

pytest.importorskip("pygls", reason="the extra `lsp` is not installed")

NET = """name: tiny
params: {width: 5}
input: [N, 3, 4, 4]
blocks:
  unit:
    args: {filters: , stride: 1}
    layers:
      - conv: {filters: filters, kernel: 3, stride: stride, pad: same}
      - relu
layers:
  - conv: {filters: width, kernel: 3, pad: same, bias: false, as: stem}   # é😀
  - relu
  - unit: {filters: 8}
  - unit: {filters: 16}
  - add: {from: [unit2, unit2]}
"""
STEM = 3 * 3 * 3 * 4 * 4 * 5  # #filter params × #filter positions × #filters

BIG = "name: big\ninput: [N, 3, 32, 32]\nlayers:\n" + "".join(
    f"  - conv: {{filters: {16 + i % 5 * 8}, kernel: 3, pad: same}}\n  - relu\n" for i in range(500)
)
"""A model of 1,000 layers."""


def test_an_editor_reads_hovers_and_mends_a_model(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        assert await editor.open("net.yaml", NET) == []
        text = await editor.hover("net.yaml", "conv: {filters: width")
        assert "27 × 16 × 5 = 2,160" in text
        assert await editor.hover("net.yaml", "kernel: 3, pad: same, bias") != ""
        (wrong,) = await editor.edit("net.yaml", NET.replace("kernel: 3, pad: same, bias", "kernl: 3, pad: same, bias"))
        assert wrong.code == "SpecError"
        assert "did you mean 'kernel'?" in wrong.message
        assert wrong.range.start == editor.position("net.yaml", "kernl")
        assert wrong.range.end == editor.position("net.yaml", "kernl", len("kernl"))
        assert "MACs" in await editor.hover("net.yaml", "unit: {filters: 8}")  # of the last text without errors
        (fix,) = await editor.actions("net.yaml", "kernl")
        assert fix.title == "Replace 'kernl' by 'kernel'"
        assert await editor.apply("net.yaml", fix) == []
        assert editor.texts["net.yaml"] == NET

    run_session(tmp_path, session)


def test_a_limit_of_the_config_is_told_at_its_layer_as_the_editor_has_both(tmp_path: Path) -> None:
    (tmp_path / "costcalc.yaml").write_text(f"models: [net.yaml]\nlimits: {{macs: {STEM}}}\n")

    async def session(editor: Editor) -> None:
        (broken,) = await editor.open("net.yaml", NET)
        assert broken.code == "CC001"
        assert broken.severity == editor.types.DiagnosticSeverity.Error
        (related,) = broken.related_information
        assert related.location.uri == editor.uri("costcalc.yaml")
        assert related.location.range.start.line == 1
        small = NET[: NET.index("  - relu\n  - unit")]
        assert await editor.edit("net.yaml", small) == []
        config = f"models: [net.yaml]\nlimits: {{macs: {STEM - 1}}}\n"
        await editor.open("costcalc.yaml", config)  # not saved: what counts is the editor's text
        assert [d.code for d in await editor.edit("net.yaml", small + "# edited\n")] == ["CC001"]

    run_session(tmp_path, session)


def test_a_config_tells_all_its_errors_and_knows_quantities_and_devices(tmp_path: Path) -> None:
    text = "models: [net.yaml]\nlimits:\n  mcas: 1M\n  params: lots\n"

    async def session(editor: Editor) -> None:
        found = await editor.open("costcalc.yaml", text)
        assert [d.range.start.line for d in found] == [2, 3]
        assert "learned values" in (await editor.hover("costcalc.yaml", "params")).lower()
        actions = await editor.actions("costcalc.yaml", "mcas")
        assert [a.title for a in actions] == ["Replace 'mcas' by 'macs'"]
        labels = [item.label for item in await editor.completions("costcalc.yaml", "mcas", 0)]
        assert {"macs", "params", "time", "fits"} <= set(labels)
        await editor.edit("costcalc.yaml", "models: [net.yaml]\nlimits: {time: {t}}\n")
        labels = [item.label for item in await editor.completions("costcalc.yaml", "{t}", 1)]
        assert "t4" in labels

    run_session(tmp_path, session)


def test_words_options_values_and_names_are_completed(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.open("net.yaml", NET)

        async def labels(mark: str, offset: int) -> set[str]:
            return {item.label for item in await editor.completions("net.yaml", mark, offset)}

        assert {"conv", "residual", "unit", "Conv"} <= await labels("- relu\n  - unit", 2)
        assert {"kernel", "pad", "as"} <= await labels("bias: false", 0)
        assert {"same", "valid"} <= await labels("same, bias", 0)
        assert {"width"} <= await labels("width, kernel", 0)
        assert {"filters", "stride"} <= await labels("filters, kernel", 0)  # arguments of the block around it
        assert {"filters", "stride"} <= await labels("filters: 8", 0)  # of the block that is used
        assert {"stem", "input"} <= await labels("unit2, unit2", 0)
        assert {"params", "layers"} <= await labels("name: tiny", 0)

    run_session(tmp_path, session)


def test_hints_outline_and_definitions(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        types, client = editor.types, editor.client
        await editor.open("net.yaml", NET)
        whole = types.Range(types.Position(0, 0), types.Position(99, 0))
        hints = await client.text_document_inlay_hint_async(types.InlayHintParams(editor.identifier("net.yaml"), whole))
        by_line = {hint.position.line: hint.label for hint in hints}
        assert by_line[10] == "2.16 k MACs · 135 params"
        assert by_line[7].endswith("in 2 uses")
        assert hints[0].position.character == len(NET.split("\n")[hints[0].position.line])
        stem = next(hint for hint in hints if hint.position.line == 10)
        assert stem.position.character == len(NET.split("\n")[10].encode("utf-16-le")) // 2  # 😀 is two units
        params = types.DocumentSymbolParams(editor.identifier("net.yaml"))
        symbols = {s.name: s for s in await client.text_document_document_symbol_async(params)}
        assert list(symbols) == ["params", "input", "blocks", "layers"]
        assert symbols["layers"].children[0].name == "stem (conv)"
        for mark, line in {"unit: {filters: 8}": 4, "width, kernel": 1, "filters, kernel": 5}.items():
            place = types.DefinitionParams(editor.identifier("net.yaml"), editor.position("net.yaml", mark))
            found: Any = await client.text_document_definition_async(place)
            assert found.range.start.line == line

    run_session(tmp_path, session)


def test_a_rewrite_is_an_edit_of_the_text(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.open("big.yaml", BIG)
        actions = await editor.actions("big.yaml", "conv: {filters: 24")
        (separable,) = [a for a in actions if a.title.startswith("depthwise-separable")]
        assert separable.kind == "refactor.rewrite"
        assert await editor.apply("big.yaml", separable) == []
        line = editor.texts["big.yaml"].split("\n")[5]
        assert line == "  - depthwise_conv: {kernel: 3, pad: same}"
        assert "pointwise_conv: {filters: 24" in editor.texts["big.yaml"]

    run_session(tmp_path, session)


def test_a_thousand_layers_are_edited_over_stdio(tmp_path: Path) -> None:
    (tmp_path / "costcalc.yaml").write_text("models: [big.yaml]\nlimits: {macs: 1M}\n")

    async def session(editor: Editor) -> None:
        await editor.open("big.yaml", BIG)
        for width in range(40, 60):
            begin = time.perf_counter()
            (found,) = await editor.edit("big.yaml", BIG.replace("filters: 24", f"filters: {width}", 1))
            assert found.code == "CC001"
            assert time.perf_counter() - begin < 10

    run_session(tmp_path, session)


def test_other_yaml_files_are_left_alone(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        item = editor.types.TextDocumentItem(editor.uri("k8s.yaml"), "yaml", 1, "apiVersion: v1\nkind: Pod\n")
        editor.client.text_document_did_open(editor.types.DidOpenTextDocumentParams(item))
        await editor.open("net.yaml", NET)
        assert {uri for uri, _ in editor.published} == {editor.uri("net.yaml")}

    run_session(tmp_path, session)


def test_what_is_not_saved_counts(tmp_path: Path) -> None:
    """A config that no file holds yet, a model without a file, and a config that is opened tells what its models break."""
    (tmp_path / "net.yaml").write_text(NET)

    async def session(editor: Editor) -> None:
        table = "[tool.costcalc]\nmodels = ['net.yaml']\n[tool.costcalc.limits]\nmacs = '1k'\n"
        assert await editor.open("pyproject.toml", table) == []
        assert [d.code for d in await editor.open("net.yaml", NET)] == ["CC001"]
        for _ in range(100):
            found = editor.published[editor.uri("pyproject.toml"), 1]
            if found:
                break
            await editor.hover("net.yaml", "relu")
        assert [(d.code, d.range.start.line) for d in found] == [("CC001", 3)]
        wrong = await editor.edit("pyproject.toml", table.replace("macs", "mcas"))
        assert [d.range.start.line for d in wrong] == [3]

    run_session(tmp_path, session)


def test_a_slow_model_is_analysed_when_typing_pauses_or_something_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsprotocol import types
    from pygls.workspace import PositionCodec, TextDocument

    from costcalc.cli.lsp import server

    monkeypatch.setattr(server, "SLOW_SECONDS", 0.0)  # every model is slow, on any machine
    uri = (tmp_path / "net.yaml").as_uri()
    documents: dict[str, TextDocument] = {}
    published: list[Any] = []
    workspace = SimpleNamespace(
        text_documents=documents, get_text_document=documents.__getitem__, position_codec=PositionCodec()
    )
    session = server.CostServer(
        cast("Any", SimpleNamespace(workspace=workspace, text_document_publish_diagnostics=published.append))
    )

    def type_text(version: int) -> None:
        documents[uri] = TextDocument(uri, NET + f"  - linear: {{units: {version}}}\n", version)
        identifier = types.VersionedTextDocumentIdentifier(version, uri)
        session.change(types.DidChangeTextDocumentParams(identifier, []))

    async def type_and_ask() -> None:
        documents[uri] = TextDocument(uri, NET, 1)
        session.open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "yaml", 1, NET)))
        for version in range(2, 8):
            type_text(version)
        assert [item.version for item in published] == [1]
        place = types.Position(NET.count("\n"), 6)
        answer = session.hover(types.HoverParams(types.TextDocumentIdentifier(uri), place))
        assert answer is not None
        assert "7" in answer.contents.value
        assert [item.version for item in published] == [1, 7]
        type_text(8)
        type_text(9)
        deadline = time.monotonic() + 30
        while len(published) < 3 and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert [item.version for item in published] == [1, 7, 9]

    asyncio.run(type_and_ask())


def test_what_a_config_leaves_out_or_a_text_ignores_is_not_told(tmp_path: Path) -> None:
    config = (
        "models: ['*.yaml']\nexclude: [left.yaml]\nlimits: {macs: 1k}\nignore:\n  - {code: CC001, model: known.yaml}\n"
    )
    (tmp_path / "costcalc.yaml").write_text(config)

    async def session(editor: Editor) -> None:
        assert [d.code for d in await editor.open("net.yaml", NET)] == ["CC001"]
        assert await editor.edit("net.yaml", f"# costcalc: ignore CC001: known\n{NET}") == []
        assert [d.code for d in await editor.edit("net.yaml", NET)] == ["CC001"]
        assert await editor.open("left.yaml", NET) == []
        assert await editor.open("known.yaml", NET) == []

    run_session(tmp_path, session)


def test_two_saves_neither_double_nor_lose_diagnostics(tmp_path: Path) -> None:
    """A second save cancels the check that the first began; what was told stands until that has ended."""
    from lsprotocol import types
    from pygls.workspace import PositionCodec, TextDocument

    from costcalc.cli.lsp import server

    config = "models: [net.yaml, other.yaml]\nlimits: {macs: 1}\n"
    texts = {"costcalc.yaml": config, "net.yaml": NET, "other.yaml": NET}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    uris = {name: (tmp_path / name).as_uri() for name in texts}
    documents = {uris[name]: TextDocument(uris[name], text, 1) for name, text in texts.items()}
    published: list[Any] = []
    workspace = SimpleNamespace(
        text_documents=documents, get_text_document=documents.__getitem__, position_codec=PositionCodec()
    )
    session = server.CostServer(
        cast("Any", SimpleNamespace(workspace=workspace, text_document_publish_diagnostics=published.append))
    )

    def of_config() -> list[list[str]]:
        return [[d.message for d in item.diagnostics] for item in published if item.uri == uris["costcalc.yaml"]]

    async def settle() -> None:
        while session.tasks:
            await asyncio.sleep(0.01)

    async def save_twice() -> None:
        for name in ("costcalc.yaml", "net.yaml"):
            session.open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uris[name], "yaml", 1, texts[name])))
        await settle()
        first = of_config()[-1]
        assert len(first) == 2 == len(set(first)), "one for each model"
        for names in (("net.yaml", "net.yaml"), ("costcalc.yaml", "costcalc.yaml"), ("costcalc.yaml", "net.yaml")):
            published.clear()
            session.save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uris[names[0]])))
            await asyncio.sleep(0)
            session.save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uris[names[1]])))
            await settle()
            told = of_config()
            assert told
            assert all(one == first for one in told), names
            of_model = [item.diagnostics for item in published if item.uri == uris["net.yaml"]]
            assert all(len(one) == 1 for one in of_model)

    asyncio.run(save_twice())
