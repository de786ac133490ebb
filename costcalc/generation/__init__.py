"""Generation with decoder models: what the prompt's pass and each further token cost, and what the KV cache holds."""
