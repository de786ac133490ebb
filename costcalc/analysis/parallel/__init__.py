"""A graph over several devices: how its tensors are split (tensor, expert, pipeline), and what devices send."""
