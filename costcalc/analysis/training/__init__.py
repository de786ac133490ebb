"""Report to the cost of a training step: gradients, what they keep of the forward pass, the optimizer's state."""
