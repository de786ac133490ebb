"""Graph to figures: report, memory, roofline, training. Plain frozen data; reads no model file; no words."""
