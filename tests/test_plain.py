"""Models as dictionaries and JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest

from qfex import Bbo, Fill, Level, OrderBook, Side, to_dict, to_json

ZONE = timezone(timedelta(hours=2))
BOOK = OrderBook("AAPL-USD", [Level(D("180.10"), D("1E+2"))], [])


def test_numbers_are_exact_texts_and_never_in_exponent_notation() -> None:
    assert to_dict(BOOK)["bids"] == [{"price": "180.10", "quantity": "100"}]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 30, 12, 0, 1, tzinfo=timezone.utc), "2026-11-30T12:00:01+00:00"),
        (datetime(2026, 11, 30, 12, 0, 1, 500, tzinfo=ZONE), "2026-11-30T12:00:01.000500+02:00"),
        (None, None),
    ],
)
def test_times_have_a_zone(
    moment: datetime | None,
    text: str | None,
) -> None:
    fill = Fill("t1", "o1", "AAPL-USD", Side.BUY, D("1.50"), D(2), time=moment)
    values = to_dict(fill)
    assert (values["side"], values["price"], values["time"]) == ("BUY", "1.50", text)


def test_a_nested_model_is_a_dictionary() -> None:
    assert to_dict(Bbo("AAPL-USD", Level(D(1), D(2)), None))["bid"] == {"price": "1", "quantity": "2"}


def test_json_has_the_same_values() -> None:
    assert json.loads(to_json(BOOK)) == to_dict(BOOK)
    assert "\n" not in to_json(BOOK)


@pytest.mark.parametrize("value", [None, {"a": 1}, [BOOK], "text", OrderBook])
def test_only_models_are_taken(value: Any) -> None:
    with pytest.raises(TypeError, match="takes a model"):
        to_dict(value)
