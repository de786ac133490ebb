"""The operators' rules, one family a file; importing this package registers them all."""

from costcalc.ops import conv, matmul

FAMILIES = (conv, matmul)
