"""Lesson 8: errors and unknown outcomes.

Every call ends in one of four ways: done, refused, never sent, or unknown. Unknown does not mean failed, since the
order may be in the book. Do not send it again. Find out what became of it.
"""

from exchange import open_exchange

from qfex import ApiError, NotConnected, OrderRejected, OutcomeUnknown, TradeClient, ValidationError

SYMBOL = "AAPL-USD"

with open_exchange() as exchange:
    client = TradeClient(exchange.environment, exchange.credentials)
    try:
        client.place_order(SYMBOL, "BUY", "0.5")
    except NotConnected as error:
        print("not sent:            ", error)

    with client:
        price = exchange.price(SYMBOL, "0.98")
        try:
            client.place_order(SYMBOL, "BUY", "-1", price)
        except ValidationError as error:
            print("refused here:        ", error)

        try:
            client.place_order(SYMBOL, "BUY", "0.5", "1.00")
        except OrderRejected as refusal:
            print("refused by exchange: ", refusal.status)

        try:
            client.set_leverage(SYMBOL, 1000)
        except ApiError as error:
            print("refused by exchange: ", error.error_code, "-", error.message)

        if exchange.simulator:
            # The exchange accepts the order, and the connection is lost before the reply.
            exchange.simulator.faults.drop_before_reply("add_order")
            try:
                client.place_order(SYMBOL, "BUY", "0.5", price, client_order_id="lesson-8-first")
            except OutcomeUnknown as unknown:
                print("unknown:             ", unknown)
                order = client.resolve("lesson-8-first", SYMBOL)
                print("resolved:            ", order.status if order else "not there")

            # For the caller this looks the same, but this time the order did not arrive.
            exchange.simulator.faults.drop_before_command("add_order")
            try:
                client.place_order(SYMBOL, "BUY", "0.5", price, client_order_id="lesson-8-second")
            except OutcomeUnknown as unknown:
                print("unknown:             ", unknown)
                order = client.resolve("lesson-8-second", SYMBOL)
                print("resolved:            ", order.status if order else "not there")

        # If you choose and store the id yourself, you can find the order even after a crash of this script.
        client.place_order(SYMBOL, "BUY", "0.5", price, client_order_id="lesson-8-third")
        found = client.resolve("lesson-8-third", SYMBOL)
        print("found by client id:  ", found.status if found else "not there")
        print("cancelled at the end:", len(client.cancel_all_orders()))
