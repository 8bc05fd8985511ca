"""The message budget: weights, two buckets, one user."""

from __future__ import annotations

import re

import pytest

from qfex.sim.gateway.rate_limit import RateLimiter
from qfex.sim.gateway.table import COMMANDS

from .helpers import AAPL, Client, GatewayHarness, code, error, statuses

WEIGHTS = {
    "auth": 0.0,
    "add_order": 1.0,
    "modify_order": 1.0,
    "cancel_order": 1.0,
    "cancel_stop_order": 1.0,
    "modify_stop_order": 1.0,
    "cancel_all_orders": 2.0,
    "close_position": 1.0,
    "add_twap": 1.0,
    "get_order": 2.0,
    "get_user_orders": 5.0,
    "get_user_trades": 0.5,
    "subscribe": 0.1,
    "unsubscribe": 0.1,
    "get_user_leverage": 0.1,
    "get_available_leverage_levels": 0.1,
    "set_user_leverage": 0.1,
    "cancel_on_disconnect": 0.1,
}


def poll(client: Client, times: int) -> list[str]:
    """Request open orders (weight 5), and return "listed" or the error code for each request."""
    messages = [client.send("get_user_orders")[0] for _ in range(times)]
    return [message["err"]["error_code"] if "err" in message else "listed" for message in messages]


def test_the_weights() -> None:
    assert {name: command.weight for name, command in COMMANDS.items()} == WEIGHTS


def test_cancelling_has_a_bucket_of_its_own() -> None:
    cancels = {name for name, command in COMMANDS.items() if command.bucket == "cancel"}
    assert cancels == {"cancel_order", "cancel_all_orders", "cancel_stop_order"}


def test_a_command_over_the_budget_is_not_executed() -> None:
    harness = GatewayHarness(limit=20)
    client = harness.connect()
    assert poll(client, 4) == ["listed"] * 3 + ["RateLimited"]
    for _ in range(4):
        client.order("BUY", 1, 199)
    assert code(client.order("BUY", 1, 199)) == "RateLimited"
    assert len(harness.exchange.open_orders(harness.alice.user_id)) == 4


def test_cancels_are_not_starved_by_orders() -> None:
    harness = GatewayHarness(limit=10)
    client = harness.connect()
    order = client.placed("BUY", 1, 199)
    poll(client, 3)
    assert code(client.send("get_user_orders")) == "RateLimited"
    messages = client.send(
        "cancel_order", symbol=AAPL, order_id=order["order_id"], cancel_order_id_type="order_id"
    )
    assert statuses(messages) == ["CANCELLED"]


def test_connections_and_keys_of_one_user_share_the_budget() -> None:
    harness = GatewayHarness(limit=12)
    first = harness.connect(channels=[])
    second = harness.connect(harness.accounts.add_key(harness.alice.user_id), channels=[])
    assert poll(first, 1) + poll(second, 2) == ["listed", "listed", "RateLimited"]
    assert poll(harness.connect(harness.bob, channels=[]), 1) == ["listed"]


def test_the_retry_hint_is_long_enough_and_hardly_longer() -> None:
    harness = GatewayHarness(limit=60)
    client = harness.connect(channels=[])
    while "err" not in (answer := client.send("get_user_orders")[0]):
        pass
    text = answer["err"]["message"]
    found = re.search(r"(\d+)ms", text)
    assert found is not None
    wait = int(found[1]) / 1000
    harness.clock.advance(wait * 0.9)
    assert poll(client, 1) == ["RateLimited"]
    harness.clock.advance(wait * 0.11)
    assert poll(client, 1) == ["listed"]


def test_the_echo_identifies_the_refused_command() -> None:
    harness = GatewayHarness(limit=0.5)
    refused = error(harness.connect(channels=[]).order("BUY", 1, 199, client_order_id="mine"))
    assert refused["incoming_message"]["params"]["client_order_id"] == "mine"


def test_a_steady_200_a_second_is_within_the_exchanges_limit_and_250_is_not() -> None:
    for rate, refused in ((199.0, False), (250.0, True)):
        limiter = RateLimiter()
        waits = [limiter.spend("user", "general", 1.0, i / rate) for i in range(int(rate * 300))]
        assert any(waits) is refused
        assert limiter.level("user", "general") <= 12_000


def test_authenticating_costs_nothing() -> None:
    harness = GatewayHarness(limit=0.05)
    client = harness.connect(channels=[])
    assert client.session.identity is not None


@pytest.mark.parametrize("count", [1_000])
def test_without_a_limit_nothing_is_refused(count: int) -> None:
    assert poll(GatewayHarness(limit=None).connect(channels=[]), count) == ["listed"] * count
