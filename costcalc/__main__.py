"""python -m costcalc, and the console script."""

from costcalc.cli.run import main

if __name__ == "__main__":
    main()
