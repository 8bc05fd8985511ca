"""Policies, deadlines, credentials, environments, errors: small values with rules of their own."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle
from typing import Any

import pytest

import qfex
from qfex import (
    PROD,
    UAT,
    ConfigurationError,
    ErrorCode,
    HmacCredentials,
    JwtCredentials,
    Order,
    OrderRejected,
    OrderStatus,
    OutcomeUnknown,
    ReconnectPolicy,
    RequestTimeout,
    Side,
    ValidationError,
)
from qfex.environment import is_loopback, require_safe_for_secrets
from qfex.threads import Deadline

# --- reconnecting ------------------------------------------------------------------------------------------------


def test_delays_grow_to_their_limit_with_full_jitter() -> None:
    policy = ReconnectPolicy(initial_delay=1.0, max_delay=8.0)
    for attempt, ceiling in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (10_000, 8.0)):
        delays = [policy.delay(attempt) for _ in range(200)]
        assert 0 <= min(delays) < 0.3 * ceiling and 0.7 * ceiling < max(delays) <= ceiling


@pytest.mark.parametrize("name", ["initial_delay", "max_delay", "heartbeat_interval", "heartbeat_timeout"])
@pytest.mark.parametrize("bad", [0, -1])
def test_times_of_a_policy_are_above_zero(name: str, bad: float) -> None:
    with pytest.raises(ValueError):
        ReconnectPolicy(**{name: bad})


# --- deadlines ---------------------------------------------------------------------------------------------------


def test_a_deadline_without_a_limit_never_passes() -> None:
    endless = Deadline(None)
    assert endless.remaining() is None and endless.wait_time() == -1 and not endless.passed


def test_a_deadline_has_what_is_left() -> None:
    soon, late = Deadline(0.0), Deadline(1e18)
    assert soon.passed and soon.remaining() == 0.0 and soon.wait_time() == 0.0
    assert not late.passed and 0 < late.wait_time() < 1e18  # locks take no longer times


# --- credentials -------------------------------------------------------------------------------------------------


def test_the_proof_is_the_documented_one() -> None:
    keys = HmacCredentials("qfex_pub_1", "qfex_secret_ü")
    proof = keys.auth_params(lambda: 1760545414.9)["hmac"]
    signed = hmac.new(
        "qfex_secret_ü".encode(), f"{proof['nonce']}:1760545414".encode(), hashlib.sha256
    ).hexdigest()
    assert proof == {
        "public_key": "qfex_pub_1",
        "nonce": proof["nonce"],
        "unix_ts": 1760545414,
        "signature": signed,
    }
    assert len(proof["nonce"]) == 32 and int(proof["nonce"], 16) >= 0


def test_headers_carry_the_same_proof_as_text() -> None:
    headers = HmacCredentials("qfex_pub_1", "s").headers(lambda: 1760545414)
    assert headers["x-qfex-timestamp"] == "1760545414" and headers["x-qfex-public-key"] == "qfex_pub_1"
    text = f"{headers['x-qfex-nonce']}:1760545414".encode()
    assert headers["x-qfex-hmac-signature"] == hmac.new(b"s", text, hashlib.sha256).hexdigest()


def test_no_nonce_is_used_twice() -> None:
    keys = HmacCredentials("p", "s")
    assert len({keys.sign()[0] for _ in range(500)}) == 500


def test_a_token_is_sent_unchanged() -> None:
    token = JwtCredentials("ey.j.t")
    assert token.auth_params() == {"jwt": "ey.j.t"} and token.headers() == {"Authorization": "Bearer ey.j.t"}


# --- environments ------------------------------------------------------------------------------------------------


def test_production_and_test_environments() -> None:
    assert (PROD.trade_url, PROD.market_data_url, PROD.rest_url) == (
        "wss://trade.qfex.com/", "wss://mds.qfex.com/", "https://api.qfex.com",
    )  # fmt: skip
    assert (UAT.trade_url, UAT.market_data_url, UAT.rest_url) == (
        "wss://trade.qfex.io/", "wss://mds.qfex.io/", "https://api.qfex.io",
    )  # fmt: skip


@pytest.mark.parametrize(
    "url",
    ["wss://anywhere.example/", "https://x", "ws://127.0.0.1:80/", "ws://localhost/", "http://[::1]:8000"],
)
def test_secrets_may_be_sent_encrypted_or_to_this_machine(url: str) -> None:
    require_safe_for_secrets(url)


@pytest.mark.parametrize(
    "url",
    ["ws://trade.qfex.com/", "http://10.0.0.1/", "ws://localhost.example/", "ws://127.0.0.1.example/", "ftp://x",
     "trade.qfex.com", "", "ws://"],
)  # fmt: skip
def test_secrets_are_never_sent_unencrypted(url: str) -> None:
    with pytest.raises(ConfigurationError):
        require_safe_for_secrets(url)


def test_a_client_with_secrets_refuses_such_an_url() -> None:
    with pytest.raises(ConfigurationError, match="wss"):
        qfex.TradeClient(qfex.Environment("ws://trade.example/", "ws://m.example/", "http://r.example"), KEYS)


def test_loopback_is_recognised() -> None:
    assert [host for host in ("localhost", "127.8.9.1", "::1", "0.0.0.0", "example.com") if is_loopback(host)] == [
        "localhost", "127.8.9.1", "::1",
    ]  # fmt: skip


KEYS = HmacCredentials("qfex_pub_1", "qfex_secret_1")

# --- errors ------------------------------------------------------------------------------------------------------

ERRORS: list[qfex.QfexError] = [
    ValidationError("price", -1, "must be above zero"),
    qfex.ConnectionLost("gone", 1006),
    RequestTimeout("late", sent=True),
    OutcomeUnknown("add_order", "timeout", client_order_id="c", order_id=None, symbol="AAPL-USD"),
    OrderRejected(OrderStatus.REJECTED, Order("o1", "c1")),
    qfex.ApiError(ErrorCode.INVALID_ORDER, "no", {"type": "add_order"}),
    qfex.RateLimited(ErrorCode.RATE_LIMITED, "wait"),
    qfex.RestError(422, "title", "detail", [{"location": "x"}]),
    qfex.NotConnected("down"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_can_be_copied_and_pickled(error: qfex.QfexError, twin: Any) -> None:
    other = twin(error)
    assert type(other) is type(error) and str(other) == str(error) and vars(other) == vars(error)


def test_errors_say_what_they_know() -> None:
    unknown = OutcomeUnknown("add_order", "timeout", client_order_id="c1", symbol="AAPL-USD")
    assert str(unknown) == "outcome of add_order unknown (timeout): client_order_id=c1, symbol=AAPL-USD"
    assert unknown.sent is True and isinstance(unknown, TimeoutError)
    assert (unknown.command, unknown.reason, unknown.order_id) == ("add_order", "timeout", None)
    assert (
        str(OrderRejected(OrderStatus.BAD_SYMBOL, Order("", "c1", "X-USD"))) == "BAD_SYMBOL (order c1, X-USD)"
    )
    assert str(qfex.RestError(500, "Internal", None)) == "500: Internal"
    assert qfex.RestError(404).errors == []


# --- enumerations ------------------------------------------------------------------------------------------------


def test_arguments_are_members_or_their_text() -> None:
    assert Side.parse("BUY", "side") is Side.parse(Side.BUY, "side") is Side.BUY


@pytest.mark.parametrize(
    "value", ["buy", "LONG", "", None, 1, Side("SOMETHING_NEW"), OrderStatus.ACK, ["BUY"]]
)
def test_other_arguments_are_refused_by_name(value: Any) -> None:
    with pytest.raises(ValidationError, match="side.*must be one of BUY, SELL") as refused:
        Side.parse(value, "side")
    assert (refused.value.argument, refused.value.value) == ("side", value)


def test_members_are_text() -> None:
    assert f"{Side.BUY}" == str(Side.BUY) == Side.BUY == "BUY" and Side.BUY.opposite is Side.SELL
    assert pickle.loads(pickle.dumps(OrderStatus("SOMETHING_NEW"))) is OrderStatus("SOMETHING_NEW")


def test_inventing_values_does_not_fill_the_memory() -> None:
    from qfex import enums

    made = [OrderStatus(f"INVENTED_{number}") for number in range(enums._MAX_UNKNOWN + 50)]
    assert len(enums._unknown_members) <= enums._MAX_UNKNOWN
    assert made[-1].value == f"INVENTED_{enums._MAX_UNKNOWN + 49}" and made[-1] == OrderStatus(made[-1].value)
    for member in made:
        enums._unknown_members.pop((OrderStatus, member.value), None)
