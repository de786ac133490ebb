"""The steps for Azure Pipelines and Bitbucket Pipelines, run in bash against a server that answers as theirs do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.api_server import ApiServer, serve
from support.cli import environment
from support.paths import ROOT
from support.repository import begin, commit, git

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n"
CONFIG = "models: [net.yaml]\nlimits: {macs: 768}\n"  # 3 · 4 · 8 · 8
WIDER = NET.replace("filters: 4", "filters: 8")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose branch keeps the limit, as main does."""
    origin = begin(tmp_path / "origin", monkeypatch)
    (origin / "net.yaml").write_text(NET)
    (origin / "costcalc.yaml").write_text(CONFIG)
    monkeypatch.chdir(origin)
    subprocess.run([sys.executable, "-m", "costcalc", "lock"], env=environment(), check=True, capture_output=True)
    commit(origin)
    git(tmp_path, "clone", "-q", str(origin), "clone")
    return tmp_path / "clone"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with serve() as server:
        yield server


def bash(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A script as the services run it, with this Python and this costcalc."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {k: v for k, v in environment().items() if not k.lower().endswith("_proxy")}
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={**env, "PATH": path, **variables},
        text=True,
        capture_output=True,
        timeout=120,
    )


def azure_steps() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((ROOT / "ci/azure/costcalc.azure-pipelines.yml").read_text(encoding="utf-8"))
    return {step.get("displayName", step.get("task")): step for step in document["steps"]}


@pytest.mark.parametrize("text", [NET, WIDER])
@pytest.mark.parametrize("has_thread", [False, True])
def test_azure(text: str, has_thread: bool, repository: Path, api: ApiServer) -> None:
    (repository / "net.yaml").write_text(text)
    variables = {
        "AGENT_TEMPDIRECTORY": str(repository.parent),
        "BUILD_SOURCESDIRECTORY": str(repository),
        "COSTCALC_BASELINE": "origin/main",
        "COSTCALC_ARGS": "--jobs 2",
        "SYSTEM_COLLECTIONURI": f"{api.address}/org/",
        "SYSTEM_TEAMPROJECTID": "project",
        "BUILD_REPOSITORY_ID": "repo",
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
        "SYSTEM_ACCESSTOKEN": "secret",
    }
    check = bash(azure_steps()["costcalc check"]["bash"], repository, **variables)
    code = 0 if text == NET else 1
    assert check.returncode == code, check.stderr
    assert f"##vso[task.setvariable variable=COSTCALC_EXIT_CODE]{code}\n" in check.stdout
    issues = re.findall(r"##vso\[task\.logissue type=error;(.*?)\]", check.stdout)
    assert issues == ["sourcepath=net.yaml;linenumber=4;columnnumber=5;code=CC001"] * code
    assert (repository.parent / "costcalc-junit.xml").exists()

    threads = "/org/project/_apis/git/repositories/repo/pullRequests/7/threads"
    own = {"author": {"id": "me"}, "id": 1, "content": "[//]: # (costcalc)\n\nold"}
    others = {"id": 3, "comments": [{**own, "author": {"id": "somebody"}}]}
    api.answers["GET", "/org/_apis/connectionData"] = {"authenticatedUser": {"id": "me"}}
    api.answers["GET", threads] = {
        "value": [others, {"id": 5, "comments": []}, *[{"id": 4, "comments": [own]}] * has_thread]
    }
    comment = bash(azure_steps()["costcalc comment"]["bash"], repository, **variables, COSTCALC_EXIT_CODE=str(code))
    assert (comment.returncode, comment.stdout, comment.stderr) == (0, "", "")
    assert {call.authorization for call in api.calls} == {"Bearer secret"}
    assert api.calls[0][:2] == ("GET", "/org/_apis/connectionData")
    assert [call.query for call in api.calls] == ["api-version=7.1-preview.1"] + ["api-version=7.0"] * (
        len(api.calls) - 1
    )
    written = [(call.method, call.path, call.content) for call in api.calls if call.method != "GET"]
    body = (repository.parent / "costcalc.md").read_text(encoding="utf-8")
    status = "closed" if code == 0 else "active"
    assert written == (
        [
            ("PATCH", f"{threads}/4/comments/1", {"content": body}),
            ("PATCH", f"{threads}/4", {"status": status}),
        ]
        if has_thread
        else [
            (
                "POST",
                threads,
                {"comments": [{"parentCommentId": 0, "content": body, "commentType": "text"}], "status": status},
            )
        ]
    )


def test_azure_without_the_right_to_comment_warns(repository: Path, api: ApiServer) -> None:
    (repository.parent / "costcalc.md").write_text("[//]: # (costcalc)\n")
    api.answers["GET", "/org/_apis/connectionData"] = 403
    done = bash(
        azure_steps()["costcalc comment"]["bash"],
        repository,
        AGENT_TEMPDIRECTORY=str(repository.parent),
        SYSTEM_COLLECTIONURI=f"{api.address}/org/",
        SYSTEM_TEAMPROJECTID="project",
        BUILD_REPOSITORY_ID="repo",
        SYSTEM_PULLREQUEST_PULLREQUESTID="7",
        SYSTEM_ACCESSTOKEN="",
    )
    assert done.returncode == 0
    assert done.stdout == "##vso[task.logissue type=warning]costcalc: the comment could not be written\n"


def test_azure_has_no_parameter_in_a_script() -> None:
    for step in azure_steps().values():
        assert "${{" not in step.get("bash", "")


def bitbucket_script() -> str:
    document = yaml.safe_load((ROOT / "ci/bitbucket/bitbucket-pipelines.yml").read_text(encoding="utf-8"))
    _, fetch, check = document["pipelines"]["pull-requests"]["**"][0]["step"]["script"]
    return f"{fetch}\n{check}"


@pytest.mark.parametrize("text", [NET, WIDER])
@pytest.mark.parametrize("found", ["none", "own", "another's"])
def test_bitbucket(text: str, found: str, repository: Path, api: ApiServer) -> None:
    (repository / "net.yaml").write_text(text)
    report = "http://api.bitbucket.org/2.0/repositories/org/repo/commit/c0ffee/reports/costcalc"
    comments = "/repositories/org/repo/pullrequests/7/comments"
    api.answers["DELETE", report] = 404
    api.answers["GET", comments] = {
        "values": [{"id": 1, "content": {"raw": "hello"}}]
        + [{"id": 2, "content": {"raw": "[//]: # (costcalc)\n\nold"}}] * (found != "none")
    }
    if found == "another's":
        api.answers["PUT", f"{comments}/2"] = 403
    done = bash(
        bitbucket_script(),
        repository,
        BITBUCKET_CLONE_DIR=str(repository),
        BITBUCKET_PR_DESTINATION_BRANCH="main",
        BITBUCKET_REPO_FULL_NAME="org/repo",
        BITBUCKET_COMMIT="c0ffee",
        BITBUCKET_PR_ID="7",
        COSTCALC_ARGS="--jobs 2",
        COSTCALC_TOKEN="secret",
        COSTCALC_API=api.address,
        COSTCALC_PROXY=api.address,
    )
    code = 0 if text == NET else 1
    assert done.returncode == code, done.stdout + done.stderr
    assert "could not be written" not in done.stdout, done.stderr
    signed = [call for call in api.calls if call.path.startswith(report)]
    assert [call.method for call in signed] == ["DELETE", "PUT", *["POST"] * code]
    assert not any(call.authorization for call in signed), "the proxy signs them"
    assert signed[1].content["result"] == ("PASSED" if code == 0 else "FAILED")
    if code:
        ((annotation,),) = [signed[2].content]
        assert (annotation["path"], annotation["line"], annotation["severity"]) == ("net.yaml", 4, "HIGH")
    written = [
        (call.method, call.path) for call in api.calls if call.path.startswith(comments) and call.method != "GET"
    ]
    update, new = ("PUT", f"{comments}/2"), ("POST", comments)
    assert written == {"none": [new], "own": [update], "another's": [update, new]}[found]
    last = [call for call in api.calls if (call.method, call.path) == written[-1]][-1]
    assert last.content == {"content": {"raw": (repository / "costcalc.md").read_text(encoding="utf-8")}}
    assert last.authorization == "Bearer secret"
