"""A repository with two teams, a fork's pull request, a pointer of Git LFS and a renamed model goes through action.yml's
own steps in bash, and the comment through the second workflow, which has the right to write and none of the fork's code."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cli import call, environment
from support.github_runner import GITHUB, Runner, action
from support.paths import ROOT
from support.repository import begin, commit, git

from costcalc.core.sanitize import escape_html, escape_markdown

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n    as: stem\n  - relu\n  - global_avg_pool\n"
CONFIGS = {
    "vision": "models: ['*.yaml']\nlimits: {macs: 1k}\nmax_increase: {macs: 0}\n",  # 3 · 4 · 8 · 8 = 768
    "speech": "models: ['*.yaml']\nlimits: {params: 16}\n",  # 3 · 4 + 4
}
BIN = str(Path(sys.executable).parent)


class GitHub:
    """Pull requests and comments, as a `gh` sees them; `job` is one on a runner of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.file, self.jobs = folder, folder / "github.json", 0
        self.file.write_text(json.dumps({"pulls": [], "comments": []}))
        (folder / "bin").mkdir()
        (folder / "bin/gh").write_text(GITHUB.format(python=sys.executable))
        (folder / "bin/gh").chmod(0o755)
        monkeypatch.setenv("FAKE_GITHUB", str(self.file))

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    def open_pull(self, number: int, sha: str) -> None:
        pulls = [*self.state["pulls"], {"number": number, "sha": sha}]
        self.file.write_text(json.dumps({**self.state, "pulls": pulls}))

    def job(self, workspace: Path, inputs: dict[str, str], **context: str) -> Runner:
        self.jobs += 1
        temporary = self.folder / f"temp{self.jobs}"
        temporary.mkdir()
        context = {
            "steps.install.outputs.bin": BIN,
            **{key.replace("__", "."): value for key, value in context.items()},
        }
        return Runner(temporary, workspace, inputs, context, self.folder / "bin")


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    return GitHub(tmp_path, monkeypatch)


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """main: each team has its folder with models, a config and a lock."""
    folder = begin(tmp_path / "origin", monkeypatch)
    for team, config in CONFIGS.items():
        (folder / team).mkdir()
        (folder / team / "net.yaml").write_text(NET)
        (folder / team / "costcalc.yaml").write_text(config)
        subprocess.run(
            [sys.executable, "-m", "costcalc", "lock"],
            cwd=folder / team,
            env=environment(),
            check=True,
            capture_output=True,
        )
    commit(folder, "two teams")
    return folder


def fork(origin: Path) -> Path:
    """A contributor's clone on a branch of its own, with what checkout gives a job: the base's branch."""
    folder = origin.parent / "fork"
    git(origin.parent, "clone", "-q", str(origin), str(folder))
    git(folder, "switch", "-q", "-c", "wider")
    return folder


def pointer(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


def check_team(job: Runner, team: str) -> dict[str, str]:
    job.inputs = {**job.inputs, "working-directory": team, "comment-id": team, "baseline": "origin/main"}
    done, given = job.run("Check")
    assert done.returncode == 0, done.stderr
    return {**given, "stdout": done.stdout, "stderr": done.stderr}


def test_a_forks_pull_request(origin: Path, github: GitHub) -> None:
    folder = fork(origin)
    git(folder, "mv", "vision/net.yaml", "vision/backbone.yaml")
    (folder / "vision/backbone.yaml").write_text(NET.replace("filters: 4", "filters: 8"))
    sha = commit(folder, "a wider backbone")
    github.open_pull(7, sha)

    job = github.job(folder, {"token": "read-only", "comment": "true"}, github__event__pull_request__number="7")
    vision = check_team(job, "vision")
    assert (vision["verdict"], vision["exit-code"]) == ("exceeded", "1")
    assert "file=vision/backbone.yaml,line=4" in vision["stdout"]
    assert "renamed since origin/main" in vision["comment"] and "exceeded by 536" in vision["comment"]  # 1,536 of 1,000
    done, _ = job.run("Comment")
    assert done.returncode == 0 and "the comment could not be written" in done.stdout, "the fork's token may not"
    assert job.run("Verdict")[0].returncode == 1
    speech = check_team(github.job(folder, {"token": "read-only"}), "speech")
    assert (speech["verdict"], speech["exit-code"]) == ("kept", "0")
    assert github.state["comments"] == []

    for team, given in (("vision", vision), ("speech", speech), ("vision", vision)):
        artifact = github.folder / "artifact" / team / "comment.md"
        artifact.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(given["comment-path"], artifact)
        writer = github.job(origin, {"post": str(artifact)}, github__event__workflow_run__head_sha=sha)
        done, _ = writer.run("Comment")
        assert (done.returncode, done.stdout) == (0, ""), done.stdout
    comments = github.state["comments"]
    assert [(one["pull"], one["body"].splitlines()[0]) for one in comments] == [
        (7, "<!-- costcalc:vision -->"),
        (7, "<!-- costcalc:speech -->"),
    ], "a comment for each team, the second run updates"
    assert comments[0]["body"] == Path(vision["comment-path"]).read_text(encoding="utf-8")


def test_a_forks_pull_request_that_moves_its_own_budget(origin: Path, github: GitHub) -> None:
    """It is told in the comment and at the line of the config, and fails where the workflow says so."""
    folder = fork(origin)
    (folder / "vision/costcalc.yaml").write_text(CONFIGS["vision"].replace("1k", "2k") + "ignore: [CC307]\n")
    (folder / "vision/net.yaml").write_text(NET.replace("filters: 4", "filters: 8"))
    commit(folder, "wider, and the budget with it")
    job = github.job(folder, {"args": "--error CC307", "working-directory": "vision", "baseline": "origin/main"})
    _, given = job.run("Check")
    assert given["verdict"] == "exceeded"
    assert "the limit of macs rose from 1 k to 2 k for net.yaml" in given["comment"].splitlines()[1]
    assert "::error file=vision/costcalc.yaml,line=2" in job.run("Check")[0].stdout


def test_teams_that_share_a_config(origin: Path, github: GitHub) -> None:
    groups = "  vision: {models: [vision/net.yaml], limits: {macs: 1k}}\n  speech: {models: [speech/net.yaml]}\n"
    (origin / "costcalc.yaml").write_text(f"limits: {{params: 16}}\ngroups:\n{groups}")
    for team in CONFIGS:
        (origin / team / "costcalc.yaml").unlink()
    (origin / "vision/net.yaml").write_text(NET.replace("filters: 4", "filters: 6"))  # 3 · 6 · 8 · 8, 3 · 6 + 6
    verdicts = {}
    for team in CONFIGS:
        job = github.job(origin, {"args": f"--group {team}", "comment-id": team, "comment": "true"})
        job.context["github.event.pull_request.number"] = "7"
        _, given = job.run("Check")
        verdicts[team] = given["verdict"]
        assert job.run("Comment")[0].stdout == ""
    assert verdicts == {"vision": "exceeded", "speech": "kept"}
    bodies = [one["body"] for one in github.state["comments"]]
    assert "vision/net.yaml" in bodies[0] and "speech/net.yaml" not in bodies[0] and "speech" in bodies[1]


@pytest.mark.parametrize(
    "body",
    [
        "<!-- other -->\n### fine",
        "<!-- costcalc -->\nhello @org/team",
        "<!-- costcalc -->\n[click](javascript:alert(1))",
        "<!-- costcalc -->\nhttps://evil.example",
        "<!-- costcalc -->\n<img src=x>",
        "<!-- costcalc -->\n<IMG src=//evil.example>",
        "<!-- costcalc -->\n<A HREF=//evil.example>click</A>",
        "<!-- costcalc -->\n<video src=//evil.example>",
        "<!-- costcalc -->\n<details>\\<img\nsrc=//evil.example>",
        "<!-- costcalc -->\n<details ontoggle=x>",
        "<!-- costcalc -->\nWWW.evil.example",
        "<!-- costcalc -->\n[x][r]",
        "<!-- costcalc -->\n[x]\n\n[x]: //evil.example",
        "<!-- costcalc -->\n[x\\\\](//evil.example)",
        "<!-- costcalc -->\nhello &#64;org/team",
        "<!-- costcalc -->\n" + "x" * 70_000,
        None,
    ],
)
def test_what_a_fork_wrote_itself_is_not_posted(body: str | None, origin: Path, github: GitHub) -> None:
    github.open_pull(7, "c0ffee")
    file = github.folder / "comment.md"
    if body is not None:
        file.write_text(body)
    else:
        secret = github.folder / "secret"
        secret.write_text("<!-- costcalc -->\nsecret")
        file.symlink_to(secret)
    done, _ = github.job(origin, {"post": str(file)}, github__event__workflow_run__head_sha="c0ffee").run("Comment")
    assert done.returncode == 0 and done.stdout.startswith("::warning title=costcalc::the comment could not be written")
    assert github.state["comments"] == []


def test_names_of_a_model_do_not_hold_the_comment_back(origin: Path, github: GitHub) -> None:
    """What costcalc writes of names that look like links, tags and mentions is posted, and so are formulas."""
    github.open_pull(7, "c0ffee")
    name = "net [a](b) <i> & $x$ @org https://e.example www.e.example"
    body = f"<!-- costcalc -->\n{escape_markdown(name)} \\[N, (H+1)//2\\]: <sub>costcalc</sub>"
    body += f"\n<details><summary>{escape_html('a & <b> @org')}</summary>\n\n&emsp;x\n\n</details>"
    file = github.folder / "comment.md"
    file.write_text(body, encoding="utf-8")
    done, _ = github.job(origin, {"post": str(file)}, github__event__workflow_run__head_sha="c0ffee").run("Comment")
    assert (done.returncode, done.stdout) == (0, "")
    assert [one["body"] for one in github.state["comments"]] == [body]


def test_a_commit_that_is_no_longer_the_newest_is_not_commented(origin: Path, github: GitHub) -> None:
    file = github.folder / "comment.md"
    file.write_text("<!-- costcalc -->\nfine")
    done, _ = github.job(origin, {"post": str(file)}, github__event__workflow_run__head_sha="c0ffee").run("Comment")
    assert done.returncode == 0 and done.stdout.startswith("::notice title=costcalc::no open pull request")
    assert github.state["comments"] == []


def test_a_pointer_of_git_lfs(origin: Path, github: GitHub) -> None:
    """Without `lfs: true` of checkout the file is a pointer: exit 2, never a pass. With its content it is checked."""
    folder = fork(origin)
    content = NET.replace("filters: 4", "filters: 5").encode()
    (folder / "speech/net.yaml").write_text(pointer(content))
    commit(folder, "kept by LFS")
    given = check_team(github.job(folder, {}), "speech")
    assert (given["verdict"], given["exit-code"]) == ("unknown", "2")
    assert "Git LFS" in given["comment"] and "git lfs pull" in given["comment"]
    (folder / "speech/net.yaml").write_bytes(content)  # what `git lfs pull` leaves
    given = check_team(github.job(folder, {}), "speech")
    assert (given["verdict"], given["exit-code"]) == ("exceeded", "1"), "3 · 5 + 5 = 20 of 16"


def documented_workflows() -> dict[str, dict[str, Any]]:
    """The workflows and steps of the pages on GitHub, by page and number."""
    found: dict[str, dict[str, Any]] = {}
    for page in ("ci-github", "ci-forks-lfs-monorepos"):
        blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / f"docs/how-to/{page}.md").read_text(encoding="utf-8"), re.S)
        for number, block in enumerate(blocks):
            content = yaml.safe_load(block)
            steps = content if isinstance(content, list) else []
            jobs = content.get("jobs", {}) if isinstance(content, dict) else {"steps": {"steps": steps}}
            found |= {f"{page} {number}": {"text": block, "content": content, "jobs": jobs}} if jobs else {}
    return found


def test_the_documented_workflows_use_what_the_action_has() -> None:
    uses = [
        step
        for workflow in documented_workflows().values()
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("OWNER/costcalc")
    ]
    assert len(uses) >= 5
    assert all(set(step.get("with", {})) <= set(action()["inputs"]) for step in uses)
    texts = "".join(workflow["text"] for workflow in documented_workflows().values())
    assert set(re.findall(r"steps\.costcalc\.outputs\.([\w-]+)", texts)) <= set(action()["outputs"])
    assert "pull_request_target" not in texts


def test_what_may_write_checks_nothing_of_a_fork_out() -> None:
    """Of the two workflows for forks, the one that runs a fork's code may only read, the other one runs none of it."""
    pair = [
        one
        for name, one in documented_workflows().items()
        if name in ("ci-forks-lfs-monorepos 0", "ci-forks-lfs-monorepos 1")
    ]
    checks, comments = pair
    assert checks["content"]["permissions"] == {"contents": "read"} and "secrets." not in checks["text"]
    (job,) = comments["jobs"].values()
    assert comments["content"]["permissions"] == {}
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert comments["content"][True]["workflow_run"]["workflows"] == [checks["content"]["name"]]
    assert [step["uses"].partition("@")[0] for step in job["steps"]] == ["actions/download-artifact", "OWNER/costcalc"]
    assert not any("run" in step for step in job["steps"])
    assert job["steps"][1]["with"] == {"post": "costcalc-comment/comment.md"}
    assert job["steps"][0]["with"]["name"] == checks["jobs"]["check"]["steps"][-1]["with"]["name"]


def test_the_history_after_the_merge(
    origin: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fork(origin)
    git(folder, "mv", "vision/net.yaml", "vision/backbone.yaml")
    commit(folder, "renamed")
    (folder / "vision/backbone.yaml").write_text(pointer(b"x"))
    commit(folder, "to LFS")
    (folder / "vision/backbone.yaml").write_text(NET.replace("filters: 4", "filters: 8"))
    commit(folder, "wider")
    git(origin, "pull", "-q", "--no-ff", "--no-edit", str(folder), "wider")
    monkeypatch.chdir(origin / "vision")
    code, out, err = call(capsys, "history", "--format", "json")
    (model,) = json.loads(out)["history"]["models"]
    revisions = model["revisions"]
    assert (code, err, model["name"]) == (0, "", "backbone.yaml")
    assert [one["subject"] for one in revisions] == ["wider", "to LFS", "renamed", "two teams"]
    assert [one["figures"] and one["figures"]["macs"] for one in revisions] == [1536, None, 768, 768]
    assert "Git LFS" in revisions[1]["error"] and revisions[2]["renamed_from"] == "vision/net.yaml"
