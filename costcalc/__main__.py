"""python -m costcalc, and the console script."""

import gc

gc.disable()  # a run is short and keeps what it makes; collecting doubles the time of a graph of 100,000 nodes

from costcalc.cli.run import main  # noqa: E402

if __name__ == "__main__":
    main()
