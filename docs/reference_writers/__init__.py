"""The code of costcalc -> the pages of docs/reference/ and docs/llms.txt: one module a page."""
