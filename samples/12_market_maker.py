"""Lesson 12: a market maker in sixty lines.

It bids one tick above the best bid of others and asks one tick below their best ask. Its position moves both quotes.
The quotes never take liquidity (ALO), and the exchange cancels them if the script ends (cancel on disconnect).
"""

from decimal import Decimal

from exchange import open_exchange

from qfex import Channel, Level, MarketChannel, MarketDataClient, Order, OrderRejected, TradeClient
from qfex.ledger import Ledger, LedgerResult

SYMBOL, TICK = "US500-USD", Decimal("0.1")
SIZE, MOST = Decimal("0.05"), Decimal("0.2")  # quantity of a quote, largest position
LEAN = 6  # ticks by which the largest position moves the quotes


class Quote:
    """The quote on one side: an order that is replaced when its price should change."""

    def __init__(self, client: TradeClient, side: str) -> None:
        self.client, self.side, self.sign = client, side, 1 if side == "BUY" else -1
        self.order: Order | None = None

    def follow(self, levels: list[Level], position: Decimal) -> None:
        order = self.client.open_orders.get(self.order.order_id) if self.order else None
        own = (order.price, order.quantity_remaining) if order else None
        best = next(level.price for level in levels if (level.price, level.quantity) != own)
        price = best + TICK * self.sign - TICK * round(LEAN * position / MOST)
        wanted = position * self.sign < MOST
        try:
            if order and not (wanted and order.price == price):
                order = self.client.cancel_order(order)
            if wanted and not (order and order.is_live):
                order = self.client.place_limit_order(SYMBOL, self.side, SIZE, price, post_only=True)
        except OrderRejected:
            # Filled before the cancel, or it would have taken liquidity: try again with the next book.
            order = None
        self.order = order


with (
    open_exchange(price_path="calm", speed=60, symbols=[SYMBOL]) as exchange,
    TradeClient(exchange.environment, exchange.credentials, cancel_on_disconnect=True) as client,
    MarketDataClient(exchange.environment) as market,
    market.stream(MarketChannel.LEVEL2) as books,
    client.stream(Channel.FILLS) as fills,
):
    market.subscribe(MarketChannel.LEVEL2, SYMBOL)
    bid, ask, ledger, result = Quote(client, "BUY"), Quote(client, "SELL"), Ledger(), LedgerResult(SYMBOL)
    for _ in range(200):
        book = books.get(timeout=60)
        while len(fills):
            ledger.add(fills.get())
            result = ledger.results()[SYMBOL]
        bid.follow(book.bids, result.position)
        ask.follow(book.asks, result.position)
    client.cancel_all_orders()
    print(f"{result.trades} trades, {result.bought} bought, {result.sold} sold")
    print(f"earned {result.realised_pnl:.2f}, paid {result.fees:.2f} in fees: fees decide how wide to quote")
    if result.position:
        client.close_position(SYMBOL, wait=True)
