"""PyTorch modules in memory, or named by the user, exported by torch. Only here torch is imported."""
