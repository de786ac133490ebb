"use strict";

// Starts `costcalc server --lsp` and connects the editor to it. All answers come from the server.

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

const DOCUMENTS = [
  { scheme: "file", language: "yaml" },
  { scheme: "untitled", language: "yaml" },
  { scheme: "file", pattern: "**/pyproject.toml" },
];

const INSTALL = "pip install 'costcalc[lsp]'";

let client;

async function start() {
  const [command, ...first] = vscode.workspace.getConfiguration("costcalc").get("command");
  const server = { command, args: [...first, "server", "--lsp"] };
  client = new LanguageClient("costcalc", "costcalc", server, { documentSelector: DOCUMENTS });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    vscode.window.showErrorMessage(`costcalc cannot be started (${error.message}): ${INSTALL}, or set costcalc.command`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running) {
    await running.stop();
  }
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("costcalc.restart", async () => {
      await stop();
      await start();
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
