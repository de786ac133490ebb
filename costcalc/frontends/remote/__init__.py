"""Models on a server (`hf:ORG/NAME@REV`, `https://…`): configuration, index and headers by ranges, never weights."""
