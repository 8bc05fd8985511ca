"""Two accounts trade with each other, and everything adds up to the cent, fees included."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN

import pytest

from qfex import Balance, Channel, Fill, HmacCredentials, Position, RestClient, Side, TradeClient
from qfex.sim import Simulator
from tests.support.helpers import AAPL, GOLD, Connect, D, catch_up, next_event

CENT = D("0.01")
DEPOSIT = D(50_000)
MAKER, TAKER = D("0.0005"), D("0.001")  # the fees of equities, as fractions of the notional


@pytest.fixture
def keys(sim: Simulator) -> list[HmacCredentials]:
    return [sim.create_account(balance=DEPOSIT) for _ in range(2)]


@pytest.fixture
def traders(sim: Simulator, connect: Connect, keys: list[HmacCredentials]) -> list[TradeClient]:
    clients = [connect(sim, key) for key in keys]
    for client in clients:
        client.subscribe(Channel.FILLS, Channel.POSITIONS, Channel.BALANCES)
    return clients


def settle(sim: Simulator, *clients: TradeClient) -> None:
    """Let the exchange send positions and balances, and the clients read them."""
    sim.advance(1)
    for client in clients:
        catch_up(client)


def to_the_cent(amount: D) -> D:
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def signed(fill: Fill) -> D:
    return fill.quantity if fill.side is Side.BUY else -fill.quantity


def account_of(client: TradeClient, symbol: str = AAPL) -> tuple[Position, Balance]:
    position, balance = client.positions[symbol], client.balance
    assert balance is not None
    return position, balance


def test_one_trade_adds_up_to_the_cent(sim: Simulator, traders: list[TradeClient]) -> None:
    seller, buyer = traders
    with seller.stream(Channel.FILLS) as sold, buyer.stream(Channel.FILLS) as bought:
        seller.place_order(AAPL, "SELL", "1.5", "336.20")
        buyer.place_order(AAPL, "BUY", 3, "336.25")
        seller.place_order(AAPL, "SELL", "2", "336.25")
        fills = {
            "sold": [next_event(sold), next_event(sold)],
            "bought": [next_event(bought), next_event(bought)],
        }
    assert [fill.trade_id for fill in fills["sold"]] == [fill.trade_id for fill in fills["bought"]]
    assert [(str(fill.price), fill.quantity) for fill in fills["bought"]] == [
        ("336.2", D("1.5")),
        ("336.25", D("1.5")),
    ]
    assert [fill.is_maker for fill in fills["bought"]] == [False, True]
    assert [fill.is_maker for fill in fills["sold"]] == [True, False]
    first, second = D("336.20") * D("1.5"), D("336.25") * D("1.5")
    sim.set_mark_price(AAPL, 340)
    settle(sim, seller, buyer)
    profit = 340 * 3 - first - second
    fees_of = {buyer: first * TAKER + second * MAKER, seller: first * MAKER + second * TAKER}
    for client, sign in ((buyer, 1), (seller, -1)):
        fees = fees_of[client]
        position, balance = account_of(client)
        assert position.position == sign * 3
        assert abs(position.average_price - (first + second) / 3) < D("0.000001")
        assert to_the_cent(balance.unrealised_pnl) == to_the_cent(sign * profit)
        assert to_the_cent(balance.fees or D(0)) == to_the_cent(fees)
        assert to_the_cent(balance.equity) == to_the_cent(DEPOSIT + sign * profit - fees)


def test_a_round_trip_realises_its_profit(sim: Simulator, traders: list[TradeClient]) -> None:
    one, other = traders
    one.place_order(AAPL, "SELL", 2, 336)
    other.place_order(AAPL, "BUY", 2, 336, wait=True)
    sim.set_mark_price(AAPL, 338)
    one.place_order(AAPL, "BUY", 2, 338)
    assert other.close_position(AAPL, wait=True).quantity_filled == 2
    settle(sim, one, other)
    fees = {one: (336 * 2 + 338 * 2) * MAKER, other: (336 * 2 + 338 * 2) * TAKER}
    for client, earned in ((one, D(-4)), (other, D(4))):
        position, balance = account_of(client)
        assert position.position == 0 and balance.unrealised_pnl == 0
        assert to_the_cent(balance.realised_pnl) == to_the_cent(earned)
        assert to_the_cent(balance.equity) == to_the_cent(DEPOSIT + earned - fees[client])
        assert (
            balance.order_margin == balance.position_margin == 0
            and balance.available_balance == balance.equity
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_day_of_random_trades_adds_up(
    sim: Simulator, traders: list[TradeClient], keys: list[HmacCredentials], seed: int
) -> None:
    draw = random.Random(seed)
    delivered: list[list[Fill]] = [[], []]
    streams = [client.stream(Channel.FILLS) for client in traders]
    for _ in range(40):
        client = draw.choice(traders)
        price = D(draw.randint(33500, 33700)) / 100
        client.place_order(AAPL, draw.choice(list(Side)), D(draw.randint(1, 2000)) / 1000 + D("0.01"), price)
    for client in traders:
        client.cancel_all_orders()
    settle(sim, *traders)
    for stream, fills in zip(streams, delivered, strict=True):
        fills += [next_event(stream) for _ in range(len(stream))]
        stream.close()
    check_day(sim, traders, keys, delivered)


def check_day(
    sim: Simulator, traders: list[TradeClient], keys: list[HmacCredentials], delivered: list[list[Fill]]
) -> None:
    """Check that delivered fills, the exchange's ledger and the accounts agree."""
    assert delivered[0] and delivered[1]
    assert sum(map(signed, [*delivered[0], *delivered[1]])) == 0  # every trade has a buyer and a seller
    for client, key, fills in zip(traders, keys, delivered, strict=True):
        written = sim.ledger.fills_of(sim.account_id(key))
        assert [(fill.trade_id, fill.order_id) for fill in fills] == [
            (row.trade_id, row.order_id) for row in written
        ]
        position, balance = account_of(client)
        assert position.position == sum(map(signed, fills))
        charged = sum(
            (fill.price * fill.quantity * (MAKER if fill.is_maker else TAKER) for fill in fills), D(0)
        )
        assert to_the_cent(balance.fees or D(0)) == to_the_cent(charged)
        cash = sum((-signed(fill) * fill.price for fill in fills), D(0))
        mark = sim.exchange_call(lambda exchange: exchange.mark_price(AAPL))
        assert to_the_cent(balance.equity) == to_the_cent(DEPOSIT + cash + position.position * mark - charged)
        history = client.get_user_trades()
        assert {(row.trade_id, row.order_id) for row in history} == {
            (fill.trade_id, fill.order_id) for fill in fills
        }
        check_rest(sim, key, position, balance)


def check_rest(sim: Simulator, key: HmacCredentials, position: Position, balance: Balance) -> None:
    with RestClient(sim.environment, key) as rest:
        assert rest.positions()[AAPL].position == position.position
        assert to_the_cent(rest.balance().available_balance) == to_the_cent(balance.available_balance)


def test_positions_of_different_symbols_are_separate(sim: Simulator, traders: list[TradeClient]) -> None:
    one, other = traders
    for symbol, price in ((AAPL, "336"), (GOLD, "4200")):
        one.place_order(symbol, "SELL", 1, price)
        other.place_order(symbol, "BUY", 1, price, wait=True)
    settle(sim, one, other)
    assert positions(other.positions.values()) == {AAPL: 1, GOLD: 1}
    assert positions(one.positions.values()) == {AAPL: -1, GOLD: -1}


def positions(rows: Iterable[Position]) -> dict[str, D]:
    return {row.symbol: row.position for row in rows}
