"""The messages of the stand-in server, in the exchange's format, as byte templates for speed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

_USER_ID = b"0020ce8e-eaee-480e-8d7f-b9241d756ee5"
_serial = itertools.count(1)

_ORDER = (
    b'{"order_id":"2f05173c-992a-426b-bcaf-%012x","symbol":"%b","status":"%b","quantity":%b,'
    b'"price":251.25,"take_profit":0.0,"stop_loss":0.0,"side":"BUY","type":"LIMIT","time_in_force":"GTC",'
    b'"user_id":"' + _USER_ID + b'","client_order_id":"%b","quantity_remaining":%b,'
    b'"update_time":1758208770.5512846,"trade_id":%b}'
)
_FILL = (
    b'{"fill_response":{"trade_id":"7c9a1f04-6b1e-4c55-9a3e-%012x","user_id":"' + _USER_ID + b'",'
    b'"symbol":"%b","price":251.25,"quantity":2.708,"side":"SELL","aggressor_side":"SELL",'
    b'"order_id":"2f05173c-992a-426b-bcaf-%012x","fee":0.00045,"order_type":"LIMIT","tif":"GTC",'
    b'"order_price":251.25,"client_order_id":"%b","remaining_quantity":0.0,"take_profit":0.0,"stop_loss":0.0,'
    b'"execution_type":"NEW","timestamp":1769439642.8484282,"realised_pnl":0.0}}'
)

AUTHENTICATED = b'{"authenticated":true}'
ACKNOWLEDGED = b'{"ack":{"incoming_message":%b}}'
INVALID_ORDER = b'{"err":{"error_code":"InvalidOrder","message":null,"incoming_message":null}}'
NO_TRADES = b'{"user_trades_response":[]}'
NO_LEVERAGE = b'{"user_leverage_response":[]}'


def subscribed(channel: str) -> bytes:
    """Return the acknowledgement of one channel."""
    return b'{"subscribed":"' + channel.encode() + b'"}'


def order_ack(symbol: bytes, client_order_id: bytes, quantity: bytes = b"1") -> bytes:
    """Return the message that says that an order rests on the book."""
    order = _ORDER % (next(_serial), symbol, b"ACK", quantity, client_order_id, quantity, b"null")
    return b'{"order_response":' + order + b"}"


def order_cancelled(symbol: bytes, client_order_id: bytes) -> bytes:
    """Return the message that says that an IOC order was not filled."""
    order = _ORDER % (next(_serial), symbol, b"CANCELLED", b"1", client_order_id, b"1", b"null")
    return b'{"order_response":' + order + b"}"


def order_filled(symbol: bytes) -> bytes:
    """Return an order's last message: filled completely, under an id of its own."""
    serial = next(_serial)
    order = _ORDER % (serial, symbol, b"FILLED", b"1", b"burst-%x" % serial, b"0.0", b'"trade-%x"' % serial)
    return b'{"order_response":' + order + b"}"


def fill(symbol: bytes, client_order_id: bytes) -> bytes:
    """Return a fill message."""
    return _FILL % (next(_serial), symbol, next(_serial), client_order_id)


def open_orders(count: int) -> bytes:
    """Return the answer to ``get_user_orders`` of an account with `count` open orders."""
    return b'{"all_orders_response":{"orders":[' + b",".join(_open_orders(count)) + b'],"twaps":[]}}'


def _open_orders(count: int) -> Iterator[bytes]:
    for _ in range(count):
        serial = next(_serial)
        yield _ORDER % (serial, b"GOOG-USD", b"ACK", b"1", b"open-%x" % serial, b"1", b"null")
