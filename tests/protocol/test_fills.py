"""Each fill once, in order, outages included."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfex import Fill, OrderType, Side, TimeInForce, UserTrade
from qfex.protocol.trade import fills
from qfex.protocol.trade.fills import FillLog

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def fill(number: int, order_id: str = "o1") -> Fill:
    return Fill(f"t{number}", order_id, "AAPL-USD", Side.BUY, D(180 + number), D(1))


def row(number: int, order_id: str = "o1", *, timed: bool = False) -> UserTrade:
    time = NOON + timedelta(seconds=number) if timed else None
    return UserTrade(f"t{number}", "AAPL-USD", D(180 + number), D(1), Side.BUY, order_id, time=time)


def ids(delivered: list[Fill]) -> list[str]:
    return [each.trade_id for each in delivered]


def test_a_live_fill_is_delivered_once() -> None:
    log = FillLog()
    assert log.live(fill(1)) == [fill(1)]
    assert log.live(fill(1)) == []


def test_both_sides_of_a_trade_are_delivered() -> None:
    log = FillLog()
    assert log.live(fill(1, "o1")) and log.live(fill(1, "o2"))


def test_a_fill_without_a_trade_id_is_always_delivered() -> None:
    log = FillLog()
    nameless = Fill("", "o1", "AAPL-USD", Side.BUY, D(1), D(1))
    assert log.live(nameless) == log.live(nameless) == [nameless]


def test_trades_before_the_subscription_are_never_delivered_as_new() -> None:
    log = FillLog()
    log.set_baseline([row(1), row(2)])
    assert log.missed([row(2), row(1)]) == []
    assert ids(log.missed([row(3), row(2), row(1)])) == ["t3"]


def test_a_fill_that_arrives_while_the_baseline_is_read_is_not_lost() -> None:
    log = FillLog()
    assert log.live(fill(2))
    log.set_baseline([row(2), row(1)])
    assert ids(log.missed([row(3), row(2), row(1)])) == ["t3"]
    assert log.live(fill(3)) == []


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("newest_first", [True, False])
def test_missed_fills_are_delivered_oldest_first_whatever_the_order_of_the_history(
    timed: bool, newest_first: bool
) -> None:
    log = FillLog()
    log.set_baseline([row(1)])
    log.live(fill(2))
    history = [row(number, timed=timed) for number in (1, 2, 3, 4, 5)]
    missed = log.missed(history[::-1] if newest_first else history)
    assert ids(missed) == ["t3", "t4", "t5"]
    assert missed[0].price == 183 and missed[0].time == (NOON + timedelta(seconds=3) if timed else None)


def test_the_times_decide_the_order_of_a_history_without_a_known_fill() -> None:
    history = [row(number, timed=True) for number in (1, 2, 3)]
    for rows in (history, history[::-1]):
        log = FillLog()
        log.set_baseline([])
        assert ids(log.missed(rows)) == ["t1", "t2", "t3"]
    log = FillLog()
    log.set_baseline([])
    assert ids(log.missed([row(2), row(1)])) == ["t1", "t2"]  # without times the newest come first


def test_live_fills_are_delivered_after_the_missed_ones() -> None:
    log = FillLog()
    log.set_baseline([row(1)])
    log.hold()
    assert log.live(fill(4)) == [] and log.live(fill(3)) == []
    assert ids(log.missed([row(3), row(2), row(1)])) == ["t2", "t3"]
    assert ids(log.release()) == ["t4"]
    assert ids(log.live(fill(5))) == ["t5"]


def test_a_second_outage_during_a_resync_keeps_the_fills_that_were_held() -> None:
    log = FillLog()
    log.hold()
    log.live(fill(1))
    log.hold()
    assert ids(log.release()) == ["t1"] and log.release() == []


def test_without_a_baseline_only_trades_after_a_known_fill_are_new() -> None:
    log = FillLog()
    assert log.missed([row(3), row(2), row(1)]) == []
    log.live(fill(2))
    assert ids(log.missed([row(4), row(3), row(2), row(1)])) == ["t3", "t4"]


def test_a_missed_fill_has_every_member_of_the_history() -> None:
    log = FillLog()
    log.set_baseline([])
    (missed,) = log.missed(
        [UserTrade("t", "AAPL-USD", D(1), D(2), Side.SELL, "o", "c", D("0.1"), OrderType.LIMIT, TimeInForce.GTC,
                   Side.BUY, "NEW", NOON)]
    )  # fmt: skip
    assert missed == Fill(
        "t", "o", "AAPL-USD", Side.SELL, D(1), D(2), D("0.1"), Side.BUY, "c", OrderType.LIMIT, TimeInForce.GTC,
        execution_type="NEW", time=NOON,
    )  # fmt: skip
    assert missed.is_maker is True


# --- histories whose order has to be found out -------------------------------------------------------------------


def at_one_moment(number: int, seconds: int = 0) -> UserTrade:
    """A row whose time has whole seconds only, as many others have."""
    return UserTrade(
        f"t{number}", "AAPL-USD", D(180 + number), D(1), Side.BUY, "o1", time=NOON.replace(second=seconds)
    )


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("known", ["delivered", "baseline", "held"])
def test_rows_of_one_moment_are_ordered_by_what_is_known(newest_first: bool, known: str) -> None:
    log, rows = FillLog(), [at_one_moment(number) for number in range(5)]
    log.set_baseline(rows[:1] if known == "baseline" else [])
    if known == "delivered":
        log.live(fill(0))
    log.hold()
    if known == "held":
        log.live(fill(4))
    delivered = ids(log.missed(rows[::-1] if newest_first else rows)) + ids(log.release())
    assert delivered == [f"t{number}" for number in range(0 if known == "held" else 1, 5)]


@pytest.mark.parametrize("newest_first", [True, False])
def test_two_fills_that_were_delivered_order_the_rows_between_and_around_them(newest_first: bool) -> None:
    log, rows = FillLog(), [row(number) for number in range(6)]
    log.set_baseline([])
    log.live(fill(1))
    log.live(fill(4))
    assert ids(log.missed(rows[::-1] if newest_first else rows)) == ["t0", "t2", "t3", "t5"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_two_fills_that_are_held_back_order_the_rows(newest_first: bool) -> None:
    log, rows = FillLog(), [row(number) for number in range(6)]
    log.set_baseline([])
    log.hold()
    log.live(fill(3))
    log.live(fill(4))
    assert ids(log.missed(rows[::-1] if newest_first else rows)) == [f"t{number}" for number in range(6)]


@pytest.mark.parametrize("newest_first", [True, False])
def test_different_moments_order_all_rows(newest_first: bool) -> None:
    log = FillLog()
    log.set_baseline([])
    rows = [at_one_moment(number, seconds=number // 3) for number in range(6)]  # three in each second
    assert ids(log.missed(rows[::-1] if newest_first else rows)) == [f"t{number}" for number in range(6)]


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_order_of_the_history_is_remembered_once_it_was_found_out(newest_first: bool) -> None:
    log = FillLog()
    log.set_baseline([row(0)])
    first = [row(0), row(1), row(2)]
    log.missed(first[::-1] if newest_first else first)
    second = [row(7), row(8), row(9)]  # nothing shows their order
    assert ids(log.missed(second[::-1] if newest_first else second)) == ["t7", "t8", "t9"]


# --- subscribed, unsubscribed and subscribed again ---------------------------------------------------------------


@pytest.mark.parametrize("newest_first", [True, False])
def test_what_was_traded_while_fills_were_not_subscribed_is_never_delivered(newest_first: bool) -> None:
    log, history = FillLog(), [row(1), row(2), row(3)]
    log.set_baseline([])
    log.live(fill(1))
    log.drop_baseline()  # unsubscribed; 2 and 3 are traded
    assert not log.has_baseline
    log.set_baseline(history)  # subscribed again
    assert log.live(fill(4)) == [fill(4)]
    history += [row(4), row(5)]
    log.hold()
    assert ids(log.missed(history[::-1] if newest_first else history)) == ["t5"]
    assert ids(log.live(fill(6)) + log.release()) == ["t6"]


def test_a_fill_that_was_on_its_way_when_fills_were_unsubscribed_is_delivered_once() -> None:
    log = FillLog()
    log.set_baseline([row(1)])
    log.drop_baseline()
    assert ids(log.live(fill(2))) == ["t2"]
    log.set_baseline([row(2), row(1)])
    assert log.missed([row(2), row(1)]) == [] and log.live(fill(2)) == []


# --- fills of one client order id --------------------------------------------------------------------------------


def test_what_was_traded_under_another_id_of_a_client_order_id_is_known() -> None:
    log = FillLog()
    for number, (order_id, quantity) in enumerate([("o1", 1), ("o2", 2), ("o2", 3)]):
        log.live(
            Fill(f"t{number}", order_id, "AAPL-USD", Side.BUY, D(180), D(quantity), client_order_id="c1")
        )
    log.live(Fill("t1", "o2", "AAPL-USD", Side.BUY, D(180), D(2), client_order_id="c1"))  # once more
    log.live(Fill("t9", "o9", "AAPL-USD", Side.BUY, D(180), D(1)))
    assert log.traded_under("c1", "o1") == ("o2", D(5))
    assert log.traded_under("c1", "o2") == ("o1", D(1))
    assert log.traded_under("c2", "o1") == ("", D(0)) == log.traded_under("", "o1")


def test_the_memory_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fills, "_REMEMBERED", 2)
    log = FillLog()
    for number in (1, 2, 3):
        log.live(fill(number))
    assert log.live(fill(3)) == [] and log.live(fill(1)) == [fill(1)]


@given(st.data())
def test_each_fill_is_delivered_once_and_in_order_through_any_outages(data: st.DataObject) -> None:
    log, history, delivered = FillLog(), [row(-1)], list[Fill]()
    log.set_baseline(history)
    newest_first = data.draw(st.booleans())
    for number in range(data.draw(st.integers(1, 12))):
        history.append(row(number, timed=data.draw(st.booleans())))
        if data.draw(st.booleans()):  # there was a connection
            delivered += resync(log, history[:-1], newest_first) + log.live(fill(number))
    delivered += resync(log, history, newest_first)
    assert ids(delivered) == [each.trade_id for each in history[1:]]


def resync(log: FillLog, history: list[UserTrade], newest_first: bool) -> list[Fill]:
    log.hold()
    return [*log.missed(history[::-1] if newest_first else history), *log.release()]


def test_a_live_fill_is_no_evidence_that_older_trades_are_new() -> None:
    log = FillLog()
    log.live(fill(3))
    assert log.missed([row(number) for number in (3, 2, 1)]) == []


def test_the_beginning_of_a_history_that_grew_tells_its_order() -> None:
    log = FillLog()
    log.note_beginning(row(1))  # of a history whose other rows could not be read
    log.live(fill(3))
    assert ids(log.missed([row(number) for number in (1, 2, 3, 4)])) == ["t4"]
