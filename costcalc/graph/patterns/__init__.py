"""Layers that a graph writes as one or as several nodes: linear layers, convolutions, activations, attention."""
