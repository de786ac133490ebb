"""The language server of YAML models and configs: what an editor asks about a text -> what it shows (LSP 3.17)."""
