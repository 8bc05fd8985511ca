"""The simulator's own decimal context, so that the program's settings do not change the exchange's arithmetic."""

from __future__ import annotations

import contextvars
from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow, setcontext

#: Everything is given, so that it does not depend on `decimal.DefaultContext` either.
ARITHMETIC = Context(
    prec=28,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)


def own_variables() -> contextvars.Context:
    """Return context variables of which only the decimal context is set, to the simulator's own.

    asyncio runs a callback with the variables of the code that scheduled it. If that is the program's thread, its decimal
    context comes along, and not as a copy: the program would change the precision of a simulator that is running.
    """
    variables = contextvars.Context()
    variables.run(setcontext, ARITHMETIC.copy())
    return variables
