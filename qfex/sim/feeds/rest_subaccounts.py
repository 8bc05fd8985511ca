"""Operations on the caller's primary account and its subaccounts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..engine import BalanceRow, Refused
from ..gateway.wire import number
from .rest_operation import Body, Operation, RestRequest
from .rest_parameters import Parameter, Problem, error, invalid


def subaccounts(request: RestRequest) -> Body:
    """The ids of the caller's subaccounts; null if there are none."""
    return {"account_ids": request.context.accounts.subaccounts(request.identity.user_id) or None}


def create(request: RestRequest) -> Body:
    """Open a subaccount."""
    return {"account_id": request.context.accounts.create_subaccount(request.identity.user_id)}


def transfer(request: RestRequest) -> None:
    """Move available money between two of the caller's accounts."""
    source, destination, amount = request["src_account_id"], request["dst_account_id"], request["amount"]
    if not {source, destination} <= set(_accounts(request)):
        raise Problem(403, "account does not belong to the caller")
    if source == destination:
        raise Problem(400, "source and destination are the same account")
    if amount <= 0:
        raise invalid([error("expected number > 0", "body.amount", number(amount))])
    request.context.account_statistics.sample_account(source)
    try:
        request.exchange.transfer(source, destination, amount)
    except Refused as refused:
        raise Problem(400, refused.message) from refused


def balances(request: RestRequest) -> Body:
    """The available balance of each of the caller's accounts."""
    return {"accounts": _each(request, "available_balance", lambda row: row.available_balance)}


def equities(request: RestRequest) -> Body:
    """The equity of each of the caller's accounts. Its shape is unpublished and follows that of the balances."""
    return {"accounts": _each(request, "equity", _equity)}


def _each(request: RestRequest, member: str, value: Callable[[BalanceRow], Decimal]) -> list[Body]:
    return [
        {
            "account_id": account_id,
            member: number(value(request.exchange.balance(account_id))),
            "is_master": account_id == request.identity.user_id,
        }
        for account_id in _accounts(request)
    ]


def _equity(row: BalanceRow) -> Decimal:
    return row.available_balance + row.order_margin + row.position_margin


def _accounts(request: RestRequest) -> list[str]:
    return [request.identity.user_id, *request.context.accounts.subaccounts(request.identity.user_id)]


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
