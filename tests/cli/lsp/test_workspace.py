"""The language server's answers without a client: speed after an edit, random edits, ranges and places in broken
text."""

import os
import random
import time
from pathlib import Path

import pytest
from support.paths import SPECS
from support.random_edits import edit

import costcalc
from costcalc.cli.lsp import completion, fixes, hover, outline
from costcalc.cli.lsp.context import cursor_context
from costcalc.cli.lsp.model import ModelDocument
from costcalc.cli.lsp.text import SourceText, TextPosition, map_line
from costcalc.cli.lsp.workspace import ConfigDocument, EditorWorkspace
from costcalc.studies.check.verdict import SourcePlace

BIG = "name: big\ninput: [N, 3, 32, 32]\nlayers:\n" + "".join(
    f"  - conv: {{filters: {16 + i % 5 * 8}, kernel: 3, pad: same}}\n  - relu\n" for i in range(500)
)


def test_diagnostics_after_an_edit_of_a_thousand_layers_take_two_analyses_at_most(tmp_path: Path) -> None:
    """On a machine of 2024 an analysis of this model takes 36 ms, and diagnostics with the limits of a config 55 ms."""
    (tmp_path / "costcalc.yaml").write_text("models: [big.yaml]\nlimits: {macs: 1M}\n")
    workspace, file = EditorWorkspace(), tmp_path / "big.yaml"
    edits, analyses = [], []
    for width in range(40, 50):
        text = BIG.replace("filters: 24", f"filters: {width}", 1)
        begin = time.process_time()
        document = workspace.update(file, text)
        assert document is not None
        assert [d.code for d in workspace.diagnose(document)] == ["CC001"]
        edits.append(time.process_time() - begin)
        begin = time.process_time()
        costcalc.analyze(text.encode())
        analyses.append(time.process_time() - begin)
    assert min(edits) < 3 * min(analyses)  # 1.5 as measured; a busy machine measures more


@pytest.mark.parametrize("seed", range(4))
def test_no_random_edit_breaks_an_answer(seed: int) -> None:
    """250 edits for each seed; after each, everything that an editor asks, at random places."""
    draw = random.Random(seed)
    specs = [path for path in sorted(SPECS.glob("*.yaml")) if path.stat().st_size < 4000]
    for _ in range(5):
        base = text = draw.choice(specs).read_text(encoding="utf-8")
        document = ModelDocument(Path("net.yaml"))
        workspace = EditorWorkspace()
        document.update(text)
        assert document.current is not None
        for _ in range(50):
            text = edit(base if draw.random() < 0.3 else text, draw)
            document.update(text)
            ask_everything(workspace, document, draw)


def ask_everything(workspace: EditorWorkspace, document: ModelDocument, draw: random.Random) -> None:
    diagnostics = workspace.diagnose(document)
    source = document.source
    assert bool(diagnostics) == (document.current is None)
    for diagnostic in diagnostics:
        place = source.range_of(diagnostic.place)
        assert 0 <= place.start.column <= place.end.column <= len(source.line(place.end.line))
    list(fixes.fixes_of(diagnostics, source, 0, 10**6))
    outline.outline(document)
    for _ in range(3):
        line = draw.randrange(len(source.lines) + 1)
        position = TextPosition(line, draw.randrange(len(source.line(line)) + 2))
        hover.hover_text(document, position)
        outline.definition(document, position)
        completion.complete_model(cursor_context(source.lines, position), document.roots())
    if document.current is not None:
        list(hover.hints(document.current, 0, 10**6))


@pytest.mark.parametrize(
    ("line", "column", "word"),
    [
        ("  - conv: {filters: 3}", 4, "conv"),
        ("  - conv: {filters: 3}", 10, "{filters: 3}"),
        ("  - conv: {filters: a + b, kernel: 3}", 20, "a + b"),
        ("name: 'a: b'  # c", 6, "'a: b'"),
        ("  - relu   # c", 4, "relu"),
        ("  - é😀: x", 4, "é😀"),
        ("short", 99, "short"),
    ],
)
def test_a_place_becomes_the_range_of_its_node(line: str, column: int, word: str) -> None:
    found = SourceText(line).range_of(SourcePlace("x", 1, column + 1))
    assert line[found.start.column : found.end.column] == word


def test_a_place_without_a_line_is_the_first_word() -> None:
    found = SourceText("\n# c\n  name: x\n").range_of(SourcePlace("x"))
    assert (found.start, found.end) == (TextPosition(2, 2), TextPosition(2, 6))


def test_lines_of_a_broken_text_are_found_in_the_last_whole_one() -> None:
    older = ["a", "b", "c", "d", "e"]
    newer = ["a", "b", "X", "Y", "d", "e"]
    assert [map_line(i, newer, older) for i in range(6)] == [0, 1, None, None, 3, 4]


CONTEXTS = {
    "layers:\n  - re|": (("layers", "[]"), "item"),
    "layers:\n  - conv: {filters: 3, ke|: 3}": (("layers", "[]", "conv"), "key"),
    "layers:\n  - conv: {filters: 3, pad: sa|": (("layers", "[]", "conv", "pad"), "value"),
    "layers:\n  - conv:\n      filters: 3\n      pa|": (("layers", "[]", "conv"), "key"),
    "layers:\n  - conv: {filters: 3}\n    a|": (("layers", "[]"), "key"),
    "name: x\npar|": ((), "key"),
    "layers:\n- relu\n- co|": (("layers", "[]"), "item"),
    "layers:\n  - repeat: {times: 3, layers: [conv: {fi|": (("layers", "[]", "repeat", "layers", "[]", "conv"), "key"),
    "layers:\n  - branches:\n      - - relu\n        - re|": (("layers", "[]", "branches", "[]", "[]"), "item"),
    "limits: {time: {t|": (("limits", "time"), "key"),
    "layers:\n  - relu # re|": (("layers", "[]"), "none"),
}


@pytest.mark.parametrize("text", CONTEXTS)
def test_what_may_stand_at_the_cursor(text: str) -> None:
    head = text[: text.index("|")]
    position = TextPosition(head.count("\n"), len(head.rpartition("\n")[2]))
    context = cursor_context(text.replace("|", "").split("\n"), position)
    path, role = CONTEXTS[text]
    assert context.role == role
    if role != "none":
        assert context.path == path


def test_folders_of_tools_are_not_walked_for_the_names_of_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("nets", ".git/objects", ".venv/lib", "node_modules/x"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "net.yaml").write_text("input: [N]\n")
    listed: list[str] = []
    scandir = os.scandir

    def record(path: str) -> object:
        listed.append(os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", record)
    names = EditorWorkspace().models_beside(ConfigDocument(tmp_path / "costcalc.yaml"))
    assert names == ["nets/net.yaml"]
    assert sorted(listed) == [str(tmp_path), str(tmp_path / "nets")]
