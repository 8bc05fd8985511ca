"""Times on the wire: any unit of unix time, and those at which nothing can have happened."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import OpenOrders, Order
from qfex.protocol.trade import messages
from qfex.protocol.trade.messages import decode
from qfex.protocol.wire import codec
from qfex.protocol.wire.codec import is_implausible, parse_time
from qfex.protocol.wire.failures import Undecodable

from . import recorded

MOMENT = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)
SECONDS = D("1767268800.25")
ROW = json.loads(recorded.ACK)["order_response"]


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9], ids=["s", "ms", "us", "ns"])
@pytest.mark.parametrize("made", [D, float, str, lambda number: str(float(number)), int])
def test_the_unit_of_unix_time_is_recognised_by_its_size(factor: int, made: Any) -> None:
    value = made(SECONDS * factor)
    if not (isinstance(value, str) and "e" in value.lower()):
        assert abs(parse_time(value) - MOMENT) <= timedelta(
            seconds=1 if made is int and factor == 1 else 0.001
        )


@given(st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1), timezones=st.just(timezone.utc)))
def test_no_unit_is_taken_for_another_one(moment: datetime) -> None:
    seconds = moment.timestamp()
    for factor in (1, 10**3, 10**6, 10**9):
        assert abs(parse_time(round(seconds * factor)) - moment) <= timedelta(seconds=1)


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_an_order_whose_time_is_in_another_unit_is_read(unit: int) -> None:
    (order,) = decode(json.dumps({"order_response": ROW | {"update_time": int(SECONDS) * unit}}).encode())
    assert isinstance(order, Order) and order.update_time == MOMENT.replace(microsecond=0)


NEVER = [0, 0.0, -1, "0", 10**30, "1e999", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z",
         (datetime.now(timezone.utc) + timedelta(days=400)).timestamp(), True]  # fmt: skip


@pytest.mark.parametrize("value", NEVER, ids=[str(number) for number in range(len(NEVER))])
def test_an_implausible_time_is_none_and_reported_and_costs_nothing_else(value: Any) -> None:
    frame = json.dumps({"order_response": ROW | {"update_time": value}}).replace('"1e999"', "1e999").encode()
    order, report = decode(frame)
    assert isinstance(order, Order) and order.update_time is None and order.status == "ACK"
    assert isinstance(report, Undecodable) and "update_time" in report.reason
    assert (report.kind, report.ids) == ("", ())  # the order itself answers what it answers
    page, report = decode(
        json.dumps({"all_orders_response": {"orders": [ROW, ROW | {"update_time": 0}]}}).encode()
    )
    assert isinstance(page, OpenOrders) and len(page.orders) == 2 and page.unread == 0
    assert isinstance(report, Undecodable)


@pytest.mark.parametrize("value", [MOMENT.isoformat(), 1767268800, "1767268800000", 17])
def test_a_time_after_the_epoch_is_plausible(value: Any) -> None:
    assert not is_implausible(value)


def test_a_time_of_the_coming_months_is_plausible_and_the_present_always_is() -> None:
    assert not is_implausible((datetime.now(timezone.utc) + timedelta(days=300)).timestamp())


def test_a_program_that_runs_for_years_takes_the_present_for_plausible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = datetime.now(timezone.utc) - timedelta(days=1000)
    for module in (codec, messages):
        monkeypatch.setattr(module, "PLAUSIBLE_UNTIL", started + timedelta(days=366))
    now = datetime.now(timezone.utc)
    assert not is_implausible(now.timestamp())
    (order,) = decode(json.dumps({"order_response": ROW | {"update_time": now.isoformat()}}).encode())
    assert isinstance(order, Order) and order.update_time == now
    assert messages._is_utc(now)  # on the fast path too


@pytest.mark.parametrize("value", ["tomorrow", [1], {}])
def test_what_is_no_time_at_all_costs_its_row(value: Any) -> None:
    (report,) = decode(json.dumps({"order_response": ROW | {"update_time": value}}).encode())
    assert isinstance(report, Undecodable) and report.kind == "order_response"
