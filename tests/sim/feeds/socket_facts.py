"""The published description of the sockets (AsyncAPI), in the notation of `shapes`.

The published schemas do not say which members are required; here all members are required, except those that are marked.
"""

from __future__ import annotations

_SIDE = "BUY|SELL"
_TYPE = "LIMIT|MARKET|ALO|TAKE_PROFIT|STOP_LOSS|STOP_MARKET"
_TIF = "GTC|IOC|FOK"
_STATUS = (
    "ACK|FILLED|MODIFIED|CANCELLED|CANCELLED_STP|REJECTED|NO_SUCH_ORDER|INVALID_ORDER_TYPE|BAD_SYMBOL|"
    "PRICE_LESS_THAN_MIN_PRICE|PRICE_GREATER_THAN_MAX_PRICE|CANNOT_MODIFY_PARTIAL_FILL|FAILED_MARGIN_CHECK|"
    "INVALID_TICK_SIZE_PRECISION_PRICE|INVALID_TICK_SIZE_PRECISION_QUANTITY|QUANTITY_LESS_THAN_MIN_QUANTITY|"
    "QUANTITY_GREATER_THAN_MAX_QUANTITY|INVALID_TIME_IN_FORCE|REJECTED_WOULD_BREACH_MAX_NOTIONAL|"
    "CANNOT_MODIFY_NO_SUCH_ORDER|REJECTED_MARKET_CLOSED|REJECTED_FAILED_TO_PROCESS|INVALID_TAKEPROFIT_PRICE|"
    "INVALID_STOPLOSS_PRICE|RATE_LIMITED|REJECTED_TOO_MANY_OPEN_ORDERS|REJECTED_OPEN_INTEREST_LIMIT"
)
_ERROR = (
    "RateLimited|InvalidJSONFormat|AlreadyAuthenticated|InvalidParameter|PermissionDenied|ServerError|"
    "InvalidOrder|KycRequired|TncRequired"
)

TRADE_SCHEMAS = {
    "OrderResponse": (
        f"order_id string, symbol string, status {_STATUS}, quantity number, price number, take_profit number, "
        f"stop_loss number, side {_SIDE}, type {_TYPE}, time_in_force {_TIF}, user_id string, client_order_id "
        "string, quantity_remaining number, update_time number, trade_id string?"
    ),
    "AllOrdersResponse": "orders [OrderResponse], twaps [TwapResponse]",
    "TwapResponse": (
        "twap_id string, client_twap_id string?, user_id string, status string, symbol string, total_quantity "
        "number, filled_quantity number, average_fill_price number, total_num_orders integer, "
        f"order_interval_secs integer, reduce_only boolean, side {_SIDE}, updated_at number?, created_at number?"
    ),
    "FillResponse": (
        f"trade_id string, user_id string, symbol string, price number, quantity number, side {_SIDE}, "
        f"aggressor_side {_SIDE}, order_id string, fee number, order_type {_TYPE}, tif {_TIF}, order_price "
        "number, client_order_id string, remaining_quantity number, take_profit number, stop_loss number, "
        "execution_type string, timestamp number, realised_pnl number"
    ),
    "TradePayload": (
        f"trade_id string, symbol string, price number, quantity number, side {_SIDE}, order_id string, fee "
        f"number, order_type {_TYPE}, tif {_TIF}"
    ),
    "BalancePayload": (
        "id string, user_id string, deposit number, realised_pnl number, order_margin number, position_margin "
        "number, unrealised_pnl number, net_funding number, available_balance number, referral_rewards number, "
        "fees number"
    ),
    "PositionPayload": (
        "id string, symbol string, position number, margin_alloc number, realised_pnl number, unrealised_pnl "
        "number, net_funding number, open_orders number, open_quantity number, leverage number, initial_margin "
        "number, maintenance_margin number, average_price number"
    ),
    "LeveragePublic": (
        "id string, symbol string, initial_margin number, maintenance_margin number, max_notional number, "
        "leverage string"
    ),
    "StopOrder": (
        f"stop_order_id string, user_id string, symbol string, price number, quantity number, direction {_SIDE}, "
        "stop_order_type TAKE_PROFIT|STOP_LOSS, client_order_id string, update_time time"
    ),
    "AckResponse": "incoming_message any",
    "ErrResponse": f"error_code {_ERROR}, message? string?, incoming_message? any",
}

# The top-level keys of messages and the shapes of their payloads.
TRADE_FRAMES = {
    "authenticated": "boolean",
    "subscribed": "string",
    "unsubscribed": "string",
    "order_response": "OrderResponse",
    "all_orders_response": "AllOrdersResponse",
    "fill_response": "FillResponse",
    "user_trades_response": "[TradePayload]",
    "balance_response": "BalancePayload",
    "position_response": "PositionPayload",
    "stop_order_response": "StopOrder",
    "user_leverage_response": "[LeveragePublic]",
    "available_leverage_levels_response": "[LeveragePublic]",
    "twap_response": "TwapResponse",
    "ack": "AckResponse",
    "err": "ErrResponse",
}

_LIVE = "observed on the wire"
_DOCUMENTED = "from the documentation's pages, which differ from the schema"
TRADE_EXCEPTIONS = {
    "live": {
        "OrderResponse.reduce_only: unexpected": _LIVE,
        "OrderResponse.status: 'IOC_CANCELLED' is no choice": _LIVE,
        "PositionPayload.user_id: unexpected": _LIVE,
        "TradePayload.execution_type: unexpected": _LIVE,
        "ErrResponse.error_code: 'InvalidPrice' is no choice": _LIVE,
    },
    "documented": {
        "auth: no such frame": _DOCUMENTED,
        "ack_response: no such frame": _DOCUMENTED,
        "user_trades: no such frame": _DOCUMENTED,
        "PositionPayload.user_id: unexpected": _DOCUMENTED,
        "AllOrdersResponse.stop_orders: unexpected": _DOCUMENTED,
        "AllOrdersResponse.twaps: missing": _DOCUMENTED,
        "ErrResponse.error_code: 'invalid_parameter' is no choice": _DOCUMENTED,
        "ErrResponse.error_code: 'InvalidPrice' is no choice": _LIVE,
    },
}

MARKET_DATA_SCHEMAS = {
    "level2": "time time, symbol string, bid [[string]], ask [[string]], sig_figs integer",
    "trade": (
        f"trade_id string, time time, symbol string, size string, price string, side {_SIDE}, execution_type "
        "string"
    ),
    "candle": (
        "start time, symbol string, resolution string, open string, high string, low string, close string, "
        "usdVolume integer, trades integer"
    ),
    "bbo": "time time, symbol string, bid [[string]], ask [[string]]",
    "underlier": "time time, symbol string, price string, source internal|external",
    "funding": "time time, symbol string, funding_rate string, time_remaining integer",
    "mark_price": "time time, symbol string, price string",
    "open_interest": "time time, symbol string, open_interest string",
    "minmax_price": "time time, symbol string, min_price string, max_price string",
    "market_stats": (
        "time time, symbol string, bbos [bbo], mark_prices [mark_price], open_interests [open_interest], "
        "daily_volumes [DailyVolume]"
    ),
    "DailyVolume": "symbol string, volume string",
}

# The schemas put payloads into the ``contents`` of an envelope with ``connection_id`` and ``message_id``. Captured frames
# and the examples in the schemas are flat objects with a ``sequence``; the payloads are compared with these.
MARKET_DATA_EXCEPTIONS = {"funding.annualised_funding_rate: unexpected": "in captured frames"}
