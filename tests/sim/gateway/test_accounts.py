"""Keys, headers and subaccounts, as the upgrade and the REST interface use them."""

from __future__ import annotations

import pytest

from qfex.sim.gateway.accounts import AuthenticationRefused, Identity

from .helpers import NOON, GatewayHarness, signed


def headers(harness: GatewayHarness, **changes: str) -> dict[str, str]:
    """Return alice's signed headers."""
    proof = signed(harness.alice)["hmac"]
    made = {
        "x-qfex-public-key": proof["public_key"],
        "x-qfex-hmac-signature": proof["signature"],
        "x-qfex-nonce": proof["nonce"],
        "x-qfex-timestamp": str(proof["unix_ts"]),
    }
    return {**made, **changes}


def test_signed_headers_identify_the_account(harness: GatewayHarness) -> None:
    user = harness.alice.user_id
    assert harness.accounts.authenticate_headers(headers(harness)) == Identity(user, user)


def test_without_headers_there_is_no_identity(harness: GatewayHarness) -> None:
    assert harness.accounts.authenticate_headers({}) is None


def test_a_bearer_token_identifies_the_account(harness: GatewayHarness) -> None:
    token = harness.accounts.issue_token(harness.bob.user_id)
    found = harness.accounts.authenticate_headers({"Authorization": f"Bearer {token}"})
    assert found == Identity(harness.bob.user_id, harness.bob.user_id)


def test_a_subaccount_is_requested_by_a_header(harness: GatewayHarness) -> None:
    sub = harness.accounts.create_subaccount(harness.alice.user_id)
    wanted = headers(harness, **{"x-qfex-requested-account-id": sub})
    assert harness.accounts.authenticate_headers(wanted) == Identity(harness.alice.user_id, sub)
    assert harness.accounts.subaccounts(harness.alice.user_id) == [sub]


@pytest.mark.parametrize(
    "changes",
    [
        {"x-qfex-timestamp": "soon"},
        {"x-qfex-timestamp": "²"},
        {"x-qfex-timestamp": str(int(NOON) + 1)},
        {"x-qfex-public-key": "qfex_pub_unknown"},
        {"x-qfex-hmac-signature": "0" * 64},
        {"x-qfex-hmac-signature": "é"},
        {"x-qfex-nonce": ""},
        {"x-qfex-requested-account-id": "somebody"},
        {"Authorization": "Bearer nonsense"},
    ],
)
def test_invalid_credentials_are_refused(harness: GatewayHarness, changes: dict[str, str]) -> None:
    with pytest.raises(AuthenticationRefused):
        harness.accounts.authenticate_headers(headers(harness, **changes))


def test_secrets_are_not_in_any_repr(harness: GatewayHarness) -> None:
    assert harness.alice.secret_key not in repr(harness.alice)
    assert harness.alice.secret_key not in repr(vars(harness.accounts))


def test_keys_are_reproducible_and_look_like_those_of_the_exchange() -> None:
    one, other = GatewayHarness(), GatewayHarness()
    assert one.alice == other.alice
    assert one.alice.public_key.startswith("qfex_pub_")
    assert one.alice.secret_key.startswith("qfex_secret_")
    assert one.alice.public_key != one.bob.public_key
