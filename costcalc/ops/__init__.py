"""The operators' rules, one family a file; importing this package registers them all."""

from costcalc.ops import (
    attention,
    conv,
    einsum,
    matmul,
    recurrent,
)

FAMILIES = (
    attention,
    conv,
    einsum,
    matmul,
    recurrent,
)
