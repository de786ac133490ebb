"""python -m costcalc, and the console script."""

import atexit
import gc
import sys
from typing import NoReturn

gc.disable()  # a run is short and keeps what it makes; collecting doubles the time of a graph of 100,000 nodes

atexit.register(gc.freeze)
"""The interpreter ends with full collections, even where collecting is off. Frozen objects are not walked then: that
is a tenth of the time of `costcalc analyze lenet5`. What stands in a cycle is left to the operating system."""

INTERRUPTED = 130


def main() -> NoReturn:
    """Runs the command line. What cannot even be imported is exit 2: Python itself would end with 1, which is a
    verdict. Ctrl-C while the program is still read ends it without a traceback."""
    try:
        from costcalc.cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if "--debug" in sys.argv:
            import traceback

            traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        print(
            f"costcalc: it cannot start ({what}); is it installed whole, and does a file here hide a module?",
            file=sys.stderr,
        )
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
