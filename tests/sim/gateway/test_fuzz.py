"""The gateway answers every input with JSON, does not fail, and stays usable."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .helpers import AAPL, GatewayHarness, statuses
from .test_errors import WHOLE

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([AAPL, "NO-USD", "BUY", "SELL", "LIMIT", "MARKET", "ALO", "TAKE_PROFIT", "GTC", "FOK"])
    | st.text(max_size=80)
    | st.lists(st.text(max_size=5), max_size=3)
)
PLAUSIBLE = st.sampled_from([0, 1, 0.1, 0.001, 5, 30, 150, 199.99, 200, 250, 10_000_000, -1, 1e-9, 1e18])


@st.composite
def commands(draw: st.DrawFn) -> str:
    """Return a command with some members replaced by others, plausible or not."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    params: dict[str, Any] = dict(WHOLE[name])
    optional = ["take_profit", "stop_loss", "reduce_only", "client_order_id", "limit", "offset", "start_ts"]
    for member in draw(st.lists(st.sampled_from([*params, *optional]), max_size=3)):
        params[member] = draw(PLAUSIBLE | ODD)
    return json.dumps({"type": name, "params": params})


@FUZZ
@given(texts=st.lists(commands(), min_size=1, max_size=12))
def test_odd_values_are_answered_and_cause_no_failure(texts: list[str]) -> None:
    for dialect in ("live", "documented"):
        harness = GatewayHarness(dialect, liquidity=True)
        client = harness.connect()
        for text in texts:
            client.text(text)
            harness.clock.advance(31)
        assert harness.audit.errors == []
        assert statuses(client.order("BUY", 0.1, 190, client_order_id="still here"))


@FUZZ
@given(text=st.text() | st.recursive(ODD, lambda inner: st.dictionaries(st.text(), inner)).map(json.dumps))
def test_any_text_is_answered_by_an_error(text: str) -> None:
    harness = GatewayHarness()
    client = harness.connect()
    (answer,) = client.text(text)
    assert answer["err"]["error_code"] == "InvalidJSONFormat"
    assert harness.audit.errors == []
