"""No tool reads a file outside of the root, writes one, connects to a server, starts a process or imports code."""

import json
import os
import struct
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.tool_client import ToolCaller, run_tools

from costcalc.cli.mcp.confinement import confined, install_audit_hook, resolve_file, resolve_model
from costcalc.core.errors import CostcalcError, UsageError
from costcalc.frontends.git import find_renames, read_file
from costcalc.frontends.git_history import list_revisions

NET = "input: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 3, pad: same}\n  - relu\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root, and a secret model and a config beside it."""
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.yaml").write_text(NET)
    (tmp_path / "costcalc.yaml").write_text("models: [secret.yaml]\nlimits: {macs: 1}\n")
    (folder / "net.yaml").write_text(NET)
    return folder


HOSTILE = [
    "../secret.yaml",
    "sub/../../secret.yaml",
    "./../root/../secret.yaml",
    "/etc/passwd",
    "/proc/self/environ",
    "/dev/stdin",
    "link.yaml",
    "sub/link/secret.yaml",
    "hf:gpt2",
    "HTTPS://example.org/net.onnx",
    "file:///etc/passwd",
    "-",
    "",
    "\0",
    "net.yaml\0.onnx",
    "os:getcwd",
    "subprocess:run",
    "HEAD:net.yaml",
    "--upload-pack=x:net.yaml",
    "~/net.yaml",
    "~root",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_before_anything_is_read(name: str, root: Path) -> None:
    (root / "link.yaml").symlink_to(root.parent / "secret.yaml")
    (root / "sub" / "link").symlink_to(root.parent)
    if name.startswith(("~", "file:")):
        resolved = None
        try:
            resolved = resolve_model(root, name)
        except UsageError:
            return
        assert not (root / resolved).exists()  # taken as it is written: no such file
        return
    with pytest.raises(UsageError):
        resolve_model(root, name)


def test_what_is_outside_is_refused_whether_it_exists_or_not(root: Path) -> None:
    messages = []
    for name in ("../secret.yaml", "../nothing.yaml"):
        with pytest.raises(UsageError) as refusal:
            resolve_file(root, name)
        messages.append(str(refusal.value).replace(name, "X"))
    assert messages[0] == messages[1]


def test_a_folder_whose_name_begins_like_the_root_is_outside(root: Path) -> None:
    other = root.parent / "root-other"
    other.mkdir()
    (other / "net.yaml").write_text(NET)
    with pytest.raises(UsageError):
        resolve_model(root, "../root-other/net.yaml")


def in_thread(work: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(work).result()


ACTIONS: dict[str, Callable[[Path], object]] = {
    "open": lambda root: (root.parent / "secret.yaml").read_text(),
    "os.open": lambda root: os.open(root.parent / "secret.yaml", os.O_RDONLY),
    "listdir": lambda root: os.listdir(root.parent),  # noqa: PTH208
    "scandir": lambda root: list(os.scandir(root.parent)),
    "through a link": lambda root: (root / "link.yaml").read_text(),
    "write": lambda root: (root / "new.yaml").write_text("x"),
    "remove": lambda root: (root / "net.yaml").unlink(),
    "rename": lambda root: (root / "net.yaml").rename(root / "other.yaml"),
    "chmod": lambda root: (root / "net.yaml").chmod(0o777),
    "utime": lambda root: os.utime(root / "net.yaml", (0, 0)),
    "chown": lambda root: os.chown(root / "net.yaml", os.getuid(), os.getgid()),
    "thread": lambda root: in_thread((root.parent / "secret.yaml").read_text),
    "process": lambda root: subprocess.run(["true"], check=False),
    "shell": lambda root: os.system("true"),
    "connection": lambda root: __import__("socket").create_connection(("127.0.0.1", 9), 0.1),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_python_itself_is_held(action: str, root: Path) -> None:
    (root / "link.yaml").symlink_to(root.parent / "secret.yaml")
    install_audit_hook()
    with confined(root), pytest.raises(UsageError):
        ACTIONS[action](root)
    assert (root / "net.yaml").read_text() == NET
    assert (root.parent / "secret.yaml").read_text() == NET  # outside of a tool nothing is held


def test_no_tool_leaves_the_root_over_stdio(root: Path) -> None:
    pytest.importorskip("mcp", reason="the extra `mcp` is not installed")
    (root / "link.yaml").symlink_to(root.parent / "secret.yaml")
    (root / "sub" / "link").symlink_to(root.parent)
    checkpoint = root / "checkpoint"
    checkpoint.mkdir()
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    (root.parent / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 8)
    (checkpoint / "model.safetensors").symlink_to(root.parent / "model.safetensors")
    (checkpoint / "config.json").symlink_to(root.parent / "secret.yaml")
    index = {"metadata": {}, "weight_map": {"w": "../../model.safetensors"}}
    (root / "indexed").mkdir()
    (root / "indexed" / "model.safetensors.index.json").write_text(json.dumps(index))
    (root / "indexed" / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    configs = {
        "path.yaml": "models: [../secret.yaml]\nlimits: {macs: 1}\n",
        "absolute.yaml": f"models: [{root.parent}/secret.yaml]\nlimits: {{macs: 1}}\n",
        "glob.yaml": "models: ['../*.yaml']\nlimits: {macs: 1}\n",
        "deep.yaml": "models: ['**/secret.yaml', 'sub/link/*.yaml']\nlimits: {macs: 1}\n",
        "linked.yaml": "models: [link.yaml]\nlimits: {macs: 1}\n",
        "lock.yaml": "models: [net.yaml]\nlimits: {macs: 1}\nlock: ../lock.json\n",
        "device.yaml": "models: [net.yaml]\nlimits: {time: {../t4.yaml: 1ms}}\n",
        "remote.yaml": "models: ['hf:gpt2']\nremote: true\nlimits: {macs: 1}\n",
    }
    for name, text in configs.items():
        (root / name).write_text(text)

    async def session(tools: ToolCaller) -> None:
        for name in (*HOSTILE, "checkpoint", "indexed"):
            text = await tools.refuse("analyze", model=name)
            assert "1,000" not in text
        for tool in ("explain", "memory", "suggest", "sweep", "reconcile", "generation"):
            assert "outside of the root" in await tools.refuse(tool, model="../secret.yaml")
        await tools.refuse("compare", models=["net.yaml", "../secret.yaml"])
        await tools.refuse("diff", before="net.yaml", after="../secret.yaml")
        await tools.refuse("diff", before="HEAD:../secret.yaml", after="net.yaml")
        await tools.refuse("check", models=["link.yaml"], limits={"macs": 1})
        await tools.refuse("check", config="../costcalc.yaml")
        assert "no costcalc.yaml in the root" in await tools.refuse("check")
        (root.parent / "t4.yaml").write_text("name: secret\n")
        for tool, arguments in {
            "check": {"models": ["net.yaml"], "limits": {"time.../t4.yaml": "1ms"}},
            "sweep": {"model": "net.yaml", "dims": {"N": [1]}, "quantities": ["time.../t4.yaml"]},
            "suggest": {"model": "net.yaml", "sort": "time.../t4.yaml"},
        }.items():
            answer = await tools.client.call_tool(tool, arguments)
            text = answer.content[0].text + str(answer.structured_content)
            assert "secret" not in text
            assert answer.is_error or answer.structured_content["outcome"] == "unknown"
        await tools.refuse("analyze", model="net.yaml", settings={"devices": ["../t4.yaml"]})
        for config in configs:
            answer = await tools.client.call_tool("check", {"config": config})
            if not answer.is_error:  # a glob that finds nothing, or the message of a model that is outside
                assert all(
                    model["totals"] is None or model["source"] == "net.yaml"
                    for model in answer.structured_content["models"]
                )
        assert (await tools.call("analyze", model="net.yaml"))["totals"]["macs"] > 0

    run_tools(root, session)


def test_a_revision_is_read_where_its_repository_is_below_the_root(root: Path) -> None:
    pytest.importorskip("mcp", reason="the extra `mcp` is not installed")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    repository = root.parent
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], cwd=repository, check=True)

    async def inside(tools: ToolCaller) -> None:
        answer = await tools.call("diff", before="HEAD:root/net.yaml", after="root/net.yaml")
        assert answer["layers"] == []

    async def outside(tools: ToolCaller) -> None:
        assert "the repository, or its objects, are outside of the root" in await tools.refuse(
            "diff", before="HEAD:net.yaml", after="net.yaml"
        )
        assert "the repository, or its objects, are outside of the root" in await tools.refuse(
            "diff", before="HEAD:secret.yaml", after="net.yaml"
        )

    run_tools(repository, inside)
    run_tools(root, outside)


GIT = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always")

HOSTILE_CONFIGS = {
    "partial clone": {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": ".",
        "remote.origin.uploadpack": "touch PWNED; false",
    },
    "filter": {"filter.x.clean": "touch PWNED; cat", "core.fsmonitor": "touch PWNED; false"},
    "included": {"include.path": "more"},
    "fsmonitor": {"core.fsmonitor": "touch PWNED; false"},
    "diff": {"diff.external": "touch PWNED; false", "diff.x.textconv": "touch PWNED; cat", "log.showSignature": "true"},
}


@pytest.fixture
def hostile_repository(root: Path) -> Path:
    """A root that is a repository of two commits; the object of n.yaml of the first is missing."""
    (root / "n.yaml").write_text(NET)
    (root / ".gitattributes").write_text("*.yaml filter=x diff=x\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"], ["mv", "n.yaml", "moved.yaml"]):
        subprocess.run([*GIT, *command], cwd=root, check=True)
    (root / "moved.yaml").write_text(NET + "# changed\n")
    subprocess.run([*GIT, "commit", "-qam", "two"], cwd=root, check=True)
    blob = subprocess.run([*GIT, "rev-parse", "HEAD~1:n.yaml"], cwd=root, check=True, capture_output=True, text=True)
    oid = blob.stdout.strip()
    (root / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    (root / "net.yaml").write_text(NET + "# not committed\n")
    (root / ".git" / "more").write_text('[filter "x"]\n\tclean = touch PWNED; cat\n')
    return root


@pytest.mark.parametrize("config", HOSTILE_CONFIGS)
def test_the_config_of_a_repository_runs_nothing(
    config: str, hostile_repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in HOSTILE_CONFIGS[config].items():
        subprocess.run([*GIT, "config", key, value], cwd=hostile_repository, check=True)
    (hostile_repository / "PWNED").unlink(missing_ok=True)
    monkeypatch.chdir(hostile_repository)
    refusals = []
    with confined(hostile_repository):
        for work in (
            lambda: read_file("HEAD~1", "n.yaml"),
            lambda: read_file("HEAD", "n.yaml"),
            lambda: find_renames("HEAD~1"),
            lambda: list_revisions("net.yaml"),
        ):
            try:
                work()
            except CostcalcError as error:
                refusals.append(str(error))
    assert refusals
    assert not (hostile_repository / "PWNED").exists()
    if config in ("partial clone", "filter", "included"):
        assert all("makes git run a program" in refusal for refusal in refusals)


def test_a_repository_whose_objects_are_elsewhere_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*GIT, *command], cwd=root.parent, check=True)
    (root / ".git").write_text(f"gitdir: {root.parent / '.git'}\n")
    monkeypatch.chdir(root)
    assert read_file("HEAD", "secret.yaml") == NET.encode()
    with confined(root), pytest.raises(UsageError, match="outside of the root"):
        read_file("HEAD", "secret.yaml")


def test_a_file_called_like_standard_input_is_a_file(root: Path) -> None:
    (root / "-").write_text(NET)
    assert resolve_model(root, "./-") == f".{os.sep}-"
