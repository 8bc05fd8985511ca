"""``python -m qfex.cli``: the same as ``qfex-sync``."""

from __future__ import annotations

from . import main

if __name__ == "__main__":
    main()
