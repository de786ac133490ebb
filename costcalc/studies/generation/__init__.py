"""A decoder model to what the prompt's pass and each further token cost, and what its KV cache holds."""
