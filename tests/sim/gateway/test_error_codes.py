"""A scenario for every error code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .helpers import AAPL, GatewayHarness, code, signed

CODES = {
    "RateLimited",
    "InvalidJSONFormat",
    "AlreadyAuthenticated",
    "InvalidParameter",
    "InvalidOrder",
    "InvalidPrice",
    "PermissionDenied",
    "ServerError",
    "AlreadySubscribedToLeaderboard",
    "KycRequired",
    "TncRequired",
}
Scenario = Callable[[], str]
SCENARIOS: dict[str, Scenario] = {}


def ends_in(error_code: str) -> Callable[[Scenario], Scenario]:
    """Register a scenario that must end in a code."""

    def register(scenario: Scenario) -> Scenario:
        assert error_code not in SCENARIOS
        SCENARIOS[error_code] = scenario
        return scenario

    return register


@ends_in("RateLimited")
def too_many_messages() -> str:
    return code(GatewayHarness(limit=0.5).connect(channels=[]).order("BUY", 1, 199))


@ends_in("InvalidJSONFormat")
def invalid_json() -> str:
    return code(GatewayHarness().connect().text("nonsense"))


@ends_in("AlreadyAuthenticated")
def authenticated_twice() -> str:
    harness = GatewayHarness()
    return code(harness.connect().send("auth", **signed(harness.alice)))


@ends_in("InvalidParameter")
def a_twap_of_one_order() -> str:
    terms: dict[str, Any] = {"total_quantity": 10, "num_orders": 1, "order_interval_secs": 30}
    return code(
        GatewayHarness().connect().send("add_twap", symbol=AAPL, side="BUY", reduce_only=False, **terms)
    )


@ends_in("InvalidOrder")
def nothing_to_close() -> str:
    return code(GatewayHarness().connect().send("close_position", symbol=AAPL))


@ends_in("InvalidPrice")
def a_market_order_with_a_price() -> str:
    terms = {"order_type": "MARKET", "order_time_in_force": "IOC"}
    return code(GatewayHarness().connect().order("BUY", 1, 200, **terms))


@ends_in("PermissionDenied")
def trading_with_a_view_key() -> str:
    harness = GatewayHarness()
    key = harness.accounts.add_key(harness.alice.user_id, can_trade=False)
    return code(harness.connect(key).order("BUY", 1, 199))


@ends_in("ServerError")
def a_failure_of_the_simulator() -> str:
    harness = GatewayHarness()
    client = harness.connect()
    del harness.exchange._venue  # type: ignore[attr-defined]
    return code(client.order("BUY", 1, 199))


@ends_in("AlreadySubscribedToLeaderboard")
def subscribed_twice() -> str:
    return code(
        GatewayHarness().connect(channels=["leaderboard"]).send("subscribe", channels=["leaderboard"])
    )


@ends_in("KycRequired")
def kyc_not_complete() -> str:
    harness = GatewayHarness()
    harness.exchange.set_flags(harness.alice.user_id, kyc=False)
    return code(harness.connect().order("BUY", 1, 199))


@ends_in("TncRequired")
def terms_not_accepted() -> str:
    harness = GatewayHarness()
    harness.exchange.set_flags(harness.alice.user_id, terms_accepted=False)
    return code(harness.connect().order("BUY", 1, 199))


def test_every_code_has_its_scenario() -> None:
    assert set(SCENARIOS) == CODES


@pytest.mark.parametrize("error_code", sorted(CODES))
def test_each_scenario_ends_in_its_code(error_code: str) -> None:
    assert SCENARIOS[error_code]() == error_code
