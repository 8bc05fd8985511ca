"""Authentication: signatures, nonces, tokens, accounts and scopes."""

from __future__ import annotations

from typing import Any

import pytest

from .helpers import NOON, GatewayHarness, code, signed


def test_the_live_dialect_answers_authenticated_true(harness: GatewayHarness) -> None:
    assert harness.connect_unauthenticated().send("auth", **signed(harness.alice)) == [
        {"authenticated": True}
    ]


def test_the_documented_dialect_answers_success(documented_harness: GatewayHarness) -> None:
    assert documented_harness.connect_unauthenticated().send("auth", **signed(documented_harness.alice)) == [
        {"type": "auth", "result": "success"}
    ]


def test_a_wrong_signature_fails_in_both_dialects(
    harness: GatewayHarness, documented_harness: GatewayHarness
) -> None:
    for each, answer in (
        (harness, {"authenticated": False}),
        (documented_harness, {"type": "auth", "result": "failed"}),
    ):
        params = signed(each.alice)
        params["hmac"]["signature"] = signed(each.bob)["hmac"]["signature"]
        client = each.connect_unauthenticated()
        assert client.send("auth", **params) == [answer]
        assert client.session.identity is None
        assert client.session.closing is None


def test_a_failed_attempt_may_be_repeated(harness: GatewayHarness) -> None:
    client = harness.connect_unauthenticated()
    params = signed(harness.alice)
    params["hmac"]["signature"] = "0" * 64
    client.send("auth", **params)
    assert client.send("auth", **signed(harness.alice)) == [{"authenticated": True}]


@pytest.mark.parametrize("field", ["public_key", "signature", "nonce"])
def test_every_signed_part_is_checked(harness: GatewayHarness, field: str) -> None:
    params = signed(harness.alice)
    params["hmac"][field] += "x"
    assert harness.connect_unauthenticated().send("auth", **params) == [{"authenticated": False}]


@pytest.mark.parametrize(("skew", "accepted"), [(-299, True), (-301, False), (299, True), (301, False)])
def test_the_timestamp_may_be_five_minutes_off(harness: GatewayHarness, skew: int, accepted: bool) -> None:
    answer = harness.connect_unauthenticated().send("auth", **signed(harness.alice, NOON + skew))
    assert answer == [{"authenticated": accepted}]


def test_a_nonce_may_not_repeat_within_fifteen_minutes(harness: GatewayHarness) -> None:
    assert harness.connect_unauthenticated().send("auth", **signed(harness.alice, nonce="same")) == [
        {"authenticated": True}
    ]
    harness.wall += 14 * 60
    again = harness.connect_unauthenticated().send("auth", **signed(harness.alice, harness.wall, "same"))
    assert again == [{"authenticated": False}]
    assert harness.audit.authentication_failures == ["nonce already used"]
    harness.wall += 61
    later = harness.connect_unauthenticated().send("auth", **signed(harness.alice, harness.wall, "same"))
    assert later == [{"authenticated": True}]


def test_two_keys_may_use_the_same_nonce(harness: GatewayHarness) -> None:
    for key in (harness.alice, harness.bob):
        assert harness.connect_unauthenticated().send("auth", **signed(key, nonce="same")) == [
            {"authenticated": True}
        ]


def test_a_nonce_with_a_wrong_signature_can_be_used_again(harness: GatewayHarness) -> None:
    params = signed(harness.alice, nonce="same")
    wrong = {"hmac": {**params["hmac"], "signature": "f" * 64}}
    harness.connect_unauthenticated().send("auth", **wrong)
    assert harness.connect_unauthenticated().send("auth", **params) == [{"authenticated": True}]


@pytest.mark.parametrize("nonce", ["", "n" * 101])
def test_a_nonce_has_one_to_a_hundred_characters(harness: GatewayHarness, nonce: str) -> None:
    params = signed(harness.alice, nonce=nonce or "x")
    params["hmac"]["nonce"] = nonce
    assert harness.connect_unauthenticated().send("auth", **params) == [{"authenticated": False}]


def test_a_token_authenticates(harness: GatewayHarness) -> None:
    client = harness.connect_unauthenticated()
    token = harness.accounts.issue_token(harness.alice.user_id)
    assert client.send("auth", jwt=token) == [{"authenticated": True}]
    assert client.session.account_id == harness.alice.user_id


def test_a_token_expires(harness: GatewayHarness) -> None:
    token = harness.accounts.issue_token(harness.alice.user_id, lifetime=60)
    harness.wall += 61
    assert harness.connect_unauthenticated().send("auth", jwt=token) == [{"authenticated": False}]


@pytest.mark.parametrize("token", ["", "a.b.c", "nonsense", "é.é.é"])
def test_an_invalid_token_is_refused(harness: GatewayHarness, token: str) -> None:
    assert harness.connect_unauthenticated().send("auth", jwt=token) == [{"authenticated": False}]


def test_a_token_of_another_simulator_is_refused(harness: GatewayHarness) -> None:
    other = GatewayHarness()
    forged = type(other.accounts)(other.exchange, seed=1, wall=lambda: NOON).issue_token(
        harness.alice.user_id
    )
    assert harness.connect_unauthenticated().send("auth", jwt=forged) == [{"authenticated": False}]


@pytest.mark.parametrize(
    "params", [{}, {"jwt": "x", "hmac": {}}, {"hmac": {"public_key": "a"}}, {"api_key": "a"}]
)
def test_auth_requires_exactly_one_complete_proof(harness: GatewayHarness, params: dict[str, Any]) -> None:
    assert code(harness.connect_unauthenticated().send("auth", **params)) == "InvalidJSONFormat"


def test_the_timestamp_is_an_integer(harness: GatewayHarness) -> None:
    params = signed(harness.alice)
    params["hmac"]["unix_ts"] = str(params["hmac"]["unix_ts"])
    assert code(harness.connect_unauthenticated().send("auth", **params)) == "InvalidJSONFormat"


def test_authenticating_twice_is_an_error(any_harness: GatewayHarness) -> None:
    client = any_harness.connect()
    assert code(client.send("auth", **signed(any_harness.alice))) == "AlreadyAuthenticated"
    assert client.send("get_user_orders")[0]["all_orders_response"]["orders"] == []


def test_every_command_requires_authentication(any_harness: GatewayHarness) -> None:
    client = any_harness.connect_unauthenticated()
    for command, params in {
        "subscribe": {"channels": ["fills"]},
        "get_user_orders": {},
        "cancel_all_orders": {},
        "cancel_on_disconnect": {"cancel_on_disconnect": True},
    }.items():
        assert code(client.send(command, **params)) == "PermissionDenied"


def test_a_subaccount_is_chosen_for_the_whole_connection(harness: GatewayHarness) -> None:
    sub = harness.accounts.create_subaccount(harness.alice.user_id)
    harness.exchange.deposit(sub, harness.exchange.balance(harness.alice.user_id).deposit)
    client = harness.connect_unauthenticated()
    client.send("auth", **signed(harness.alice), account_id=sub)
    client.send("subscribe", channels=["order_responses"])
    assert client.placed("BUY", 1, 199)["user_id"] == sub
    assert harness.exchange.open_orders(harness.alice.user_id) == []


def test_another_users_account_cannot_be_chosen(harness: GatewayHarness) -> None:
    answer = harness.connect_unauthenticated().send(
        "auth", **signed(harness.alice), account_id=harness.bob.user_id
    )
    assert answer == [{"authenticated": False}]


def test_a_view_key_can_read_but_not_trade(harness: GatewayHarness) -> None:
    viewer = harness.connect(harness.accounts.add_key(harness.alice.user_id, can_trade=False))
    assert code(viewer.order("BUY", 1, 199)) == "PermissionDenied"
    assert code(viewer.send("cancel_all_orders")) == "PermissionDenied"
    assert viewer.send("get_user_orders")[0]["all_orders_response"] == {"orders": [], "twaps": []}


@pytest.mark.parametrize(
    ("flags", "expected"), [({"kyc": False}, "KycRequired"), ({"terms_accepted": False}, "TncRequired")]
)
def test_trading_needs_kyc_and_accepted_terms(
    harness: GatewayHarness, flags: dict[str, bool], expected: str
) -> None:
    client = harness.connect()
    harness.exchange.set_flags(harness.alice.user_id, **flags)
    assert code(client.order("BUY", 1, 199)) == expected
    assert "all_orders_response" in client.send("get_user_orders")[0]


def test_a_connection_has_a_minute_to_authenticate(harness: GatewayHarness) -> None:
    late, punctual = harness.connect_unauthenticated(), harness.connect_unauthenticated()
    harness.clock.advance(59)
    assert late.session.closing is None
    punctual.send("auth", **signed(harness.alice))
    harness.clock.advance(1)
    assert late.session.closing is not None
    assert late.session in [session for session, _ in harness.gateway.drain()]
    assert punctual.session.closing is None


def test_a_revoked_key_is_refused(harness: GatewayHarness) -> None:
    harness.accounts.revoke(harness.alice.public_key)
    assert harness.connect_unauthenticated().send("auth", **signed(harness.alice)) == [
        {"authenticated": False}
    ]
