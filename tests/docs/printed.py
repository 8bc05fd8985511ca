"""How the documentation's outputs are compared with real ones."""

from __future__ import annotations

import doctest

_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def assert_printed(expected: str, printed: str) -> None:
    """Compare, where ``...`` stands for anything and the amount of space does not count."""
    same = doctest.OutputChecker().check_output(expected, printed, _OPTIONS)
    assert same, f"the page says\n{expected}\nand really it is\n{printed}"
