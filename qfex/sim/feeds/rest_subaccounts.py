"""Operations on the caller's accounts: the primary one and its subaccounts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..engine import BalanceRow, Refused
from ..gateway.wire import number
from .operation import Body, Call, Operation
from .parameters import Parameter
from .problems import Problem, error, invalid


def subaccounts(call: Call) -> Body:
    """The ids of the caller's subaccounts; null when there are none."""
    return {"account_ids": call.venue.accounts.subaccounts(call.identity.user_id) or None}


def create(call: Call) -> Body:
    """Open a subaccount."""
    return {"account_id": call.venue.accounts.create_subaccount(call.identity.user_id)}


def transfer(call: Call) -> None:
    """Move free money between two of the caller's accounts."""
    source, destination, amount = call["src_account_id"], call["dst_account_id"], call["amount"]
    if not {source, destination} <= set(_accounts(call)):
        raise Problem(403, "account does not belong to the caller")
    if source == destination:
        raise Problem(400, "source and destination are the same account")
    if amount <= 0:
        raise invalid([error("expected number > 0", "body.amount", number(amount))])
    call.venue.histories.look_at(source)
    try:
        call.exchange.transfer(source, destination, amount)
    except Refused as refused:
        raise Problem(400, refused.message) from refused


def balances(call: Call) -> Body:
    """The free money of each of the caller's accounts."""
    return {"accounts": _each(call, "available_balance", lambda row: row.available_balance)}


def equities(call: Call) -> Body:
    """The equity of each of the caller's accounts. Its shape is modelled on that of the balances."""
    return {"accounts": _each(call, "equity", _equity)}


def _each(call: Call, member: str, value: Callable[[BalanceRow], Decimal]) -> list[Body]:
    return [
        {
            "account_id": account_id,
            member: number(value(call.exchange.balance(account_id))),
            "is_master": account_id == call.identity.user_id,
        }
        for account_id in _accounts(call)
    ]


def _equity(row: BalanceRow) -> Decimal:
    return row.available_balance + row.order_margin + row.position_margin


def _accounts(call: Call) -> list[str]:
    return [call.identity.user_id, *call.venue.accounts.subaccounts(call.identity.user_id)]


OPERATIONS = (
    Operation("GET", "/user/subaccounts", subaccounts, "ListSubaccountsResponseBody", private=True),
    Operation("POST", "/user/subaccounts", create, "CreateSubaccountResponseBody", private=True, trades=True),
    Operation(
        "POST",
        "/user/transfer",
        transfer,
        parameters=(
            Parameter("src_account_id", required=True),
            Parameter("dst_account_id", required=True),
        ),
        members={"amount": "number"},
        private=True,
        trades=True,
    ),
    Operation("GET", "/user/subaccounts/balance", balances, "SubaccountBalancesResponseBody", private=True),
    Operation("GET", "/user/subaccounts/equity", equities, "SubaccountEquitiesResponseBody", private=True),
)
