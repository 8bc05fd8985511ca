"""Positions, balances, confirmations, authentication, acknowledgements and errors."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import Balance, ErrorCode, Position
from qfex.protocol.trade.messages import (
    Ack,
    Authenticated,
    Subscribed,
    Unsubscribed,
    decode,
)
from qfex.protocol.wire.failures import Failure, Undecodable

from . import recorded
from .recorded import USER_ID


def read(frame: str) -> Any:
    (message,) = decode(frame.encode())
    return message


def test_a_position() -> None:
    position = read(recorded.POSITION)
    assert position == Position(
        symbol="AAPL-USD",
        position=D("-2.5"),
        average_price=D("200.1"),
        realised_pnl=D("1.25"),
        unrealised_pnl=D("-0.75"),
        net_funding=D("0.001"),
        leverage=D(20),
        initial_margin=D("0.05"),
        maintenance_margin=D("0.03333333333333333"),
        margin_alloc=D(25),
        id="AAPL-USD",
        user_id=USER_ID,
    )


def test_a_balance() -> None:
    balance = read(recorded.BALANCE)
    assert (balance.deposit, balance.fees, balance.referral_rewards) == (1000, D("1.5"), None)
    assert (balance.realised_pnl, balance.unrealised_pnl, balance.net_funding) == (
        D("10.5"),
        D("-5.25"),
        D("-0.5"),
    )
    assert (balance.order_margin, balance.position_margin, balance.available_balance) == (20, 30, D("954.75"))
    assert balance.equity == D("1004.75")


def test_the_older_envelope_of_balances() -> None:
    balance = read(recorded.BALANCE_ENVELOPE)
    assert isinstance(balance, Balance) and (balance.deposit, balance.available_balance) == (1000, 1000)


def test_the_older_envelope_of_positions_holds_several() -> None:
    first, second = decode(recorded.POSITION_ENVELOPE.encode())
    assert isinstance(first, Position) and isinstance(second, Position)
    assert (first.symbol, first.position, second.symbol) == ("PLTR-USD", 3, "AAPL-USD")


def test_older_updates_are_recognised_by_their_type() -> None:
    assert read(recorded.POSITION_UPDATE) == Position("PLTR-USD", D(1))
    assert read(recorded.BALANCE_UPDATE) == Balance(deposit=D(7))


# --- confirmations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "channel", ["order_responses", "fills", "positions", "balances", "stop_orders", "brand_new"]
)
def test_confirmations_of_subscriptions(channel: str) -> None:
    assert read(json.dumps({"subscribed": channel})) == Subscribed(channel)
    assert read(json.dumps({"unsubscribed": channel})) == Unsubscribed(channel)
    assert read(json.dumps({"type": "subscribed", "channel": channel})) == Subscribed(channel)
    assert read(json.dumps({"type": "unsubscribed", "channel": channel})) == Unsubscribed(channel)


def test_a_confirmation_may_name_several_channels() -> None:
    assert decode(b'{"subscribed":["fills","positions"]}') == [Subscribed("fills"), Subscribed("positions")]
    both = b'{"type":"subscribed","channels":["fills","positions"],"symbols":[]}'
    assert decode(both) == [Subscribed("fills"), Subscribed("positions")]


# --- authentication ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        '{"authenticated":true}',
        '{"authenticated":{"success":true}}',
        '{"authenticated":{"user_id":"x"}}',
        '{"type":"authenticated"}',
        '{"type":"auth","result":"success"}',
        '{"type":"auth","status":"ok"}',
        '{"type":"authenticated_response","status":"ok"}',
    ],
)
def test_every_form_of_granted_authentication(frame: str) -> None:
    assert read(frame) == Authenticated(True)


@pytest.mark.parametrize(
    "frame",
    [
        '{"authenticated":false}',
        '{"authenticated":{"success":false}}',
        '{"authenticated":{"error":"bad key"}}',
        '{"type":"auth","result":"failed"}',
        '{"type":"auth","result":"error","message":"bad key"}',
        '{"type":"authenticated","success":false}',
        '{"type":"authenticated","error":"bad key"}',
    ],
)
def test_every_form_of_refused_authentication(frame: str) -> None:
    message = read(frame)
    assert isinstance(message, Authenticated) and not message.ok
    assert message.reason
    assert ("bad key" in frame) == ("bad key" in message.reason)


# --- acknowledgements --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ['{"ack_response":true}', '{"ack":{}}', '{"ack":true}', '{"ack":{"x":1}}'])
def test_an_acknowledgement_without_an_echo(frame: str) -> None:
    assert read(frame) == Ack(None)


def test_an_acknowledgement_with_its_echo() -> None:
    echo = {"type": "set_user_leverage", "params": {"symbol": "AAPL-USD", "leverage": 10.5}}
    assert read(json.dumps({"ack": {"incoming_message": echo}})) == Ack(
        {"type": "set_user_leverage", "params": {"symbol": "AAPL-USD", "leverage": D("10.5")}}
    )
    assert (
        read(json.dumps({"ack": {"incoming_message": json.dumps(echo)}})).echo["type"] == "set_user_leverage"
    )


# --- errors ------------------------------------------------------------------------------------------------------


def test_an_error_with_its_echo() -> None:
    failure = read(recorded.ERR)
    assert (failure.code, failure.message) == (ErrorCode.INVALID_PARAMETER, "quantity is out of range")
    assert failure.echo == {
        "type": "add_order",
        "params": {
            "symbol": "AAPL-USD",
            "quantity": D("10.0"),
            "take_profit": None,
            "stop_loss": None,
            "client_order_id": "my-client-oid",
        },
    }


def test_an_echo_as_text_is_parsed_where_it_is_json() -> None:
    failure = read(recorded.ERR_WITH_TEXT)
    assert failure == Failure(
        ErrorCode.INVALID_JSON_FORMAT, None, {"type": "get_order", "params": {"order_id": 1}}
    )
    assert read(recorded.ERR_WITH_RAW_TEXT).echo == "{not json"


@pytest.mark.parametrize(
    "frame, code, message",
    [
        (recorded.ERR_BARE, ErrorCode.RATE_LIMITED, "retry after 250ms"),
        (recorded.ERR_FLAT_UPPER, ErrorCode.SERVER_ERROR, None),
        (recorded.ERR_BY_CODE_ALONE, ErrorCode.KYC_REQUIRED, "identity"),
        (recorded.ERR_SNAKE_CASE, ErrorCode.INVALID_PARAMETER, "num_orders"),
        ('{"err":"ServerError"}', ErrorCode.SERVER_ERROR, None),
        ('{"err":{"code":"TncRequired"}}', ErrorCode.TNC_REQUIRED, None),
    ],
)
def test_errors_without_an_echo(frame: str, code: ErrorCode, message: str | None) -> None:
    assert read(frame) == Failure(code, message, None)


def test_an_older_flat_error() -> None:
    assert read(recorded.ERR_FLAT) == Failure(
        ErrorCode.PERMISSION_DENIED, "no", {"type": "cancel_all_orders"}
    )


@pytest.mark.parametrize("code", list(ErrorCode))
def test_error_codes_are_recognised_in_any_casing(code: ErrorCode) -> None:
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in code.value).lstrip("_")
    for spelling in (
        code.value,
        code.value.lower(),
        code.value.upper(),
        words.lower(),
        words.upper(),
        code.name,
    ):
        assert read(json.dumps({"err": {"error_code": spelling}})).code is code


def test_an_unknown_error_code_is_kept() -> None:
    code = read('{"err":{"error_code":"MarketOnFire"}}').code
    assert code.value == "MarketOnFire" and not code.is_known


@pytest.mark.parametrize("member", ["hmac", "jwt", "signature", "nonce", "public_key", "secret_key"])
def test_an_echo_shows_no_secret(member: str) -> None:
    echo = {"type": "auth", "params": {member: "s3cret", "account_id": "a"}}
    for incoming in (echo, json.dumps(echo), json.dumps(echo)[:-1]):
        message = read(json.dumps({"err": {"error_code": "PermissionDenied", "incoming_message": incoming}}))
        assert "s3cret" not in repr(message) and "PermissionDenied" in repr(message)


# --- what nobody understands -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    ["", "nonsense", "7", "null", '"text"', "{}", '{"hello":1}', '{"type":"news"}', '{"type":"subscribed"}', "{" * 9,
     '{"order_response":null}', "[1]", '{"user_trades":7}', '{"position_response":{"position":1}}'],
)  # fmt: skip
def test_a_frame_that_cannot_be_read_keeps_its_text(frame: str) -> None:
    message = read(frame)
    assert isinstance(message, Undecodable)
    assert message.text == frame


def test_an_empty_list_is_no_message() -> None:
    assert decode(b"[]") == []


def test_foreign_text_is_kept_short_and_without_secrets() -> None:
    message = read('{"hello":"%s","jwt":"s3cret"}' % ("x" * 5000))
    assert len(message.text) < 3000
    assert "s3cret" not in read('{"hello":1,"jwt":"s3cret"}').text
