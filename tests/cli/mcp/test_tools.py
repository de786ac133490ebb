"""`costcalc server --mcp` as an agent uses it: the SDK's own client lists and calls every tool, over stdio."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.repository import begin, commit, needs_git
from support.tool_client import ToolCaller, run_tools

import costcalc
from costcalc.core.errors import UsageError

pytest.importorskip("mcp", reason="the extra `mcp` is not installed")

from costcalc.cli.mcp.outputs import MAX_BYTES, bounded

NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, pad: same}\n  - relu\n"
MACS = 4 * 8 * 8 * 3 * 3 * 3

CALLS: dict[str, dict[str, Any]] = {
    "analyze": {"model": "net.yaml", "settings": {"dims": {"N": 2}, "dtype": "int8", "devices": ["t4"]}},
    "compare": {"models": ["net.yaml", "lenet5"]},
    "explain": {"model": "net.yaml", "layer": "conv"},
    "memory": {"model": "net.yaml", "settings": {"execution": {"fuse": True, "align": 16}}},
    "check": {},
    "diff": {"before": "net.yaml", "after": "lenet5"},
    "suggest": {"model": "vgg16", "rules": ["separable"]},
    "sweep": {"model": "mobilenet", "params": {"alpha": [0.5, 1]}, "dims": {"N": "1:2"}},
    "reconcile": {"model": "resnet18", "tools": ["thop"]},
    "generation": {"model": "gpt2", "settings": {"devices": ["t4"], "generation": {"prompt": 16, "generate": 4}}},
    "devices": {"kind": "gpu"},
    "models": {},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "net.yaml").write_text(NET)
    (folder / "costcalc.yaml").write_text(f"models: [net.yaml]\nlimits: {{macs: {MACS - 1}}}\n")
    return folder


def test_every_tool_is_listed_read_only_and_answers_as_its_schema_says(root: Path) -> None:
    async def session(tools: ToolCaller) -> None:
        listed = {tool.name: tool for tool in (await tools.client.list_tools()).tools}
        assert listed.keys() == CALLS.keys()
        for name, arguments in CALLS.items():
            tool = listed[name]
            assert tool.annotations.read_only_hint
            assert not tool.annotations.open_world_hint
            assert tool.description
            answer = await tools.call(name, **arguments)
            jsonschema.validate(answer, tool.output_schema)
            assert len(json.dumps(answer)) < 70_000
        assert len(json.dumps([tool.model_dump() for tool in listed.values()])) < 40_000

    run_tools(root, session)


def test_figures_are_those_of_the_api(root: Path) -> None:
    async def session(tools: ToolCaller) -> None:
        answer = await tools.call("analyze", model="net.yaml")
        assert answer["totals"]["macs"] == MACS
        assert answer["layers"] == costcalc.analyze(root / "net.yaml").to_dict()["layers"]
        checked = await tools.call("check")
        assert checked["outcome"] == "exceeded"
        assert checked["models"][0]["verdicts"][0]["code"] == "CC001"
        kept = await tools.call("check", models=["net.yaml"], limits={"macs": MACS})
        assert kept["exit_code"] == 0
        swept = await tools.call("sweep", model="lenet5", dims={"N": [1, 2]})
        assert [
            row[swept["columns"].index("macs")] if isinstance(row, list) else row["macs"] for row in swept["rows"]
        ] == [416_520, 833_040]

    run_tools(root, session)


def test_long_lists_are_cut_and_counted(root: Path) -> None:
    layers = "".join(f"  - linear: {{units: {i + 2}}}\n" for i in range(500))
    (root / "long.yaml").write_text(f"input: [N, 3]\nlayers:\n{layers}")

    async def session(tools: ToolCaller) -> None:
        answer = await tools.call("analyze", model="long.yaml", top=5)
        assert len(answer["layers"]) == 5
        assert answer["left_out"]["layers"] == 495
        answer = await tools.call("analyze", model="long.yaml", top=5, sort="macs")
        assert answer["layers"][0]["macs"] == 500 * 501
        assert len(json.dumps(await tools.call("memory", model="long.yaml", top=200))) < 70_000

    run_tools(root, session)


def test_errors_tell_the_fact_and_the_remedy_and_the_session_goes_on(root: Path) -> None:
    (root / "bad.yaml").write_text(NET.replace("kernel", "kernl"))
    (root / "bad.onnx").write_bytes(b"\x08\x07garbage")

    async def session(tools: ToolCaller) -> None:
        text = await tools.refuse("analyze", model="bad.yaml")
        assert "bad.yaml:3:24: conv (conv): conv has no key 'kernl'; did you mean 'kernel'?" in text
        assert str(root) not in text
        assert "did you mean 'lenet5'?" in await tools.refuse("analyze", model="lenet6")
        assert "it has N" in await tools.refuse("analyze", model="net.yaml", settings={"dims": {"q": 1}})
        assert "nope" in await tools.refuse("analyze", model="net.yaml", settings={"nope": 1})
        assert "bad.onnx" in await tools.refuse("analyze", model="bad.onnx")
        assert "combinations" in await tools.refuse("sweep", model="lenet5", dims={"N": "1:100000"})
        assert "no figure" in await tools.refuse("analyze", model="net.yaml", sort="beauty")
        await tools.refuse("analyze", model="net.yaml", top=100_000)
        assert (await tools.call("analyze", model="net.yaml"))["totals"]["macs"] == MACS

    run_tools(root, session)


def test_an_argument_that_a_tool_does_not_know_is_refused_with_a_remedy(root: Path) -> None:
    async def session(tools: ToolCaller) -> None:
        expected: dict[str, tuple[dict[str, Any], str]] = {
            "analyze": (
                {"model": "net.yaml", "dims": {}},
                "analyze has no argument dims; it takes model, settings, sort, top",
            ),
            "sweep": ({"model": "net.yaml", "parms": {}}, "sweep has no argument parms; did you mean 'params'?"),
            "check": ({"group": "a"}, "check has no argument group; did you mean 'groups'?"),
        }
        for tool, (given, text) in expected.items():
            assert text in await tools.refuse(tool, **given)
        wrong: dict[str, dict[str, Any]] = {
            "analyze needs the argument model": {},
            "did you mean 'dims'?": {"model": "net.yaml", "settings": {"dim": {"N": 1}}},
            "analyze: top: input should be less than or equal to 200": {"model": "net.yaml", "top": 1000},
            "analyze: model: input should be a valid string": {"model": 3},
        }
        for text, arguments in wrong.items():
            answer = await tools.refuse("analyze", **arguments)
            assert text in answer
            assert "pydantic" not in answer
            assert "http" not in answer

    run_tools(root, session)


def test_a_check_takes_groups_and_a_baseline(root: Path) -> None:
    (root / "costcalc.yaml").write_text(
        "models: [net.yaml]\nmax_increase: {macs: 0}\ngroups: {team: {models: [lenet5], limits: {macs: 1}}}\n"
    )
    costcalc.lock(config=root / "costcalc.yaml", output=root / "old.lock.json")
    (root / "net.yaml").write_text(NET.replace("filters: 4", "filters: 5"))

    async def session(tools: ToolCaller) -> None:
        codes = await tools.call("check", baseline="old.lock.json")
        assert "CC201" in json.dumps(codes)
        assert "CC201" not in json.dumps(await tools.call("check"))
        assert "outside of the root" in await tools.refuse("check", baseline="../old.lock.json")
        assert [model["source"] for model in (await tools.call("check", groups=["team"]))["models"]] == ["lenet5"]
        assert "other" in await tools.refuse("check", groups=["other"])

    run_tools(root, session)


def test_a_link_out_of_the_root_does_not_end_a_check(root: Path) -> None:
    (root.parent / "secret.yaml").write_text(NET)
    (root / "link.yaml").symlink_to(root.parent / "secret.yaml")
    (root / "other.yaml").write_text(NET)

    async def session(tools: ToolCaller) -> None:
        answer = await tools.call("check")
        assert answer["outcome"] == "exceeded"
        assert "other.yaml" in str(answer["notes"])
        assert "link.yaml" not in str(answer["notes"])

    run_tools(root, session)


def test_an_answer_is_bounded_whatever_its_form() -> None:
    wide = {str(i): {str(j): {str(k): "figure" for k in range(99)} for j in range(99)} for i in range(9)}
    answer = bounded({"totals": wide, "name": "wide"}, 20)
    assert len(json.dumps(answer)) <= MAX_BYTES
    assert answer["left_out"]
    assert answer["name"] == "wide"
    many_texts = {f"{'key' * 100}{i}": "text" * 1_000 for i in range(1_000)}
    with pytest.raises(UsageError, match="longer than"):
        bounded(many_texts, 20)


@needs_git
def test_a_revision_is_a_baseline_where_its_repository_is_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The config of a revision may name any file of its repository, so none of it is read where the root is a folder
    in it; as `diff` refuses a revision there."""
    folder = begin(tmp_path / "repository", monkeypatch)
    (folder / "team").mkdir()
    (folder / "secret.yaml").write_text(NET)
    (folder / "team" / "net.yaml").write_text(NET)
    config = "models: [net.yaml{}]\nmax_increase: {{macs: 2%}}\n"
    (folder / "team" / "costcalc.yaml").write_text(config.format(", ../secret.yaml"))
    commit(folder)
    (folder / "team" / "costcalc.yaml").write_text(config.format(""))

    async def whole(tools: ToolCaller) -> None:
        answer = await tools.call("check", config="team/costcalc.yaml", baseline="main")
        assert answer["exit_code"] == 0 and any("measured as they are there" in note for note in answer["notes"])

    async def part(tools: ToolCaller) -> None:
        for revision in ("main", "main:costcalc.lock.json"):
            refusal = await tools.refuse("check", baseline=revision)
            assert "start the server at the top of the repository" in refusal and "secret" not in refusal

    run_tools(folder, whole)
    run_tools(folder / "team", part)
