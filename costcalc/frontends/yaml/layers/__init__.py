"""The short layer names of the YAML language; importing this package registers them."""

from costcalc.frontends.yaml.layers import (
    activation,
    attention,
    conv,
    experts,
    linear,
    llm,
    norm,
    pool,
    recurrent,
    tensor,
)

FAMILIES = (activation, attention, conv, experts, linear, llm, norm, pool, recurrent, tensor)
