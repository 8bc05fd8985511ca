"""Access to the REST interface: credentials, parameters and problems."""

from __future__ import annotations

import time

import pytest

from qfex.credentials import HmacCredentials
from qfex.sim.feeds.rest import OPERATIONS
from tests.sim.clients import AAPL

from .rest_harness import Rest

PRIVATE = [one for one in OPERATIONS if one.private]


@pytest.mark.parametrize("operation", PRIVATE, ids=lambda one: f"{one.method} {one.path}")
def test_private_operations_require_credentials(rest: Rest, operation: object) -> None:
    assert operation in PRIVATE
    problem = rest.problem(401, operation.path, method=operation.method)  # type: ignore[attr-defined]
    assert problem["$schema"] == "https://api.qfex.com/schemas/ErrorModel.json"
    assert problem["title"] == "Unauthorized"


def test_a_wrong_secret_is_refused(rest: Rest) -> None:
    forged = HmacCredentials(rest.credentials.public_key, "qfex_secret_wrong")
    rest.problem(401, "/user/fees", keys=forged)


def test_an_unknown_key_is_refused(rest: Rest) -> None:
    rest.problem(401, "/user/fees", keys=HmacCredentials("qfex_pub_unknown", "qfex_secret_unknown"))


def test_a_nonce_can_be_used_once(rest: Rest) -> None:
    headers = rest.credentials.headers()
    assert rest.raw("/user/fees", headers=headers).status_code == 200
    assert "nonce" in rest.problem(401, "/user/fees", headers=headers)["detail"]


def test_a_nonce_used_on_another_path_cannot_be_used_again(rest: Rest) -> None:
    headers = rest.credentials.headers()
    assert rest.raw("/user/trade", headers=headers).status_code == 200
    rest.problem(401, "/user/subaccounts", headers=headers)


@pytest.mark.parametrize("drift", [-301, 301])
def test_a_timestamp_outside_the_window_is_refused(rest: Rest, drift: float) -> None:
    headers = rest.credentials.headers(lambda: time.time() + drift)
    assert "timestamp" in rest.problem(401, "/user/fees", headers=headers)["detail"]


@pytest.mark.parametrize("drift", [-290, 290])
def test_a_timestamp_within_the_window_is_accepted(rest: Rest, drift: float) -> None:
    headers = rest.credentials.headers(lambda: time.time() + drift)
    assert rest.raw("/user/fees", headers=headers).status_code == 200


def test_header_names_are_not_case_sensitive(rest: Rest) -> None:
    headers = {name.upper(): value for name, value in rest.credentials.headers().items()}
    assert rest.raw("/user/fees", headers=headers).status_code == 200


def test_a_token_is_accepted(rest: Rest) -> None:
    headers = {"Authorization": f"Bearer {rest.sim.jwt(rest.credentials)}"}
    assert rest.raw("/user/fees", headers=headers).status_code == 200
    rest.problem(401, "/user/fees", headers={"Authorization": "Bearer no.such.token"})


def test_public_operations_require_no_credentials(rest: Rest) -> None:
    for one in OPERATIONS:
        if not one.private and not one.parameters:
            assert rest.raw(one.path).status_code == 200


def test_a_view_key_can_read_but_not_change_anything(rest: Rest) -> None:
    viewer = rest.sim.create_account(can_trade=False)
    assert rest.raw("/user/fees", keys=viewer).status_code == 200
    body = {"symbol": AAPL, "leverage": 5}
    rest.problem(403, "/user/leverage", method="POST", keys=viewer, json=body)
    rest.problem(403, "/user/subaccounts", method="POST", keys=viewer, json={})


def test_unknown_paths_require_credentials_first(rest: Rest) -> None:
    rest.problem(401, "/nothing/here")
    rest.problem(404, "/nothing/here", keys=rest.credentials)
    rest.problem(404, "/user/public-accounts", keys=rest.credentials)
    rest.problem(405, "/refdata", method="DELETE", keys=rest.credentials)


def test_all_missing_parameters_are_named(rest: Rest) -> None:
    problem = rest.problem(422, f"/candles/{AAPL}", params={"resolution": "1HOUR"})
    assert [entry["location"] for entry in problem["errors"]] == ["query.fromISO", "query.toISO"]
    assert problem["errors"][0]["message"] == "required query parameter is missing"


@pytest.mark.parametrize(
    ("path", "params", "entry"),
    [
        ("/user/trade", {"limit": "x"}, ("invalid integer", "query.limit", "x")),
        ("/user/trade", {"limit": "0"}, ("expected number >= 1", "query.limit", 0)),
        ("/user/historic-orders", {"limit": "1001"}, ("expected number <= 1000", "query.limit", 1001)),
        ("/user/historic-orders", {"offset": "-1"}, ("expected number >= 0", "query.offset", -1)),
        (
            "/user/trade",
            {"start": "monday"},
            ("expected string to be RFC 3339 date-time", "query.start", "monday"),
        ),
        ("/pnl", {"limit_hours": "2161"}, ("expected number <= 2160", "query.limit_hours", 2161)),
        ("/settlement-calendar", {}, ("required query parameter is missing", "query.symbol", "")),
    ],
)
def test_parameters_are_checked(rest: Rest, path: str, params: dict[str, str], entry: object) -> None:
    [error] = rest.problem(422, path, keys=rest.credentials, params=params)["errors"]
    assert (error["message"], error["location"], error["value"]) == entry


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b"[]", 422, "expected object"),
        (b"{}", 422, "expected required property symbol to be present"),
        (b'{"symbol": "AAPL-USD", "leverage": "5"}', 422, "expected number"),
        (b'{"symbol": 1, "leverage": 5}', 422, "expected string"),
        (b'{"symbol": "AAPL-USD", "leverage": true}', 422, "expected number"),
        (b'{"symbol": "AAPL-USD", "leverage": 5, "x": 1}', 422, "unexpected property"),
    ],
)
def test_bodies_are_checked(rest: Rest, body: bytes, status: int, message: str | None) -> None:
    problem = rest.problem(status, "/user/leverage", method="POST", keys=rest.credentials, data=body)
    errors = problem.get("errors") or [{"message": None}]
    assert errors[0]["message"] == message


def test_replies_have_a_date(rest: Rest) -> None:
    assert rest.raw("/refdata").headers["Date"].endswith("GMT")
    assert "max-age" in rest.raw("/refdata").headers["Cache-Control"]
