"""What training costs: gradients by rule, what they keep from the forward pass, and the optimiser's state."""
