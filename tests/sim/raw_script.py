"""A script in the style of the exchange's own pages: websocket-client, WebSocketApp, raw JSON, no client library.

Only the URL and the keys come from outside::

    python raw_script.py ws://127.0.0.1:8000/trade qfex_pub_... qfex_secret_...
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sys
import time

import websocket

URL, PUBLIC_KEY, SECRET_KEY = sys.argv[1:4]


def send(ws, obj):
    ws.send(json.dumps(obj))


def on_open(ws):
    # 1) Authenticate
    nonce = secrets.token_hex(16)
    unix_ts = int(time.time())
    signature = hmac.new(SECRET_KEY.encode(), f"{nonce}:{unix_ts}".encode(), hashlib.sha256).hexdigest()
    send(ws, {"type": "auth", "params": {"hmac": {
        "public_key": PUBLIC_KEY, "nonce": nonce, "unix_ts": unix_ts, "signature": signature,
    }}})  # fmt: skip
    # 2) Enable cancel-on-disconnect for this connection
    send(ws, {"type": "cancel_on_disconnect", "params": {"cancel_on_disconnect": True}})
    # 3) Subscribe to order responses
    send(ws, {"type": "subscribe", "params": {"channels": ["order_responses", "fills"]}})
    # 4) Add orders: one that rests, one that fills
    send(ws, {"type": "add_order", "params": {
        "symbol": "AAPL-USD", "side": "BUY", "order_type": "LIMIT", "order_time_in_force": "GTC",
        "quantity": 1, "price": 320, "take_profit": 0, "stop_loss": 0, "client_order_id": "resting",
    }})  # fmt: skip
    send(ws, {"type": "add_order", "params": {
        "symbol": "AAPL-USD", "side": "BUY", "order_type": "MARKET", "order_time_in_force": "IOC",
        "quantity": 1, "price": 0, "client_order_id": "market",
    }})  # fmt: skip
    # 5) Request user orders
    send(ws, {"type": "get_user_orders", "params": {"limit": 10, "offset": 0, "symbol": "AAPL-USD"}})


def on_message(ws, message):
    print(message, flush=True)
    if "all_orders_response" in json.loads(message):
        ws.close()


websocket.WebSocketApp(
    f"{URL}?api_key={PUBLIC_KEY}",
    on_open=on_open,
    on_message=on_message,
    on_error=lambda _, error: print("Error:", error, flush=True),
).run_forever()
