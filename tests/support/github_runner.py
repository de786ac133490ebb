"""A small GitHub runner: an action's steps run in bash with the variables and files that GitHub gives them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support.paths import ROOT

BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""How GitHub runs a step with `shell: bash`."""


def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return found


def step(name: str) -> dict[str, Any]:
    (found,) = [one for one in action()["runs"]["steps"] if one["name"] == name]
    return found  # type: ignore[no-any-return]


@dataclass
class Runner:
    """A job's folders, and what the steps before gave."""

    folder: Path
    workspace: Path
    inputs: Mapping[str, str] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)
    path: Path | None = None

    def run(self, name: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
        """Runs a step; its outputs stand in the context of the next."""
        found = step(name)
        output, script = self.folder / f"{name}.output", self.folder / f"{name}.sh"
        output.write_text("")
        script.write_text(found["run"], encoding="utf-8")
        env = {key: self.resolved(value) for key, value in found["env"].items()}
        paths = [str(self.path)] if self.path else []
        files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md")}
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "COSTCALC_", "CI_"))}
        done = subprocess.run(
            [*BASH, str(script)],
            cwd=self.workspace,
            text=True,
            capture_output=True,
            timeout=300,
            env={
                **plain,
                **files,
                "GITHUB_WORKSPACE": str(self.workspace),
                "GITHUB_REPOSITORY": "org/repo",
                "RUNNER_TEMP": str(self.folder),
                "PATH": os.pathsep.join([*paths, os.environ["PATH"]]),
                **env,
            },
        )
        given = outputs(output.read_text(encoding="utf-8"))
        self.context |= {f"steps.{found.get('id', name)}.outputs.{key}": value for key, value in given.items()}
        return done, given

    def resolved(self, text: str) -> str:
        """`${{ inputs.config }}` → its value; what nobody gave is empty, as on GitHub."""
        defaults = (
            {f"inputs.{key}": self.resolved(str(one.get("default", ""))) for key, one in action()["inputs"].items()}
            if "inputs." in text
            else {}
        )
        values = {**defaults, **{f"inputs.{k}": v for k, v in self.inputs.items()}, **self.context}
        return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda m: values.get(m[1], ""), text)


def outputs(text: str) -> dict[str, str]:
    """The output file as GitHub reads it: `key=value`, or `key<<DELIMITER` and lines up to the delimiter."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        key, many, delimiter = line.partition("<<")
        if many and "=" not in key:
            body = []
            for one in lines:
                if one == delimiter:
                    break
                body.append(one)
            else:
                raise AssertionError(f"{delimiter} never comes")
            found[key] = "\n".join(body)
        else:
            key, equals, value = line.partition("=")
            assert equals, line
            found[key] = value
    return found


FAKE_GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$GH_LOG"
case "$*" in
  "api user"*) exit 1 ;;
  *comments?per_page*) [ -z "$GH_BROKEN" ] || exit 1; printf '%s' "$GH_FOUND"; printf '%s|%s' "$COSTCALC_ME" "$COSTCALC_MARKER" > "$GH_LOG.env" ;;
esac
"""
"""A gh that notes what it is asked, and finds $GH_FOUND."""

FAKE_PYTHON = """#!/bin/sh
printf '%s\\n' "$*" >> "$PYTHON_LOG"
case "$*" in "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;; esac
"""
"""A Python that notes its words, and makes an environment of itself."""

FAKE_UV = """#!/bin/sh
printf 'uv %s\\n' "$*" >> "$PYTHON_LOG"
case "$1" in venv) for place; do :; done; mkdir -p "$place/bin" ;; esac
"""
"""A uv that notes its words beside Python's."""

GITHUB = """#!{python}
import json, os, re, sys
words, file = sys.argv[1:], os.environ["FAKE_GITHUB"]
state = json.load(open(file))
if words[:2] == ["api", "user"]:
    sys.exit(1)
if os.environ.get("GH_TOKEN") == "read-only" and "--method" in words:
    sys.exit("HTTP 403: Resource not accessible by integration")
url = next(word for word in words[1:] if word.startswith("repos/"))
if "/pulls?" in url:
    print(*[pull["number"] for pull in state["pulls"] if pull["sha"] == os.environ["COSTCALC_SHA"]], sep="\\n")
elif "comments?per_page" in url:
    marker, me = os.environ["COSTCALC_MARKER"], os.environ["COSTCALC_ME"]
    print(*[c["id"] for c in state["comments"] if c["user"] == me and c["body"].startswith(marker)], sep="\\n")
else:
    body = open(next(word for word in words if word.startswith("body=@"))[6:], encoding="utf-8").read()
    if "POST" in words:
        pull = int(re.search(r"issues/(\\d+)/comments", url)[1])
        number = len(state["comments"]) + 1
        state["comments"].append({{"id": number, "pull": pull, "user": "github-actions[bot]", "body": body}})
    else:
        state["comments"][int(url.rsplit("/", 1)[1]) - 1]["body"] = body
    json.dump(state, open(file, "w"))
"""
"""A gh whose answers come from the pull requests and comments in the file $FAKE_GITHUB. The token `read-only` is that
of a fork's run."""
