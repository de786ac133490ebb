"""Reports -> charts as plain data: bars of cost, live bytes, roofs, the front of several; drawing is elsewhere."""
