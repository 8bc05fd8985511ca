"""Error messages: which request an echo names, in every form of echo, and the exception of each error."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

import qfex
from qfex import CancelIdType, Channel, ErrorCode, OrderType, Side, TimeInForce
from qfex.protocol.command import Command
from qfex.protocol.trade import commands as c
from qfex.protocol.trade.answers import error_of
from qfex.protocol.wire.codec import parse_json
from qfex.protocol.wire.failures import Failure, api_error, echo_keys, echoes, retry_after

LIMIT = c.AddOrder("AAPL-USD", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, D("0.5"), D("180.25"), False, "c1")
COMMANDS: list[Command] = [
    LIMIT,
    c.ModifyOrder("AAPL-USD", "o1", Side.BUY, OrderType.LIMIT, D("181.5"), D(3), False),
    c.CancelOrder("AAPL-USD", "o1"),
    c.CancelOrder("AAPL-USD", "c1", CancelIdType.CLIENT_ORDER_ID),
    c.CancelAllOrders(),
    c.CancelStopOrder("s1"),
    c.ModifyStopOrder("s1", "AAPL-USD", D("170.5"), D(1)),
    c.ClosePosition("AAPL-USD", "c5"),
    c.AddTwap("AAPL-USD", Side.BUY, D(10), 5, 30, False, "t1"),
    c.SetLeverage("AAPL-USD", D("10.5")),
    c.SetCancelOnDisconnect(True),
    c.GetOrder("AAPL-USD", "o1"),
    c.GetUserOrders("AAPL-USD", 10, 0),
    c.GetUserTrades("o1", 20, 40),
    c.GetLeverage(5, 0),
    c.GetAvailableLeverage(),
    c.Subscribe((Channel.ORDERS, Channel.FILLS)),
    c.Unsubscribe((Channel.FILLS,)),
]


def wire(command: Command) -> dict[str, Any]:
    message: dict[str, Any] = parse_json(command.encode())
    return message


def as_sent(message: dict[str, Any]) -> dict[str, Any]:
    return message


def with_floats_and_nulls(message: dict[str, Any]) -> dict[str, Any]:
    """As a typed server serialises it afresh: every number a float, absent members null."""
    params = {name: _float(value) for name, value in message["params"].items()}
    return {"type": message["type"], "params": {**params, "builder_code": None, "take_profit": None}}


def _float(value: Any) -> Any:
    is_number = isinstance(value, (int, D)) and not isinstance(value, bool)
    return D(repr(float(value))) if is_number else value


def flat(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": message["type"], **message["params"]}


def in_upper_case(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "type": message["type"].upper()}


def flags_as_numbers(message: dict[str, Any]) -> dict[str, Any]:
    params = message["params"].items()
    return {
        **message,
        "params": {name: int(value) if isinstance(value, bool) else value for name, value in params},
    }


def identifiers_alone(message: dict[str, Any]) -> dict[str, Any]:
    params = message["params"].items()
    return {**message, "params": {name: value for name, value in params if name.endswith("_id")}}


FORMS = [as_sent, with_floats_and_nulls, flat, in_upper_case, flags_as_numbers, identifiers_alone]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.type)
def test_an_echo_names_its_command_in_every_form(command: Command, form: Any) -> None:
    assert echoes(command, form(wire(command)))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.type)
def test_an_echo_names_no_other_command(command: Command) -> None:
    others = [other for other in COMMANDS if other is not command]
    assert [other for other in others if echoes(other, wire(command))] == []


@pytest.mark.parametrize(
    "changed",
    [{"client_order_id": "c2"}, {"price": D("180.26")}, {"quantity": D("0.50001")}, {"side": "SELL"},
     {"reduce_only": True}, {"symbol": "GOLD-USD"}, {"order_type": "ALO"}, {"price": "180.25 or so"}],
)  # fmt: skip
def test_one_different_member_is_another_message(changed: dict[str, Any]) -> None:
    message = wire(LIMIT)
    assert not echoes(LIMIT, {**message, "params": {**message["params"], **changed}})


def test_without_a_type_a_shared_member_must_agree() -> None:
    assert echoes(LIMIT, {"params": {"client_order_id": "c1"}})
    assert not echoes(LIMIT, {"params": {"client_order_id": "c2"}})
    assert not echoes(LIMIT, {"params": {"colour": "green"}})
    assert not echoes(LIMIT, {})


def test_a_number_may_have_gone_through_a_binary_float() -> None:
    command = c.SetLeverage("A", D("0.1234567890123456789"))
    assert echoes(command, {"type": command.type, "params": {"leverage": D(repr(0.1234567890123456789))}})


def test_an_echo_is_looked_up_by_its_most_telling_identifier() -> None:
    assert list(echo_keys(wire(LIMIT))) == ["c1", "add_order"]
    assert list(echo_keys(flat(wire(LIMIT)))) == ["c1", "add_order"]
    assert list(echo_keys({"type": "modify_order", "params": {"order_id": "o", "client_order_id": ""}})) == [
        "o", "modify_order",
    ]  # fmt: skip
    assert list(echo_keys({"type": "add_twap", "params": {"client_twap_id": "t", "order_id": 7}})) == [
        "t",
        "add_twap",
    ]


# --- errors ------------------------------------------------------------------------------------------------------

CLASSES = {
    ErrorCode.RATE_LIMITED: qfex.RateLimited,
    ErrorCode.INVALID_JSON_FORMAT: qfex.InvalidJSONFormat,
    ErrorCode.ALREADY_AUTHENTICATED: qfex.AlreadyAuthenticated,
    ErrorCode.INVALID_PARAMETER: qfex.InvalidParameter,
    ErrorCode.INVALID_ORDER: qfex.InvalidOrder,
    ErrorCode.INVALID_PRICE: qfex.ApiError,
    ErrorCode.PERMISSION_DENIED: qfex.PermissionDenied,
    ErrorCode.SERVER_ERROR: qfex.ServerError,
    ErrorCode.ALREADY_SUBSCRIBED_TO_LEADERBOARD: qfex.ApiError,
    ErrorCode.KYC_REQUIRED: qfex.KycRequired,
    ErrorCode.TNC_REQUIRED: qfex.TncRequired,
}


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_its_exception(code: ErrorCode) -> None:
    error = api_error(Failure(code, "words", {"type": "x"}))
    assert type(error) is CLASSES[code]
    assert (error.error_code, error.message, error.incoming_message) == (code, "words", {"type": "x"})
    assert str(error) == f"{code.value}: words"


def test_an_unknown_code_is_an_api_error() -> None:
    error = api_error(Failure(ErrorCode("MarketOnFire")))
    assert type(error) is qfex.ApiError and str(error) == "MarketOnFire"


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("retry after 250ms", 0.25),
        ("Rate limit exceeded, retry in 1.5 s", 1.5),
        ("slow down for 3 seconds please", 3.0),
        ("try again in 2s.", 2.0),
        ("wait 10 secs", 10.0),
        ("wait 100 milliseconds", 0.1),
        ("1 minute", 60.0),
        ("12000 units in 2m", 120.0),
        ("too many", None),
        ("limit is 200", None),
        ("", None),
    ],
)
def test_the_time_to_wait_is_read_from_the_text(text: str, seconds: float | None) -> None:
    assert retry_after(text) == seconds
    error = api_error(Failure(ErrorCode.RATE_LIMITED, text))
    assert isinstance(error, qfex.RateLimited) and error.retry_after == seconds


def test_an_error_during_authentication_refuses_the_credentials_unless_it_may_pass() -> None:
    auth = c.Authenticate({"jwt": "t"})
    refused = error_of(Failure(ErrorCode.PERMISSION_DENIED, "unknown key"), auth)
    assert isinstance(refused, qfex.AuthenticationError) and "unknown key" in str(refused)
    for code in (ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR):
        assert isinstance(error_of(Failure(code), auth), qfex.ConnectionLost)
    assert isinstance(error_of(Failure(ErrorCode.SERVER_ERROR), LIMIT), qfex.ServerError)
