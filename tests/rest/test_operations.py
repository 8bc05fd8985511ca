"""Every operation: the request that it sends, and the models that it returns."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qfex.enums import CandleInterval, OrderType, Side, TimeInForce
from qfex.errors import RestError, ValidationError
from qfex.models import history
from qfex.models.account import Balance, Position
from qfex.models.orders import UserTrade
from qfex.models.twaps import Twap
from qfex.rest import RestClient, load_instruments
from qfex.statuses import OrderStatus
from tests.support.rest_server import Reply, ScriptedServer, reply

from .conftest import CREDENTIALS, MakeClient

FIXTURES = Path(__file__).parent.parent / "fixtures"
START = datetime(2026, 10, 10, 18, tzinfo=timezone.utc)
END = datetime(2026, 10, 11, 9, tzinfo=timezone(timedelta(hours=9)))  # midnight UTC
ISO_RANGE = {"fromISO": "2026-10-10T18:00:00Z", "toISO": "2026-10-11T00:00:00Z"}
PERIOD = {"start": "2026-10-10T18:00:00Z", "end": "2026-10-11T00:00:00Z"}
EARLY, LATE = "2026-10-10T18:00:00Z", "2026-10-10T19:00:00.000001Z"
EARLY_TIME = START
ORDER_ID = "0aeae7d0-4a6e-4672-ad69-82b8811d4e0b"

Ask = Callable[[RestClient], Any]


def capture(name: str) -> Any:
    return Reply(200, (FIXTURES / f"{name}.json").read_bytes(), {"Content-Type": "application/json"})


# --- captured answers ---------------------------------------------------------------------------------------


def test_instruments(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [capture("rest-refdata-2026-10-10")]
    found = public.instruments()
    assert list(found) == ["CL-USD", "NVDA-USD", "GOLD-USD", "US100-USD", "AAPL-USD", "SKHYNIX-KRW"]
    assert found == load_instruments(server.environment)
    assert server.asked[0].path == "/refdata"


def test_candles(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [capture("rest-candles-AAPL-1HOUR-2026-10-10")]
    candles = public.candles("AAPL-USD", "1HOUR", START, END)
    assert [candle.start.hour for candle in candles] == [18, 19, 20, 21, 22, 23]
    last = candles[-1]
    assert (last.symbol, last.interval, last.trades) == ("AAPL-USD", CandleInterval.ONE_HOUR, None)
    assert [str(value) for value in (last.open, last.high, last.low, last.close, last.usd_volume)] == [
        "336.1", "336.26", "336.1", "336.23", "8258.1226",
    ]  # fmt: skip
    assert server.asked[0].path == "/candles/AAPL-USD"
    assert server.asked[0].query == {"resolution": "1HOUR", **ISO_RANGE}


def test_contracts(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [capture("rest-md-contracts-2026-10-10")]
    contracts = {contract.ticker_id: contract for contract in public.contracts()}
    assert len(contracts) == 6
    apple = contracts["AAPL-USD"]
    assert apple.open_interest == apple.long_open_interest + apple.short_open_interest
    assert str(apple.base_volume) == "996.8969999999999"
    assert apple.next_funding_rate_timestamp == datetime(2026, 10, 11, 1, 59, 59, tzinfo=timezone.utc)


def test_order_book(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [capture("rest-md-orderbook-AAPL-2026-10-10")]
    book = public.order_book("AAPL-USD")
    assert [str(level.price) for level in book.bids] == ["336.14", "336.07", "336.06", "336.03"]
    assert [str(level.price) for level in book.asks][:3] == ["336.15", "336.16", "336.18"]
    assert all(level.quantity for level in book.bids + book.asks)
    assert book.time == datetime(2026, 10, 11, 1, 44, 4, 327000, tzinfo=timezone.utc)


# --- series -------------------------------------------------------------------------------------------------

MINUTES = {"symbol": "A", "intervalMinutes": 60}
HOURS = {"symbol": "A", "interval": "1h"}

SERIES: list[tuple[Ask, str, dict[str, str], dict[str, Any], Any]] = [
    (
        lambda client: client.funding_history("A", 60, START, END),
        "/funding/A",
        {"intervalMinutes": "60", **ISO_RANGE},
        {**MINUTES, "windowStart": EARLY, "rate": None},
        history.FundingPoint("A", EARLY_TIME, 60, None),
    ),
    (
        lambda client: client.open_interest_history("A", 60, START, END),
        "/open-interest/A",
        {"intervalMinutes": "60", **ISO_RANGE},
        {**MINUTES, "windowStart": EARLY, "openInterest": 1.10},
        history.OpenInterestPoint("A", EARLY_TIME, 60, Decimal("1.1")),
    ),
    (
        lambda client: client.taker_volume_history("A", 60, START, END),
        "/taker-volume/A",
        {"intervalMinutes": "60", **ISO_RANGE},
        {**MINUTES, "windowStart": EARLY, "takerBuyQty": 1, "takerSellQty": 2, "takerBuyNotional": 3,
         "takerSellNotional": 4, "netTakerQty": -1},
        history.TakerVolumePoint("A", EARLY_TIME, 60, Decimal(1), Decimal(2), Decimal(3), Decimal(4), Decimal(-1)),
    ),
    (
        lambda client: client.long_short_history("A", "1h", START, END),
        "/symbol-long-short/A",
        {"interval": "1h", **ISO_RANGE},
        {**HOURS, "windowStart": EARLY, "longUsers": 3, "shortUsers": 4},
        history.LongShortPoint("A", EARLY_TIME, "1h", 3, 4),
    ),
    (
        lambda client: client.underlier_history("A", "1h", START, END),
        "/underlier/A",
        {"interval": "1h", **ISO_RANGE},
        {**HOURS, "windowStart": EARLY, "openPrice": 1, "closePrice": 2, "highPrice": 3, "lowPrice": 0.5},
        history.UnderlierPoint("A", EARLY_TIME, "1h", Decimal(1), Decimal(3), Decimal("0.5"), Decimal(2)),
    ),
    (
        lambda client: client.settlement_prices("A", START, END, 5),
        "/settlement-prices",
        {"symbol": "A", "limit": "5", **PERIOD},
        {"symbol": "A", "future_symbol": "CLK6", "future_settlement_price": 2, "spot_settlement_price": 1,
         "asof": "2026-10-10", "inserted_at": EARLY, "spot_to_future_ratio": 0.5},
        history.SettlementPrice("A", "CLK6", Decimal(2), Decimal(1), Decimal("0.5"), "2026-10-10", EARLY_TIME),
    ),
    (
        lambda client: client.exchange_volume_history(1440, START, END),
        "/defillama/metrics",
        {"intervalMinutes": "1440", **ISO_RANGE},
        {"windowStart": EARLY, "dailyVolumeUSD": 1.5, "openInterestAtEndUSD": 2},
        history.ExchangeVolume(EARLY_TIME, Decimal("1.5"), Decimal(2)),
    ),
    (
        lambda client: client.pnl_history("1m", "percent", ["A", "B"]),
        "/user/historic-pnl",
        {"duration": "1m", "unit": "percent", "symbol": "A,B"},
        {"window_start": EARLY, "value": 0.1},
        history.PnlPoint(EARLY_TIME, Decimal("0.1")),
    ),
    (
        lambda client: client.equity_history(),
        "/user/account-equity",
        {"duration": "1w"},
        {"window_start": EARLY, "value": 0.1},
        history.EquityPoint(EARLY_TIME, Decimal("0.1")),
    ),
    (
        lambda client: client.hourly_pnl("A", START, END, 2160),
        "/pnl",
        {"symbol": "A", "limit_hours": "2160", **PERIOD},
        {"symbol": "A", "hour": EARLY, "realised_pnl": 1, "unrealised_pnl": 2, "net_funding": 3, "fees": 4,
         "quantity": 5, "cost": 6},
        history.HourlyPnl("A", EARLY_TIME, *map(Decimal, (1, 2, 3, 4, 5, 6))),
    ),
    (
        lambda client: client.volume_history("ytd", "A"),
        "/user/volume",
        {"range": "ytd", "symbol": "A"},
        {"date": EARLY, "maker_volume": 1, "taker_volume": 2, "volume": 3},
        history.UserVolume(EARLY_TIME, Decimal(1), Decimal(2), Decimal(3)),
    ),
    (
        lambda client: client.referral_rewards(),
        "/user/referral-rewards",
        {"duration": "1w"},
        {"reward_date": EARLY, "amount": 0.3},
        history.ReferralReward(EARLY_TIME, Decimal("0.3")),
    ),
    (
        lambda client: client.historic_orders(symbol="A", client_order_id="c", start=START, limit=7, offset=0),
        "/user/historic-orders",
        {"symbol": "A", "client_order_id": "c", "start": PERIOD["start"], "limit": "7", "offset": "0"},
        {"order_id": ORDER_ID, "terminal_status": "IOC_CANCELLED", "status_ts": EARLY, "symbol": "A", "side": "SELL",
         "type": "MARKET", "time_in_force": "IOC", "quantity": 2, "price": 0, "client_order_id": "c",
         "passive_qty": 0, "filled_qty": 0.5, "avg_price": 100.5, "first_fill_ts": EARLY, "last_fill_ts": None,
         "execution_state": "partial"},
        history.HistoricOrder(
            ORDER_ID, OrderStatus.IOC_CANCELLED, EARLY_TIME, "A", Side.SELL, OrderType.MARKET, TimeInForce.IOC,
            Decimal(2), Decimal(0), "c", Decimal("0.5"), Decimal(0), Decimal("100.5"), EARLY_TIME, None, "partial",
        ),
    ),
    (
        lambda client: client.historic_twaps(symbol="A", limit=3),
        "/user/historic-twaps",
        {"symbol": "A", "limit": "3"},
        {"twap_id": "t", "client_twap_id": None, "status": "CANCELLED", "symbol": "A", "total_quantity": 4,
         "filled_quantity": 1, "average_fill_price": 9.5, "total_num_orders": 4, "filled_num_orders": 1,
         "order_interval_secs": 30, "reduce_only": False, "side": "BUY", "created_at": EARLY, "updated_at": None},
        Twap("t", None, "A", Side.BUY, "CANCELLED", Decimal(4), Decimal(1), Decimal("9.5"), 4, 30, False,
             EARLY_TIME, None, 1),
    ),
    (
        lambda client: client.user_trades(order_id=ORDER_ID, symbol="A", end=END, limit=1000, offset=3),
        "/user/trade",
        {"exchange_order_id": ORDER_ID, "symbol": "A", "end": PERIOD["end"], "limit": "1000", "offset": "3"},
        {"id": "t", "order_timestamp": START.timestamp(), "symbol": "A", "price": 2, "quantity": 3, "side": "BUY",
         "fee": 0.1, "margin_used": 5, "order_type": "LIMIT", "tif": "GTC", "order_id": ORDER_ID,
         "realised_pnl_change": -1},
        UserTrade("t", "A", Decimal(2), Decimal(3), Side.BUY, ORDER_ID, "", Decimal("0.1"), OrderType.LIMIT,
                  TimeInForce.GTC, None, None, EARLY_TIME, Decimal(5), Decimal(-1)),
    ),
]  # fmt: skip

NAMES = [row[1] for row in SERIES]
_MOMENTS = (
    "windowStart",
    "window_start",
    "hour",
    "date",
    "reward_date",
    "status_ts",
    "created_at",
    "inserted_at",
)


@pytest.mark.parametrize(("ask", "path", "query", "row", "expected"), SERIES, ids=NAMES)
def test_a_series_is_requested_and_sorted_oldest_first(
    server: ScriptedServer,
    client: RestClient,
    ask: Ask,
    path: str,
    query: dict[str, str],
    row: dict[str, Any],
    expected: Any,
) -> None:
    later = {**row, **{name: LATE for name in _MOMENTS if name in row}}
    if "order_timestamp" in row:
        later["order_timestamp"] = row["order_timestamp"] * 1000 + 60_000  # this row in milliseconds
    server.replies = [reply({"$schema": "x", "data": [later, {**row, "new": {}}], "count": 2})]
    first, second = ask(client)
    assert first == expected
    assert second != expected
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query) == ("GET", path, query)
    assert ("x-qfex-nonce" in asked.headers) is (path.startswith(("/user", "/pnl")))


@pytest.mark.parametrize("answer", [{"data": None, "count": 0}, {"data": []}, {"count": 0}])
@pytest.mark.parametrize("ask", [row[0] for row in SERIES], ids=NAMES)
def test_a_series_without_rows_is_empty(
    server: ScriptedServer, client: RestClient, ask: Ask, answer: Any
) -> None:
    server.replies = [reply(answer)]
    assert ask(client) == []


def test_a_finished_order_can_become_an_order(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"data": [SERIES[12][3]]})]
    order = client.historic_orders(client_order_id="c")[0].as_order()
    assert (order.order_id, order.client_order_id, order.status) == (ORDER_ID, "c", OrderStatus.IOC_CANCELLED)
    assert (order.quantity, order.quantity_filled, order.is_done) == (Decimal(2), Decimal("0.5"), True)


# --- other reads --------------------------------------------------------------------------------------------


def test_symbol_metrics(server: ScriptedServer, public: RestClient) -> None:
    row = {"symbol": "A", "current_mark_price": 1.5, "volume_24h_usd_notional": 2, "mark_price_change_24h_pct": -3,
           "open_interest": 4, "funding_rate_bps": 0.5}  # fmt: skip
    server.replies = [reply({"data": [row]})]
    assert public.symbol_metrics() == [
        history.SymbolMetrics("A", Decimal("1.5"), Decimal(2), Decimal(-3), Decimal(4), Decimal("0.5"))
    ]


def test_settlement_calendar(server: ScriptedServer, public: RestClient) -> None:
    answer = {"expiration": LATE, "active_until": EARLY, "future_symbol": "CLK6", "qfex_symbol": "CL-USD"}
    server.replies = [reply(answer)]
    entry = public.settlement_calendar("CL-USD", START)
    assert (entry.qfex_symbol, entry.future_symbol, entry.active_until) == ("CL-USD", "CLK6", EARLY_TIME)
    assert server.asked[0].query == {"symbol": "CL-USD", "time": PERIOD["start"]}


def test_positions_and_balance(server: ScriptedServer, client: RestClient) -> None:
    position = {"symbol": "A", "position": -1.50, "open_orders": 2, "average_price": 10}
    server.replies = [
        reply({"positions": [position], "balance": {"deposit": 100, "available_balance": 90.10}})
    ]
    assert client.positions() == {"A": Position("A", Decimal("-1.5"), Decimal(10), open_orders=Decimal(2))}
    assert client.balance() == Balance(deposit=Decimal(100), available_balance=Decimal("90.1"))


def test_a_never_funded_account_is_empty(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"title": "Internal Server Error", "detail": "Position balance not found"}, 500)]
    assert client.positions() == {}
    assert client.balance() == Balance()


def test_fees(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"fees": {"A": {"maker_fee": -5000, "taker_fee": 20000}}})]
    fee = client.fees()["A"]
    assert (fee.maker_fee, fee.maker_rate, fee.taker_rate) == (-5000, Decimal("-0.00005"), Decimal("0.0002"))


def test_all_digits_are_kept(server: ScriptedServer, client: RestClient) -> None:
    body = b'{"balance": {"deposit": 0.1000000000000000000000001}, "positions": []}'
    server.replies = [Reply(200, body)]
    assert str(client.balance().deposit) == "0.1000000000000000000000001"


# --- pages --------------------------------------------------------------------------------------------------


def trades(*numbers: int) -> Reply:
    row = SERIES[-1][3]
    return reply({"data": [{**row, "id": f"t{number}", "order_timestamp": number} for number in numbers]})


def test_all_pages_of_trades_are_read_without_repetition(server: ScriptedServer, client: RestClient) -> None:
    # A trade between two pages shifts the second page. A short page is not the last one.
    server.replies = [trades(9, 8, 7), trades(7, 6), trades(5), trades()]
    found = [trade.trade_id for trade in client.iter_user_trades(symbol="A", page_size=3)]
    assert found == ["t9", "t8", "t7", "t6", "t5"]
    assert [asked.query["offset"] for asked in server.asked] == ["0", "3", "5", "6"]
    assert {asked.query["limit"] for asked in server.asked} == {"3"}


def test_pages_are_read_only_when_needed(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [trades(2, 1), trades(2, 1)]
    rows = client.iter_user_trades(start=START)
    assert not server.asked
    next(rows)
    assert len(server.asked) == 1
    assert len(list(rows)) == 1  # ends even if the exchange ignores the offset


# --- writes -------------------------------------------------------------------------------------------------


def test_set_leverage(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"leverage": 5})]
    assert client.set_leverage("A", "5.0") == 5
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == (
        "POST",
        "/user/leverage",
        b'{"symbol":"A","leverage":5.0}',
    )
    assert asked.headers["content-type"] == "application/json"


def test_transfer(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [Reply(204)]
    client.transfer("0.10", "from", "to")
    (asked,) = server.asked
    assert (asked.query, asked.body) == (
        {"src_account_id": "from", "dst_account_id": "to"},
        b'{"amount":0.10}',
    )


def test_subaccounts(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"account_ids": None}), reply({"account_ids": ["a"]}), reply({"account_id": "b"})]
    assert (client.subaccounts(), client.subaccounts(), client.create_subaccount()) == ([], ["a"], "b")
    assert server.asked[-1].body == b"{}"


def test_subaccount_balances(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"accounts": [{"account_id": "a", "available_balance": 1.5, "is_master": True}]})]
    assert client.subaccount_balances() == [history.SubaccountBalance("a", Decimal("1.5"), True)]


def test_an_answer_without_the_expected_member_is_an_error(
    server: ScriptedServer, client: RestClient
) -> None:
    server.replies = [reply({})]
    for ask in (client.create_subaccount, client.subaccounts, lambda: client.set_leverage("A", 5)):
        with pytest.raises(RestError, match="expected format"):
            ask()


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda client: client.balance(), True),
        (lambda client: client.fees(), True),
        (lambda client: client.instruments(), False),
        (lambda client: client.subaccounts(), False),
        (lambda client: client.create_subaccount(), False),
        (lambda client: client.transfer(1, "a", "b"), False),
    ],
)
def test_only_operations_on_an_account_name_it(
    server: ScriptedServer, make_client: MakeClient, ask: Ask, named: bool
) -> None:
    server.replies = [reply({"balance": {}, "fees": {}, "data": [], "account_ids": [], "account_id": "x"})]
    ask(make_client(CREDENTIALS, account_id="acc-1"))
    assert server.asked[0].headers.get("x-qfex-requested-account-id") == ("acc-1" if named else None)


# --- exports ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("export_trades", "/trades-csv"),
        ("export_orders", "/historic-orders-csv"),
        ("export_twaps", "/historic-twaps-csv"),
    ],
)
def test_an_export_is_written_to_the_file(
    server: ScriptedServer, client: RestClient, method: str, path: str
) -> None:
    body = b"a,b\n" * 100_000
    server.replies = [Reply(200, body, {"Content-Type": "text/csv"})]
    file, progress = io.BytesIO(), list[int]()
    assert getattr(client, method)(file, progress.append) == len(body)
    assert file.getvalue() == body
    assert progress == sorted(progress)
    assert (len(progress) > 1, progress[-1]) == (True, len(body))
    assert (server.asked[0].path, server.asked[0].headers["accept"]) == (path, "text/csv")


def test_a_refused_export_writes_nothing(server: ScriptedServer, client: RestClient) -> None:
    server.replies = [reply({"title": "Forbidden", "detail": "no scope"}, 403)]
    file = io.BytesIO()
    with pytest.raises(RestError, match="no scope"):
        client.export_twaps(file, symbol="A")
    assert file.getvalue() == b""
    assert server.asked[0].query == {"symbol": "A"}


# --- arguments ----------------------------------------------------------------------------------------------

NAIVE = datetime(2026, 10, 10)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.candles("A", "1HOUR", NAIVE, END),
        lambda client: client.candles("A", "1HOUR", START, NAIVE),
        lambda client: client.candles("A", "1HOUR", "2026-10-10", END),
        lambda client: client.candles("A", "2HOURS", START, END),
        lambda client: client.candles("", "1HOUR", START, END),
        lambda client: client.candles("A", "1HOUR", END, START),
        lambda client: client.funding_history("A", 0, START, END),
        lambda client: client.funding_history("A", 1.5, START, END),
        lambda client: client.underlier_history("A", "", START, END),
        lambda client: client.settlement_calendar(""),
        lambda client: client.settlement_prices(limit=1001),
        lambda client: client.user_trades(limit=0),
        lambda client: client.user_trades(offset=-1),
        lambda client: client.user_trades(start=END, end=START),
        lambda client: client.iter_user_trades(page_size=1001),
        lambda client: client.hourly_pnl(limit_hours=2161),
        lambda client: client.pnl_history(symbols=[]),
        lambda client: client.volume_history(symbols=[""]),
        lambda client: client.set_leverage("A", 0),
        lambda client: client.set_leverage("A", "NaN"),
        lambda client: client.transfer(-1, "a", "b"),
        lambda client: client.transfer(1, "", "b"),
    ],
)
def test_invalid_arguments_are_not_sent(server: ScriptedServer, client: RestClient, ask: Ask) -> None:
    with pytest.raises(ValidationError):
        ask(client)
    assert not server.asked


def test_symbols_are_quoted_in_paths(server: ScriptedServer, public: RestClient) -> None:
    server.replies = [reply({"ticker_id": "x", "timestamp": 1, "bids": None, "asks": None})]
    public.order_book("BRK.B-USD")
    public.order_book("A/../B?c")
    assert [asked.path for asked in server.asked] == [
        "/md/orderbook/BRK.B-USD",
        "/md/orderbook/A%2F..%2FB%3Fc",
    ]


def test_the_fixtures_are_valid_json() -> None:
    for path in FIXTURES.glob("rest-*.json"):
        assert json.loads(path.read_text())
