"""Injected faults of market data and REST."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
import websocket

from qfex.sim.feeds.faults import FeedFaults
from tests.sim.clients import connect_market_data

from .rest_harness import Rest


def test_lost_messages_leave_a_gap_in_the_sequence(rest: Rest) -> None:
    feed = connect_market_data(rest.sim.environment, "level2")
    feed.read(2)
    rest.sim.feed_faults.lose_market_data(2)
    rest.sim.advance(2)
    assert [message["sequence"] for message in feed.read(2)] == [4, 5]
    feed.close()


@pytest.mark.parametrize("reset", [False, True])
def test_market_data_connections_can_be_cut(rest: Rest, reset: bool) -> None:
    feeds = [connect_market_data(rest.sim.environment, "bbo") for _ in range(2)]
    for feed in feeds:
        feed.read(2)
    assert rest.sim.feed_faults.drop_market_data(reset=reset) == 2
    for feed in feeds:
        with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionResetError)):
            feed.read(1)
        feed.vanish()
    connect_market_data(rest.sim.environment, "bbo").close()


def test_a_path_fails_as_often_as_requested(rest: Rest) -> None:
    rest.sim.feed_faults.fail_rest(429, "slow down", path="/user/fees", times=2, retry_after=3)
    assert rest.raw("/refdata").status_code == 200
    for _ in range(2):
        assert rest.problem(429, "/user/fees", keys=rest.credentials)["detail"] == "slow down"
    assert rest.raw("/user/fees", keys=rest.credentials).status_code == 200


def test_a_problem_can_have_a_retry_after_header(rest: Rest) -> None:
    rest.sim.feed_faults.fail_rest(503, retry_after=3)
    assert rest.raw("/refdata").headers["Retry-After"] == "3"


def test_requests_can_be_blocked_as_by_the_proxy(rest: Rest) -> None:
    rest.sim.feed_faults.block_rest(times=None)
    for _ in range(3):
        response = rest.raw("/refdata")
        assert (response.status_code, response.text) == (403, "error code: 1010")
    rest.sim.feed_faults.clear()
    assert rest.raw("/refdata").status_code == 200


def lose_the_answer(faults: FeedFaults) -> None:
    faults.cut_rest(path="/user/subaccounts", processed=True)


def lose_the_request(faults: FeedFaults) -> None:
    faults.cut_rest(path="/user/subaccounts")


@pytest.mark.parametrize(("fault", "created"), [(lose_the_answer, 1), (lose_the_request, 0)])
def test_a_request_without_an_answer_may_have_been_executed(
    rest: Rest, fault: Callable[[FeedFaults], None], created: int
) -> None:
    fault(rest.sim.feed_faults)
    with pytest.raises(requests.ConnectionError):
        rest.raw("/user/subaccounts", method="POST", keys=rest.credentials)
    assert len(rest.get("/user/subaccounts")["account_ids"] or []) == created


def test_an_answer_can_be_invalid_json(rest: Rest) -> None:
    rest.sim.feed_faults.garble_rest(path="/refdata")
    with pytest.raises(requests.JSONDecodeError):
        rest.raw("/refdata").json()
