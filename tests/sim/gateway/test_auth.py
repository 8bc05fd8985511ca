"""Who gets in, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from .helpers import NOON, Floor, code, signed


def test_live_says_authenticated_true(floor: Floor) -> None:
    assert floor.stranger().send("auth", **signed(floor.alice)) == [{"authenticated": True}]


def test_documented_says_success(pages: Floor) -> None:
    assert pages.stranger().send("auth", **signed(pages.alice)) == [{"type": "auth", "result": "success"}]


def test_a_wrong_signature_fails_in_both_dialects(floor: Floor, pages: Floor) -> None:
    for hall, answer in ((floor, {"authenticated": False}), (pages, {"type": "auth", "result": "failed"})):
        params = signed(hall.alice)
        params["hmac"]["signature"] = signed(hall.bob)["hmac"]["signature"]
        client = hall.stranger()
        assert client.send("auth", **params) == [answer]
        assert client.session.identity is None
        assert client.session.closing is None


def test_a_failed_attempt_may_be_repeated(floor: Floor) -> None:
    client = floor.stranger()
    params = signed(floor.alice)
    params["hmac"]["signature"] = "0" * 64
    client.send("auth", **params)
    assert client.send("auth", **signed(floor.alice)) == [{"authenticated": True}]


@pytest.mark.parametrize("field", ["public_key", "signature", "nonce"])
def test_every_signed_part_matters(floor: Floor, field: str) -> None:
    params = signed(floor.alice)
    params["hmac"][field] += "x"
    assert floor.stranger().send("auth", **params) == [{"authenticated": False}]


@pytest.mark.parametrize(("skew", "accepted"), [(-299, True), (-301, False), (299, True), (301, False)])
def test_the_timestamp_may_be_five_minutes_off(floor: Floor, skew: int, accepted: bool) -> None:
    answer = floor.stranger().send("auth", **signed(floor.alice, NOON + skew))
    assert answer == [{"authenticated": accepted}]


def test_a_nonce_may_not_repeat_within_fifteen_minutes(floor: Floor) -> None:
    assert floor.stranger().send("auth", **signed(floor.alice, nonce="same")) == [{"authenticated": True}]
    floor.wall += 14 * 60
    again = floor.stranger().send("auth", **signed(floor.alice, floor.wall, "same"))
    assert again == [{"authenticated": False}]
    assert floor.ledger.authentication_failures == ["nonce already used"]
    floor.wall += 61
    later = floor.stranger().send("auth", **signed(floor.alice, floor.wall, "same"))
    assert later == [{"authenticated": True}]


def test_two_keys_may_use_the_same_nonce(floor: Floor) -> None:
    for key in (floor.alice, floor.bob):
        assert floor.stranger().send("auth", **signed(key, nonce="same")) == [{"authenticated": True}]


def test_a_nonce_that_proved_nothing_is_not_used_up(floor: Floor) -> None:
    params = signed(floor.alice, nonce="same")
    wrong = {"hmac": {**params["hmac"], "signature": "f" * 64}}
    floor.stranger().send("auth", **wrong)
    assert floor.stranger().send("auth", **params) == [{"authenticated": True}]


@pytest.mark.parametrize("nonce", ["", "n" * 101])
def test_a_nonce_has_one_to_a_hundred_characters(floor: Floor, nonce: str) -> None:
    params = signed(floor.alice, nonce=nonce or "x")
    params["hmac"]["nonce"] = nonce
    assert floor.stranger().send("auth", **params) == [{"authenticated": False}]


def test_a_token_opens_the_account(floor: Floor) -> None:
    client = floor.stranger()
    token = floor.accounts.issue_token(floor.alice.user_id)
    assert client.send("auth", jwt=token) == [{"authenticated": True}]
    assert client.session.account_id == floor.alice.user_id


def test_a_token_expires(floor: Floor) -> None:
    token = floor.accounts.issue_token(floor.alice.user_id, lifetime=60)
    floor.wall += 61
    assert floor.stranger().send("auth", jwt=token) == [{"authenticated": False}]


@pytest.mark.parametrize("token", ["", "a.b.c", "nonsense", "é.é.é"])
def test_nonsense_is_no_token(floor: Floor, token: str) -> None:
    assert floor.stranger().send("auth", jwt=token) == [{"authenticated": False}]


def test_a_token_of_another_simulator_is_no_token(floor: Floor) -> None:
    other = Floor()
    forged = type(other.accounts)(other.exchange, seed=1, wall=lambda: NOON).issue_token(floor.alice.user_id)
    assert floor.stranger().send("auth", jwt=forged) == [{"authenticated": False}]


@pytest.mark.parametrize(
    "params", [{}, {"jwt": "x", "hmac": {}}, {"hmac": {"public_key": "a"}}, {"api_key": "a"}]
)
def test_exactly_one_complete_proof_is_needed(floor: Floor, params: dict[str, Any]) -> None:
    assert code(floor.stranger().send("auth", **params)) == "InvalidJSONFormat"


def test_the_timestamp_is_an_integer(floor: Floor) -> None:
    params = signed(floor.alice)
    params["hmac"]["unix_ts"] = str(params["hmac"]["unix_ts"])
    assert code(floor.stranger().send("auth", **params)) == "InvalidJSONFormat"


def test_authenticating_twice_is_an_error(either: Floor) -> None:
    client = either.connect()
    assert code(client.send("auth", **signed(either.alice))) == "AlreadyAuthenticated"
    assert client.send("get_user_orders")[0]["all_orders_response"]["orders"] == []


def test_nothing_works_before_authentication(either: Floor) -> None:
    client = either.stranger()
    for command, params in {
        "subscribe": {"channels": ["fills"]},
        "get_user_orders": {},
        "cancel_all_orders": {},
        "cancel_on_disconnect": {"cancel_on_disconnect": True},
    }.items():
        assert code(client.send(command, **params)) == "PermissionDenied"


def test_a_subaccount_is_chosen_for_the_whole_connection(floor: Floor) -> None:
    sub = floor.accounts.create_subaccount(floor.alice.user_id)
    floor.exchange.deposit(sub, floor.exchange.balance(floor.alice.user_id).deposit)
    client = floor.stranger()
    client.send("auth", **signed(floor.alice), account_id=sub)
    client.send("subscribe", channels=["order_responses"])
    assert client.placed("BUY", 1, 199)["user_id"] == sub
    assert floor.exchange.open_orders(floor.alice.user_id) == []


def test_a_strangers_account_cannot_be_chosen(floor: Floor) -> None:
    answer = floor.stranger().send("auth", **signed(floor.alice), account_id=floor.bob.user_id)
    assert answer == [{"authenticated": False}]


def test_a_view_key_reads_and_does_not_trade(floor: Floor) -> None:
    viewer = floor.connect(floor.accounts.add_key(floor.alice.user_id, can_trade=False))
    assert code(viewer.order("BUY", 1, 199)) == "PermissionDenied"
    assert code(viewer.send("cancel_all_orders")) == "PermissionDenied"
    assert viewer.send("get_user_orders")[0]["all_orders_response"] == {"orders": [], "twaps": []}


@pytest.mark.parametrize(
    ("flags", "expected"), [({"kyc": False}, "KycRequired"), ({"terms_accepted": False}, "TncRequired")]
)
def test_trading_needs_kyc_and_accepted_terms(floor: Floor, flags: dict[str, bool], expected: str) -> None:
    client = floor.connect()
    floor.exchange.set_flags(floor.alice.user_id, **flags)
    assert code(client.order("BUY", 1, 199)) == expected
    assert "all_orders_response" in client.send("get_user_orders")[0]


def test_a_minute_is_left_to_authenticate(floor: Floor) -> None:
    late, punctual = floor.stranger(), floor.stranger()
    floor.clock.advance(59)
    assert late.session.closing is None
    punctual.send("auth", **signed(floor.alice))
    floor.clock.advance(1)
    assert late.session.closing is not None
    assert late.session in [session for session, _ in floor.gateway.drain()]
    assert punctual.session.closing is None


def test_a_revoked_key_opens_nothing(floor: Floor) -> None:
    floor.accounts.revoke(floor.alice.public_key)
    assert floor.stranger().send("auth", **signed(floor.alice)) == [{"authenticated": False}]
