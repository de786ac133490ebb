"""The short layer names of the YAML language; importing this package registers them."""

from costcalc.load.layers import activation, conv, linear, norm, pool, recurrent, tensor
from costcalc.load.layers.base import LAYERS

FAMILIES = (activation, conv, linear, norm, pool, recurrent, tensor)

__all__ = ["FAMILIES", "LAYERS"]
