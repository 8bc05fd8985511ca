"""REST replies have the published shapes, except for the listed differences."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from qfex.sim.engine import TwapEntry
from qfex.sim.feeds.rest import OPERATIONS
from tests.sim.clients import AAPL

from .rest_facts import EXCEPTIONS, PUBLISHED, SCHEMAS, UNPUBLISHED
from .rest_harness import Rest, serving
from .shapes import differences

# The simulator has no referrals.
EMPTY = {"/user/referral-rewards"}
EXPECTED = {**PUBLISHED, **UNPUBLISHED}


def create_history(rest: Rest) -> None:
    """Create something for every list."""
    rest.order("BUY", "2")
    rest.order("BUY", "1", "300", order_type="LIMIT")
    rest.order("BUY", "1", "300", order_type="LIMIT", time_in_force="GTC")
    entry = TwapEntry(AAPL, "BUY", Decimal("0.2"), 2, 30, client_twap_id=None)
    account = rest.sim.account_id(rest.credentials)
    rest.sim.exchange_call(lambda exchange: exchange.add_twap(account, entry))
    rest.sim.advance(4 * 86_400)
    rest.raw("/user/subaccounts", method="POST", keys=rest.credentials)


def request(rest: Rest, operation: Any) -> Any:
    """Return the reply to an operation with plausible parameters."""
    values = {**rest.window(), "resolution": "1HOUR", "interval": "1h", "intervalMinutes": 60}
    if "settlement" in operation.path:
        values["symbol"] = "CL-USD"
    if operation.path == "/user/transfer":
        master = rest.sim.account_id(rest.credentials)
        values["src_account_id"] = master
        values["dst_account_id"] = rest.get("/user/subaccounts")["account_ids"][0]
    names = {parameter.name for parameter in operation.parameters if parameter.where == "query"}
    body = {"symbol": "GOLD-USD", "leverage": 5.0, "amount": 1.5}
    return rest.raw(
        operation.path.replace("{symbol}", AAPL),
        method=operation.method,
        keys=rest.credentials if operation.private else None,
        params={name: value for name, value in values.items() if name in names},
        json={name: body[name] for name in operation.members} if operation.members else None,
    )


@pytest.mark.parametrize("dialect", ["live", "documented"])
def test_every_reply_has_its_published_shape(dialect: str) -> None:
    found: set[str] = set()
    with serving(dialect=dialect) as rest:
        create_history(rest)
        for operation in OPERATIONS:
            response = request(rest, operation)
            assert response.status_code in (200, 204), (operation.path, response.text)
            schema = EXPECTED.get(f"{operation.method} {operation.path}")
            if schema:
                body = response.json()
                assert body["$schema"] == f"https://api.qfex.com/schemas/{schema}.json"
                assert body.get("data", True) or operation.path in EMPTY, f"nothing in {operation.path}"
                found.update(differences(SCHEMAS, schema, body))
    assert found == set(EXCEPTIONS[dialect])


def test_every_published_operation_is_served() -> None:
    served = {f"{one.method} {one.path}" for one in OPERATIONS}
    assert set(PUBLISHED) <= served
    assert served - set(PUBLISHED) == {*UNPUBLISHED, "GET /user/subaccounts/equity"}


def test_problems_have_their_published_shape(rest: Rest) -> None:
    for status, path in ((401, "/user/fees"), (404, "/md/orderbook/NOPE"), (422, f"/candles/{AAPL}")):
        assert list(differences(SCHEMAS, "ErrorModel", rest.problem(status, path))) == []


@pytest.mark.parametrize(
    ("body", "difference"),
    [
        ({"candles": [{}]}, "Candle.low: missing"),
        ({"candles": [{"low": 1}]}, "Candle.low: no string"),
        ({"candles": [{"colour": "red"}]}, "Candle.colour: unexpected"),
        ({"candles": {}}, "CandlesResponseBody.candles: no list"),
    ],
)
def test_the_checker_finds_differences(body: object, difference: str) -> None:
    assert difference in set(differences(SCHEMAS, "CandlesResponseBody", body))
