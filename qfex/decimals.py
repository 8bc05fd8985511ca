"""Decimal arithmetic that no setting of the program changes.

The context of `decimal` belongs to the program: trading scripts set its precision to 8, or its rounding, or its traps,
and every operator obeys it, the unary minus and `abs` included. Comparisons and conversions from text do not.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow


def own_context(precision: int) -> Context:
    """Return a context in which everything is given, so that it does not depend on `decimal.DefaultContext` either."""
    return Context(
        prec=precision,
        rounding=ROUND_HALF_EVEN,
        Emin=-999_999,
        Emax=999_999,
        capitals=1,
        clamp=0,
        flags=[],
        traps=[InvalidOperation, DivisionByZero, Overflow],
    )


#: Exact for sums, differences and products of the exchange's numbers, which have at most some 20 digits.
EXACT = own_context(100)
