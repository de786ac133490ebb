"""Higher-order operators (cond, while_loop, scan, map, checkpoint …): calls with graphs inside -> nodes."""

from __future__ import annotations
