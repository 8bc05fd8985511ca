"""``python -m qfex.demo``: the tour."""

import sys

from .tour import main

if __name__ == "__main__":
    sys.exit(main())
