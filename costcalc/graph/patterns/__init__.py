"""Layers that a graph writes in one or in several nodes: linear layers, convolutions, activations, attention."""
