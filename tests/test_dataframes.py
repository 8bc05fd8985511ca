"""Models as pandas data frames."""

from __future__ import annotations

import copy
import pickle
import sys
from datetime import datetime, timezone
from decimal import Decimal

import attrs
import pytest

from qfex import UserTrade
from qfex.dataframes import to_frame
from qfex.enums import CandleInterval
from qfex.errors import ConfigurationError
from qfex.http.operations import oldest_first
from qfex.models.history import FundingPoint
from qfex.models.market import Bbo, Candle, Level, OrderBook
from qfex.protocol import rest

pytest.importorskip("pandas")

NOON = datetime(2026, 10, 10, 12, tzinfo=timezone.utc)
CANDLE = Candle("A", CandleInterval.ONE_DAY, NOON, *map(Decimal, ("1.10", "2", "1", "1.5", "7")))


def test_decimals_stay_exact() -> None:
    table = to_frame([CANDLE])
    assert list(table.columns[:4]) == ["symbol", "interval", "start", "open"]
    assert str(table["open"][0]) == "1.10"
    assert table["interval"][0] == "1DAY"
    assert type(table["interval"][0]) is str
    assert str(table["start"].dtype.tz) == "UTC"
    assert table["start"][0].to_pydatetime() == NOON


def test_decimals_become_floats_on_request() -> None:
    table = to_frame([CANDLE, CANDLE], floats=True)
    assert table["open"].dtype == float
    assert table["usd_volume"].sum() == 14.0


def test_missing_values_stay_missing() -> None:
    points = [FundingPoint("A", NOON, 60, None), FundingPoint("A", NOON, 60, Decimal("0.1"))]
    assert list(to_frame(points)["rate"]) == [None, Decimal("0.1")]
    numbers = to_frame(points, floats=True)["rate"]
    assert numbers.isna()[0]
    assert numbers[1] == 0.1


def test_fields_of_nested_models_have_their_own_columns() -> None:
    table = to_frame([Bbo("A", Level(Decimal(1), Decimal(2)), None), Bbo("B", None, None, NOON)])
    assert list(table.columns) == [
        "symbol", "bid_price", "bid_quantity", "ask_price", "ask_quantity", "time", "sequence",
    ]  # fmt: skip
    assert list(table["bid_quantity"]) == [Decimal(2), None]


def test_lists_stay_lists() -> None:
    table = to_frame([OrderBook("A", [Level(Decimal(1), Decimal(2))], [])])
    assert table["bids"][0] == [Level(Decimal(1), Decimal(2))]


@pytest.mark.parametrize("floats", [True, False])
def test_no_rows_give_an_empty_table(floats: bool) -> None:
    assert to_frame([], floats=floats).empty


def test_without_pandas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match=r"qfex-sync\[pandas\]"):
        to_frame([CANDLE])


def test_no_rows_have_the_columns_of_the_model_that_is_named() -> None:
    table = to_frame([], model=Candle)
    assert list(table.columns) == list(to_frame([CANDLE]).columns) and len(table) == 0
    assert list(to_frame([]).columns) == []


def test_rows_of_another_class_are_refused() -> None:
    with pytest.raises(TypeError, match="class Bbo"):
        to_frame([CANDLE], model=Bbo)


def test_an_empty_list_of_a_rest_client_has_the_columns_of_its_class() -> None:
    for rows in (rest.user_trades({"data": None}), oldest_first(rest.user_trades({"data": []}))):
        assert list(to_frame(rows).set_index("time").columns) == [
            field.name for field in attrs.fields(UserTrade) if field.name != "time"
        ]
    assert "time" in to_frame(rest.rows({"data": []}, FundingPoint)).columns


def test_a_list_that_knows_its_class_is_a_list() -> None:
    rows = rest.user_trades({"data": None})
    assert rows == [] and copy.copy(rows) == pickle.loads(pickle.dumps(rows)) == []


def test_the_values_of_a_mapping_become_rows() -> None:
    assert list(to_frame({"A": CANDLE, "B": CANDLE})["symbol"]) == ["A", "A"]
