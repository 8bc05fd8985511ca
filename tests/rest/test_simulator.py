"""The REST client with the simulator, in both dialects."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from qfex import (
    Environment,
    HmacCredentials,
    JwtCredentials,
    OrderStatus,
    QfexConnectionError,
    RestClient,
    RestError,
    Side,
    TradeClient,
)
from qfex.sim import Simulator

AAPL = "AAPL-USD"

Connect = Callable[..., TradeClient]


@pytest.fixture
def rest(market: Simulator) -> Iterator[RestClient]:
    with RestClient(market.environment, market.credentials) as client:
        yield client


@pytest.fixture
def trader(market: Simulator, connect: Connect) -> TradeClient:
    return connect(market)


def now(market: Simulator) -> datetime:
    return datetime.fromtimestamp(market.now, timezone.utc)


def test_reference_data(market: Simulator, rest: RestClient) -> None:
    instruments = rest.instruments()
    assert set(instruments) == {AAPL, "GOLD-USD"}
    engine = market.exchange_call(lambda exchange: exchange.instruments[AAPL])
    assert (instruments[AAPL].tick_size, instruments[AAPL].lot_size) == (engine.tick_size, engine.lot_size)
    instruments[AAPL].check(side="BUY", quantity="0.01", price="336.14")


def test_market_series(market: Simulator, rest: RestClient, trader: TradeClient) -> None:
    begun = now(market)
    for _ in range(3):
        trader.place_market_order(AAPL, "BUY", 1, wait=True)
        market.advance(3600)
    start, end = begun - timedelta(hours=1), now(market)
    candles = rest.candles(AAPL, "1HOUR", start, end)
    assert [candle.start for candle in candles] == sorted(candle.start for candle in candles)
    assert len(candles) >= 3
    assert all(candle.low <= candle.open <= candle.high for candle in candles)
    for series in (
        rest.funding_history(AAPL, 60, start, end),
        rest.open_interest_history(AAPL, 60, start, end),
        rest.taker_volume_history(AAPL, 60, start, end),
        rest.long_short_history(AAPL, "1h", start, end),
        rest.underlier_history(AAPL, "1h", start, end),
        rest.exchange_volume_history(60, start, end),
    ):
        moments = [point.time for point in series]
        assert moments
        assert moments == sorted(moments)
    bought = sum(point.taker_buy_qty for point in rest.taker_volume_history(AAPL, 60, start, end))
    assert bought == 3


def test_snapshots(market: Simulator, rest: RestClient) -> None:
    bids, asks = market.exchange_call(lambda exchange: exchange.book(AAPL, 20))
    book = rest.order_book(AAPL)
    assert (book.bids[0].price, book.asks[0].price) == (bids[0][0], asks[0][0])
    assert {metrics.symbol for metrics in rest.symbol_metrics()} == {AAPL, "GOLD-USD"}
    assert {contract.ticker_id for contract in rest.contracts()} == {AAPL, "GOLD-USD"}


def test_account_operations(market: Simulator, rest: RestClient, trader: TradeClient) -> None:
    trader.place_market_order(AAPL, "SELL", 2, wait=True)
    assert rest.positions()[AAPL].position == -2
    assert rest.balance().deposit == 100_000
    assert rest.fees()[AAPL].taker_rate > 0
    assert rest.set_leverage("GOLD-USD", 5) == 5
    (trade, *_) = rest.user_trades(symbol=AAPL)
    assert (trade.side, trade.symbol) == (Side.SELL, AAPL)
    assert sum(row.quantity for row in rest.user_trades()) == 2


def test_a_never_funded_account_is_empty(market: Simulator) -> None:
    with RestClient(market.environment, market.create_account(0)) as rest:
        assert rest.positions() == {}
        assert rest.balance().available_balance == 0
        assert rest.user_trades() == []


def test_a_finished_order_is_in_the_history(rest: RestClient, trader: TradeClient) -> None:
    order = trader.place_limit_order(AAPL, "BUY", 1, "330", client_order_id="of-mine")
    assert rest.historic_orders(client_order_id="of-mine") == []
    trader.cancel_order(order)
    (ended,) = rest.historic_orders(client_order_id="of-mine")
    assert (ended.order_id, ended.terminal_status) == (order.order_id, OrderStatus.CANCELLED)
    assert ended.as_order().is_done


def test_trades_are_read_page_by_page(market: Simulator, rest: RestClient, trader: TradeClient) -> None:
    for _ in range(5):
        trader.place_market_order(AAPL, "BUY", "0.01", wait=True)
        market.advance(1)
    found = list(rest.iter_user_trades(page_size=2))
    assert sorted(found, key=lambda row: str(row.time)) == rest.user_trades()
    assert len(found) >= 5
    newest = rest.user_trades()[-1].time
    assert newest is not None
    later = rest.user_trades(start=newest - timedelta(seconds=0.5))
    assert 1 <= len(later) < len(found)


def test_account_series(market: Simulator, rest: RestClient, trader: TradeClient) -> None:
    trader.place_market_order(AAPL, "BUY", 1, wait=True)
    market.advance(7200)
    trader.place_market_order(AAPL, "SELL", 1, wait=True)
    market.advance(7200)
    for series in (rest.pnl_history(), rest.equity_history(), rest.hourly_pnl(), rest.volume_history()):
        moments = [point.time for point in series]
        assert moments
        assert moments == sorted(moments)
    assert rest.pnl_history(unit="percent", symbols=[AAPL])
    assert rest.referral_rewards() == []
    assert rest.historic_twaps() == []


def test_subaccounts(market: Simulator, rest: RestClient) -> None:
    assert rest.subaccounts() == []
    made = rest.create_subaccount()
    assert rest.subaccounts() == [made]
    rest.transfer("250.5", market.account_id(market.credentials), made)
    assert {row.available_balance for row in rest.subaccount_balances()} == {
        Decimal("250.5"),
        Decimal("99749.5"),
    }
    with RestClient(market.environment, market.credentials, account_id=made) as sub:
        assert sub.balance().deposit == Decimal("250.5")


def test_exports(rest: RestClient, trader: TradeClient) -> None:
    trader.place_market_order(AAPL, "BUY", 1, wait=True)
    for export in (rest.export_trades, rest.export_orders, rest.export_twaps):
        file, progress = io.BytesIO(), list[int]()
        size = export(file, progress.append)
        assert size == len(file.getvalue()) == progress[-1]
        header, *_ = csv.reader(io.StringIO(file.getvalue().decode()))
        assert len(header) > 5


def test_a_token_works_too(market: Simulator) -> None:
    with RestClient(market.environment, JwtCredentials(market.jwt(market.credentials))) as rest:
        assert rest.balance().deposit == 100_000


def test_unknown_credentials_are_refused(market: Simulator) -> None:
    rest = RestClient(market.environment, HmacCredentials("qfex_pub_x", "qfex_secret_x"))
    with rest, pytest.raises(RestError) as caught:
        rest.balance()
    assert caught.value.status_code == 401


# --- faults -------------------------------------------------------------------------------------------------


def test_reads_survive_temporary_faults(market: Simulator, rest: RestClient) -> None:
    market.feed_faults.fail_rest(503, times=2)
    assert rest.instruments()
    market.feed_faults.cut_rest(times=3)
    assert rest.balance().deposit == 100_000
    market.feed_faults.fail_rest(429, retry_after=0)
    assert rest.fees()


def test_a_write_whose_answer_is_lost_is_not_repeated(market: Simulator, rest: RestClient) -> None:
    market.feed_faults.cut_rest(path="/user/subaccounts", processed=True)
    with pytest.raises(QfexConnectionError):
        rest.create_subaccount()
    assert len(rest.subaccounts()) == 1


def test_the_answers_of_a_proxy_in_front_of_the_exchange_are_errors(
    market: Simulator, rest: RestClient
) -> None:
    market.feed_faults.block_rest()
    with pytest.raises(RestError, match="1010") as caught:
        rest.instruments()
    assert caught.value.status_code == 403
    market.feed_faults.garble_rest()
    with pytest.raises(RestError):
        rest.instruments()


def test_an_exchange_that_cannot_be_reached_is_an_error(market: Simulator) -> None:
    market.stop()
    gone = Environment("ws://x", "ws://x", market.environment.rest_url)
    with RestClient(gone, retries=1) as rest, pytest.raises(QfexConnectionError):
        rest.instruments()
