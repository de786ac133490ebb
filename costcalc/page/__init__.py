"""Reports as one HTML page that asks nothing of the network: charts, tables and the network itself, to look through."""
