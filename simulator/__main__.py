"""`python -m simulator` is `mpsim`."""

from simulator.cli.main import main

if __name__ == "__main__":
    main()
