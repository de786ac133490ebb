"""editors/vscode: the manifest and the client agree, and the client starts the server that the command line has."""

import json
import shutil
import subprocess

import pytest
from support.paths import ROOT

FOLDER = ROOT / "editors" / "vscode"

STUB = """
const Module = require("module");
const calls = [];
const vscode = {
  workspace: { getConfiguration: () => ({ get: () => ["python", "-m", "costcalc"] }) },
  window: { showErrorMessage: (text) => calls.push(["error", text]) },
  commands: { registerCommand: (name, run) => { calls.push(["command", name]); vscode.run = run; return {}; } },
};
class LanguageClient {
  constructor(id, name, server, options) { calls.push(["client", id, server, options.documentSelector.length]); }
  async start() { calls.push(["start"]); }
  async stop() { calls.push(["stop"]); }
}
const load = Module._load;
Module._load = (name, ...rest) =>
  name === "vscode" ? vscode : name === "vscode-languageclient/node" ? { LanguageClient } : load(name, ...rest);
const extension = require(process.argv[1]);
(async () => {
  await extension.activate({ subscriptions: [] });
  await vscode.run();
  await extension.deactivate();
  console.log(JSON.stringify(calls));
})();
"""
"""An editor without a window: it notes what the extension asks of it."""


def test_the_manifest_names_what_the_extension_registers() -> None:
    manifest = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    source = (FOLDER / manifest["main"]).read_text(encoding="utf-8")
    for command in manifest["contributes"]["commands"]:
        assert f'"{command["command"]}"' in source
    assert list(manifest["dependencies"]) == ["vscode-languageclient"]
    assert manifest["contributes"]["configuration"]["properties"]["costcalc.command"]["default"] == ["costcalc"]


def test_the_extension_starts_restarts_and_stops_the_server() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "-e", STUB, "--", str(FOLDER / "extension.js")]
    calls = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    client = ["client", "costcalc", {"command": "python", "args": ["-m", "costcalc", "server", "--lsp"]}, 3]
    assert calls == [["command", "costcalc.restart"], client, ["start"], ["stop"], client, ["start"], ["stop"]]
