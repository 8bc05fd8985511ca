"""The columns of the table of each model: attribute -> heading."""

from __future__ import annotations

ORDER = {
    "order_id": "order id",
    "client_order_id": "client order id",
    "symbol": "symbol",
    "side": "side",
    "order_type": "type",
    "time_in_force": "tif",
    "quantity": "quantity",
    "quantity_remaining": "remaining",
    "price": "price",
    "status": "status",
}
POSITION = {
    "symbol": "symbol",
    "position": "position",
    "average_price": "average price",
    "unrealised_pnl": "unrealised",
    "realised_pnl": "realised",
    "net_funding": "funding",
    "leverage": "leverage",
}
TRADE = {
    "time": "time",
    "symbol": "symbol",
    "side": "side",
    "quantity": "quantity",
    "price": "price",
    "fee": "fee",
    "order_type": "type",
    "order_id": "order id",
}
TWAP = {
    "twap_id": "TWAP id",
    "client_twap_id": "client TWAP id",
    "symbol": "symbol",
    "side": "side",
    "total_quantity": "total",
    "filled_quantity": "filled",
    "average_fill_price": "average price",
    "total_num_orders": "orders",
    "order_interval_secs": "interval s",
    "status": "status",
}
LEVERAGE = {
    "symbol": "symbol",
    "leverage": "leverage",
    "initial_margin": "initial margin",
    "maintenance_margin": "maintenance margin",
    "max_notional": "max notional",
}
INSTRUMENT = {
    "symbol": "symbol",
    "status": "status",
    "product_category": "category",
    "tick_size": "tick",
    "lot_size": "lot",
    "min_quantity": "smallest",
    "max_quantity": "largest",
    "min_price": "min price",
    "max_price": "max price",
    "default_max_leverage": "leverage",
}
CANDLE = {
    "start": "start",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "usd_volume": "volume USD",
}
FUNDING_POINT = {"time": "time", "symbol": "symbol", "rate": "rate"}
