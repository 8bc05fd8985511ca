"""The sequence diagrams of the documentation: ``python docs/tools/diagrams.py [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path

from sequence import Diagram, Mark, Message, Note

IMAGES = Path(__file__).parent.parent / "images"

SCRIPT, READER, DISPATCHER, EXCHANGE = "your thread", "reader thread", "dispatcher thread", "exchange"

ORDER = Diagram(
    (SCRIPT, READER, EXCHANGE),
    (
        Message(SCRIPT, EXCHANGE, "add_order, client_order_id c1"),
        Note(SCRIPT, "place_order waits"),
        Message(EXCHANGE, READER, "fill_response, of another order", reply=True),
        Note(READER, "answers no call: to callbacks and streams"),
        Message(EXCHANGE, READER, "order_response ACK, client_order_id c1", reply=True),
        Message(READER, SCRIPT, "Order, status ACK", reply=True),
    ),
    spread=260,
)

UNKNOWN = Diagram(
    (SCRIPT, "client", EXCHANGE),
    (
        Message(SCRIPT, "client", "place_order"),
        Message("client", EXCHANGE, "add_order, client_order_id c1"),
        Note(EXCHANGE, "the order is in the book"),
        Message(EXCHANGE, "client", "order_response ACK", reply=True, lost=True),
        Mark("the connection is cut"),
        Message("client", SCRIPT, "OutcomeUnknown, client_order_id c1", reply=True),
        Mark("the next connection"),
        Message(SCRIPT, "client", "resolve(c1, symbol)"),
        Message("client", EXCHANGE, "live orders? this order? history?"),
        Message(EXCHANGE, "client", "order_response ACK", reply=True),
        Message("client", SCRIPT, "Order: it was placed", reply=True),
    ),
    spread=280,
)

RECONNECT = Diagram(
    (SCRIPT, READER, EXCHANGE),
    (
        Mark("the connection is lost"),
        Note(READER, "every waiting call ends: OutcomeUnknown or ConnectionLost"),
        Message(READER, EXCHANGE, "connect", lost=True),
        Note(READER, "waits between 0 and 1 s, then 2, 4, ... at most 30"),
        Message(READER, EXCHANGE, "connect"),
        Message(READER, EXCHANGE, "auth"),
        Message(EXCHANGE, READER, "authenticated", reply=True),
        Message(READER, EXCHANGE, "cancel_on_disconnect, if it was armed"),
        Message(READER, EXCHANGE, "subscribe to all channels again"),
        Message(EXCHANGE, READER, "subscribed", reply=True),
        Message(READER, EXCHANGE, "get_user_trades, get_user_orders"),
        Message(EXCHANGE, READER, "trades, open orders", reply=True),
        Message(READER, SCRIPT, "missed fills, once each, in order", reply=True),
        Message(READER, SCRIPT, "READY, with gap_start and gap_end", reply=True),
        Note(SCRIPT, "calls that waited continue"),
    ),
    spread=280,
)

CALLBACK = Diagram(
    (SCRIPT, DISPATCHER, READER, EXCHANGE),
    (
        Message(EXCHANGE, READER, "fill_response", reply=True),
        Message(READER, DISPATCHER, "queued", reply=True),
        Note(DISPATCHER, "your callback runs here"),
        Message(DISPATCHER, EXCHANGE, "place_order, called by the callback"),
        Message(EXCHANGE, READER, "order_response ACK", reply=True),
        Note(READER, "keeps reading: it never runs callbacks"),
        Message(READER, DISPATCHER, "Order", reply=True),
        Note(DISPATCHER, "the callback continues"),
    ),
    spread=210,
)

REBALANCE = Diagram(
    ("rebalancer", "journal on disk", EXCHANGE),
    (
        Message("rebalancer", "journal on disk", "intent: BUY 59.49 as c7"),
        Message("rebalancer", EXCHANGE, "add_order c7"),
        Note(EXCHANGE, "filled"),
        Mark("SIGKILL before the result is written"),
        Mark("the next run"),
        Message("journal on disk", "rebalancer", "c7 has an intent and no result", reply=True),
        Message("rebalancer", EXCHANGE, "resolve c7"),
        Message(EXCHANGE, "rebalancer", "filled 59.49", reply=True),
        Message("rebalancer", "journal on disk", "result: done, 59.49"),
        Note("rebalancer", "continues with the next trade of the plan"),
    ),
    spread=250,
)

DIAGRAMS = {
    "order": ORDER,
    "unknown": UNKNOWN,
    "reconnect": RECONNECT,
    "callback": CALLBACK,
    "rebalance_crash": REBALANCE,
}


def main() -> None:
    """Write every diagram."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    for name, diagram in DIAGRAMS.items():
        (folder / f"{name}.svg").write_text(diagram.svg(), "utf-8")


if __name__ == "__main__":
    main()
