//! Starts `costcalc server --lsp` for YAML files. All answers come from the server.

use zed_extension_api::{self as zed, Command, LanguageServerId, Result, Worktree};

struct CostcalcExtension;

impl zed::Extension for CostcalcExtension {
    fn new() -> Self {
        CostcalcExtension
    }

    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let command = worktree
            .which("costcalc")
            .ok_or("costcalc is not on the PATH: pip install 'costcalc[lsp]'")?;
        Ok(Command {
            command,
            args: vec!["server".into(), "--lsp".into()],
            env: worktree.shell_env(),
        })
    }
}

zed::register_extension!(CostcalcExtension);
