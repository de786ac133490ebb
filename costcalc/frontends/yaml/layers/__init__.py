"""The short layer names of the YAML language; importing this package registers them."""

from costcalc.frontends.yaml.layers import activation, conv, linear, norm, pool, recurrent, tensor

FAMILIES = (activation, conv, linear, norm, pool, recurrent, tensor)
