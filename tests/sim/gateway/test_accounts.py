"""Keys, headers and subaccounts, as the upgrade and the REST interface use them."""

from __future__ import annotations

import pytest

from qfex.sim.gateway.accounts import AuthenticationRefused, Identity

from .helpers import NOON, Floor, signed


def headers(floor: Floor, **changes: str) -> dict[str, str]:
    """Return alice's signed headers."""
    proof = signed(floor.alice)["hmac"]
    made = {
        "x-qfex-public-key": proof["public_key"],
        "x-qfex-hmac-signature": proof["signature"],
        "x-qfex-nonce": proof["nonce"],
        "x-qfex-timestamp": str(proof["unix_ts"]),
    }
    return {**made, **changes}


def test_signed_headers_identify(floor: Floor) -> None:
    user = floor.alice.user_id
    assert floor.accounts.authenticate_headers(headers(floor)) == Identity(user, user)


def test_no_headers_identify_nobody(floor: Floor) -> None:
    assert floor.accounts.authenticate_headers({}) is None


def test_a_bearer_token_identifies(floor: Floor) -> None:
    token = floor.accounts.issue_token(floor.bob.user_id)
    found = floor.accounts.authenticate_headers({"Authorization": f"Bearer {token}"})
    assert found == Identity(floor.bob.user_id, floor.bob.user_id)


def test_a_subaccount_is_requested_by_a_header(floor: Floor) -> None:
    sub = floor.accounts.create_subaccount(floor.alice.user_id)
    wanted = headers(floor, **{"x-qfex-requested-account-id": sub})
    assert floor.accounts.authenticate_headers(wanted) == Identity(floor.alice.user_id, sub)
    assert floor.accounts.subaccounts(floor.alice.user_id) == [sub]


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
def test_what_proves_nothing_is_refused(floor: Floor, changes: dict[str, str]) -> None:
    with pytest.raises(AuthenticationRefused):
        floor.accounts.authenticate_headers(headers(floor, **changes))


def test_secrets_stay_out_of_texts(floor: Floor) -> None:
    assert floor.alice.secret_key not in repr(floor.alice)
    assert floor.alice.secret_key not in repr(vars(floor.accounts))


def test_keys_are_reproducible_and_look_like_the_exchanges() -> None:
    one, other = Floor(), Floor()
    assert one.alice == other.alice
    assert one.alice.public_key.startswith("qfex_pub_")
    assert one.alice.secret_key.startswith("qfex_secret_")
    assert one.alice.public_key != one.bob.public_key
