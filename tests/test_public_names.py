"""The public contract: the exported names, their fields, and the signatures of the methods."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import attrs
import pytest

import qfex
from qfex import CancelIdType, TradeClient

CLIENTS = {"TradeClient", "MarketDataClient", "RestClient"}
PLACES = {"Environment", "PROD", "UAT", "HmacCredentials", "JwtCredentials"}
ENUMS = {
    "Side", "OrderType", "TimeInForce", "OrderStatus", "CancelIdType", "Channel", "MarketChannel", "CandleInterval",
    "ConnectionState", "ErrorCode",
}  # fmt: skip
MODELS = {
    "Order", "Fill", "Position", "Balance", "Twap", "StopOrder", "OpenOrders", "UserTrade", "Leverage", "Instrument",
    "Bbo", "OrderBook", "Level", "PublicTrade", "Candle", "MarkPrice", "FundingRate", "OpenInterest", "Underlier",
    "MinMaxPrice", "MarketStats", "ConnectionEvent",
}  # fmt: skip
REQUESTS = {"OrderRequest", "PendingOrder"}
POLICIES = {"ReconnectPolicy", "RateLimitPolicy"}
ERRORS = {
    "QfexError", "ValidationError", "ConfigurationError", "QfexConnectionError", "NotConnected", "ConnectionLost",
    "AuthenticationError", "RequestTimeout", "OutcomeUnknown", "OrderRejected", "ApiError", "RateLimited",
    "InvalidParameter", "InvalidOrder", "InvalidJSONFormat", "PermissionDenied", "AlreadyAuthenticated", "ServerError",
    "KycRequired", "TncRequired", "RestError",
}  # fmt: skip
#: Names that their methods also return or raise.
BEYOND = {"ErrorEvent", "Stats", "SlowConsumer", "ForkedClientError", "__version__"}
FUNCTIONS = {"environment_from_env", "credentials_from_env", "to_dict", "to_json", "to_frame"}

DOCUMENTED = CLIENTS | FUNCTIONS | PLACES | ENUMS | MODELS | REQUESTS | POLICIES | ERRORS


def test_exactly_the_documented_names_are_exported() -> None:
    assert set(qfex.__all__) == DOCUMENTED | BEYOND


def test_all_is_sorted_and_complete() -> None:
    assert qfex.__all__ == sorted(qfex.__all__, key=lambda name: (not name.isupper(), name))
    for name in qfex.__all__:
        getattr(qfex, name)  # some are imported on first use
    here = {
        name for name, value in vars(qfex).items() if not isinstance(value, ModuleType) and name[0] != "_"
    }
    assert here - {"annotations", "import_module", "TYPE_CHECKING"} == set(qfex.__all__) - {"__version__"}


@pytest.mark.parametrize("name", sorted(DOCUMENTED | BEYOND))
def test_every_name_has_a_docstring_of_its_own(name: str) -> None:
    value = getattr(qfex, name)
    if inspect.isclass(value):
        assert inspect.getdoc(value)
        assert value.__doc__ != value.__mro__[1].__doc__


# --- models ------------------------------------------------------------------------------------------------------


def blank(model: type) -> Any:
    """An instance whose required fields are None, or a text where they are checked."""
    value = "x" if model is qfex.JwtCredentials else None
    return model(**{field.name: value for field in attrs.fields(model) if field.default is attrs.NOTHING})


VALUES = sorted(
    MODELS | POLICIES | {"OrderRequest", "Environment", "HmacCredentials", "JwtCredentials", "Stats"}
)


@pytest.mark.parametrize("name", VALUES)
def test_values_are_frozen_and_slotted(name: str) -> None:
    model = getattr(qfex, name)
    value = blank(model)
    assert not hasattr(value, "__dict__")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, attrs.fields(model)[0].name, None)
    with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
        value.something_else = None


FIELDS = {
    "Environment": "trade_url market_data_url rest_url",
    "HmacCredentials": "public_key secret_key",
    "JwtCredentials": "token",
    "ConnectionEvent": "state attempt gap_start gap_end reason",
    "Order": "order_id client_order_id symbol status side order_type time_in_force quantity quantity_remaining"
    " quantity_filled price take_profit stop_loss reduce_only trade_id update_time user_id is_done is_live",
    "Fill": "trade_id user_id symbol price quantity side aggressor_side order_id fee order_type time_in_force"
    " order_price client_order_id remaining_quantity take_profit stop_loss execution_type time realised_pnl",
    "Position": "id symbol user_id position margin_alloc realised_pnl unrealised_pnl net_funding open_orders"
    " open_quantity leverage initial_margin maintenance_margin average_price",
    "Balance": "id user_id deposit realised_pnl order_margin position_margin unrealised_pnl net_funding"
    " available_balance fees referral_rewards",
    "Twap": "twap_id client_twap_id user_id status symbol total_quantity filled_quantity average_fill_price"
    " total_num_orders order_interval_secs reduce_only side updated_at created_at",
    "Leverage": "id symbol initial_margin maintenance_margin max_notional leverage",
    "UserTrade": "trade_id symbol price quantity side order_id fee order_type time_in_force aggressor_side"
    " client_order_id time execution_type",
    "StopOrder": "stop_order_id user_id symbol price quantity direction stop_order_type client_order_id update_time",
    "OpenOrders": "orders twaps",
    "Bbo": "bid ask",
    "OrderBook": "bids asks",
    "Level": "price quantity",
    "Instrument": "symbol tick_size lot_size min_price max_price min_quantity max_quantity order_types time_in_force"
    " status default_max_leverage market_hours product_category base_asset quote_asset margin_asset"
    " round_price round_quantity check",
    "PendingOrder": "client_order_id result",
    "ReconnectPolicy": "initial_delay max_delay heartbeat_interval heartbeat_timeout",
    "OrderRequest": "symbol side quantity price order_type time_in_force reduce_only take_profit stop_loss"
    " client_order_id",
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_documented_fields_exist(name: str) -> None:
    assert [member for member in FIELDS[name].split() if not hasattr(getattr(qfex, name), member)] == []


# --- enumerations ------------------------------------------------------------------------------------------------

MEMBERS = {
    "Side": {"BUY": "BUY", "SELL": "SELL"},
    "OrderType": {name: name for name in ("LIMIT", "MARKET", "ALO", "TAKE_PROFIT", "STOP_LOSS")},
    "TimeInForce": {name: name for name in ("GTC", "IOC", "FOK")},
    "CancelIdType": {name.upper(): name for name in ("order_id", "client_order_id", "twap_id", "client_twap_id")},
    "Channel": {
        "ORDERS": "order_responses", "FILLS": "fills", "POSITIONS": "positions", "BALANCES": "balances",
        "STOP_ORDERS": "stop_orders", "ERRORS": "errors", "CONNECTION": "connection", "TWAPS": "twaps",
    },
    "MarketChannel": {
        name.upper(): name
        for name in (
            "bbo", "level2", "trade", "candle", "mark_price", "funding", "open_interest", "underlier", "minmax_price",
            "market_stats", "errors", "connection",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", MEMBERS)
def test_members_of_enumerations_have_the_documented_texts(name: str) -> None:
    assert {member.name: member.value for member in getattr(qfex, name)} == MEMBERS[name]


def test_candle_intervals_have_the_documented_texts() -> None:
    assert [each.value for each in qfex.CandleInterval] == [
        "1MIN",
        "5MINS",
        "15MINS",
        "30MINS",
        "1HOUR",
        "4HOURS",
        "1DAY",
    ]


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_an_unknown_text_becomes_a_member_with_that_value(name: str) -> None:
    enumeration = getattr(qfex, name)
    strange = enumeration("SOMETHING_NEW")
    assert isinstance(strange, enumeration) and isinstance(strange, enum.Enum)
    assert strange.value == "SOMETHING_NEW" and strange is enumeration("SOMETHING_NEW")
    with pytest.raises(ValueError):
        enumeration(17)


# --- errors ------------------------------------------------------------------------------------------------------

PARENTS = {
    "QfexError": (Exception,),
    "ValidationError": (qfex.QfexError, ValueError),
    "ConfigurationError": (qfex.QfexError,),
    "QfexConnectionError": (qfex.QfexError,),
    "NotConnected": (qfex.QfexConnectionError,),
    "ConnectionLost": (qfex.QfexConnectionError,),
    "AuthenticationError": (qfex.QfexConnectionError,),
    "RequestTimeout": (qfex.QfexError, TimeoutError),
    "OutcomeUnknown": (qfex.RequestTimeout,),
    "OrderRejected": (qfex.QfexError,),
    "ApiError": (qfex.QfexError,),
    "RestError": (qfex.QfexError,),
    **dict.fromkeys(
        ("RateLimited", "InvalidParameter", "InvalidOrder", "InvalidJSONFormat", "PermissionDenied", "KycRequired",
         "AlreadyAuthenticated", "ServerError", "TncRequired"),
        (qfex.ApiError,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_errors_have_the_documented_parents(name: str) -> None:
    assert getattr(qfex, name).__bases__ == PARENTS[name]


# --- methods -----------------------------------------------------------------------------------------------------

#: Parameters after `self`, exactly as documented.
METHODS = {
    "connect": "",
    "close": "",
    "wait_until_ready": "timeout=None",
    "place_order": "symbol, side, quantity, price=None, *, order_type=None, time_in_force=None, reduce_only=False,"
    " take_profit=None, stop_loss=None, client_order_id=None, wait=False, timeout=None",
    "submit_order": "symbol, side, quantity, price=None, *, order_type=None, time_in_force=None,"
    " reduce_only=False, take_profit=None, stop_loss=None, client_order_id=None, timeout=None",
    "place_orders": "requests, *, timeout=None",
    "place_stop_order": "symbol, side, stop_type, quantity, trigger_price, *, client_order_id=None, timeout=None",
    "modify_order": "order, *, price=None, quantity=None, take_profit=None, stop_loss=None, reduce_only=None,"
    " timeout=None",
    "modify_stop_order": "stop_order, *, trigger_price, quantity, symbol=None, timeout=None",
    "cancel_order": "order, *, symbol=None, id_type=CancelIdType.ORDER_ID, timeout=None",
    "cancel_stop_order": "stop_order, *, timeout=None",
    "cancel_all_orders": "*, timeout=None",
    "close_position": "symbol, *, client_order_id=None, wait=False, timeout=None",
    "add_twap": "symbol, side, total_quantity, num_orders, order_interval_secs, *, reduce_only=False,"
    " client_twap_id=None, timeout=None",
    "cancel_twap": "twap, *, symbol=None, timeout=None",
    "get_order": "symbol, order_id, *, timeout=None",
    "get_user_orders": "*, symbol=None, limit=None, offset=None, timeout=None",
    "iter_user_orders": "*, symbol=None, page_size=1000",
    "get_user_trades": "*, order_id=None, start=None, end=None, limit=None, offset=None, timeout=None",
    "get_leverage": "*, timeout=None",
    "get_available_leverage": "*, timeout=None",
    "set_leverage": "symbol, leverage, *, timeout=None",
    "set_cancel_on_disconnect": "enabled, *, timeout=None",
    "subscribe": "*channels, timeout=None",
    "unsubscribe": "*channels, timeout=None",
    "on": "channel, callback",
    "wait_until_done": "order, timeout=None",
    "wait_until_twap_done": "twap, timeout=None, on_progress=None",
    "resolve": "client_order_id, symbol, timeout=None",
    "stats": "",
}


def shape(function: Callable[..., object]) -> dict[str, tuple[Any, Any]]:
    parameters = inspect.signature(function).parameters.values()
    return {each.name: (each.kind, each.default) for each in parameters}


def check_shape(actual: Callable[..., object], documented: Callable[..., object]) -> None:
    """Require the documented parameters in their order. Others must be keyword-only and optional."""
    has, wanted = shape(actual), shape(documented)
    assert {name: has.get(name) for name in wanted} == wanted
    assert [name for name in has if name in wanted] == list(wanted)
    for name in has.keys() - wanted.keys():
        kind, default = has[name]
        assert kind is inspect.Parameter.KEYWORD_ONLY and default is not inspect.Parameter.empty


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_called_as_documented(name: str) -> None:
    documented = eval(f"lambda self, {METHODS[name]}: None", {"CancelIdType": CancelIdType})
    check_shape(getattr(TradeClient, name), documented)


@pytest.mark.parametrize("name", [*METHODS, "stream", "place_limit_order", "place_market_order", "from_env"])
def test_every_method_has_a_docstring_and_annotations(name: str) -> None:
    method = getattr(TradeClient, name)
    assert inspect.getdoc(method)
    signature = inspect.signature(method)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(
        each.annotation is not each.empty for each in signature.parameters.values() if each.name != "self"
    )


def test_limit_and_market_orders_have_the_obvious_signatures() -> None:
    limit, at_market = shape(TradeClient.place_limit_order), shape(TradeClient.place_market_order)
    assert list(limit)[:5] == ["self", "symbol", "side", "quantity", "price"]
    assert list(at_market)[:4] == ["self", "symbol", "side", "quantity"] and "price" not in at_market
    assert limit["price"][1] is inspect.Parameter.empty
    for each in (limit, at_market):
        assert each["wait"][1] is False and each["reduce_only"][1] is False
        assert {
            "reduce_only",
            "take_profit",
            "stop_loss",
            "client_order_id",
            "wait",
            "timeout",
        } <= each.keys()


def test_a_stream_takes_channels_and_a_size() -> None:
    has = shape(TradeClient.stream)
    assert has["channels"][0] is inspect.Parameter.VAR_POSITIONAL
    assert has["maxsize"][0] is inspect.Parameter.KEYWORD_ONLY and has["maxsize"][1] > 0


def test_the_client_is_constructed_as_documented() -> None:
    has = shape(TradeClient)
    defaults = {
        "account_id": None, "cancel_on_disconnect": False, "request_timeout": 10.0,
        "reconnect": qfex.ReconnectPolicy(), "rate_limit": qfex.RateLimitPolicy(), "instruments": None,
    }  # fmt: skip
    assert list(has)[:2] == ["environment", "credentials"]
    assert {name: has[name] for name in defaults} == {
        name: (inspect.Parameter.KEYWORD_ONLY, value) for name, value in defaults.items()
    }
    assert qfex.ReconnectPolicy() == qfex.ReconnectPolicy(1.0, 30.0, 15.0, 10.0)


def test_state_is_read_through_properties() -> None:
    for name in ("state", "positions", "balance", "open_orders"):
        assert isinstance(inspect.getattr_static(TradeClient, name), property)
