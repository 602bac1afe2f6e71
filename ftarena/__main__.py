"""`python -m ftarena` is the same program as `ftarena`."""

from ftarena.cli import main

if __name__ == "__main__":
    main()
