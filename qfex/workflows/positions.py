"""Positions and balance that are never older than what the client has reported.

The channels report them in pulses. Between a fill and the next pulse the newest report is older than the fill, so the REST
interface is asked then, and before the first pulse, when an empty answer would look like no position.
"""

from __future__ import annotations

from ..errors import QfexError, RequestTimeout
from ..models.account import Balance, Position
from ..threads import Deadline
from .account import Account
from .history import History

_PULSE_GRACE = 0.3  # seconds after the first report of a pulse, which has one message for each symbol


def read_positions(account: Account, history: History, deadline: Deadline) -> dict[str, Position]:
    """The position of each symbol, none of them older than a fill or an end that was reported.

    Raises
    ------
    RequestTimeout
        If neither the channel nor the REST interface reported them in time.
    """
    while not account.positions_are_current():
        if not _read_snapshot(account, history, deadline):
            if not account.wait_for_positions(deadline):
                raise RequestTimeout("the exchange did not report the positions", sent=True)
            account.pause(deadline.at_most(_PULSE_GRACE).remaining() or 0.0)
            account.note_pulse()
    return account.positions()


def read_balance(account: Account, history: History, deadline: Deadline) -> Balance | None:
    """The balance, not older than a fill or an end that was reported; None if it was never reported.

    Raises
    ------
    RequestTimeout
        If neither the channel nor the REST interface reported it since then in time.
    """
    while not account.balance_is_current():
        if not _read_snapshot(account, history, deadline) and not account.wait_for_balance(deadline):
            if account.balance() is None:
                return None
            raise RequestTimeout("the exchange did not report the balance", sent=True)
    return account.balance()


def _read_snapshot(account: Account, history: History, deadline: Deadline) -> bool:
    """Read positions and balance from the REST interface; whether it answered."""
    mark = account.mark()
    try:
        positions, balance = history.positions_and_balance(deadline)
    except QfexError:
        return False
    account.take_snapshot(mark, positions, balance)
    return True
