"""Targets files: their content, and the protection against typing errors."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qfex import ConfigurationError, HmacCredentials, JwtCredentials
from qfex.environment import PROD, UAT
from qfex.errors import ValidationError
from qfex.rebalance import Targets, load_targets
from qfex.rebalance.identity import account_scope, client_id, client_id_prefix, period_label

WHOLE = """
period = "week"
timezone = "America/New_York"
execution = "twap"
close_others = true

[weights]
AAPL-USD = 0.25
"BRK.B-USD" = "-0.1"

[quantities]
GOLD-USD = 1.50

[limits]
min_trade = 50
max_turnover = 0.3
max_slippage = 0.01

[limit]
wait = 12.5

[twap]
orders = 5
interval = 60
"""


def load(tmp_path: Path, text: str) -> Targets:
    file = tmp_path / "targets.toml"
    file.write_text(text)
    return load_targets(file)


def test_all_settings_are_read_exactly(tmp_path: Path) -> None:
    assert load(tmp_path, WHOLE) == Targets(
        weights={"AAPL-USD": Decimal("0.25"), "BRK.B-USD": Decimal("-0.1")},
        quantities={"GOLD-USD": Decimal("1.50")},
        timezone="America/New_York",
        close_others=True,
        period="week",
        execution="twap",
        min_trade=50,
        max_turnover="0.3",
        max_slippage="0.01",
        limit_wait=12.5,
        twap_orders=5,
        twap_interval=60,
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no targets"),
        ("[weight]\nAAPL-USD = 1", "weight"),
        ("[weights]\nAAPL-USD = 1\n[limits]\nmax_turnovr = 1", "limits.max_turnovr"),
        ("[weights]\nAAPL-USD = 'much'", "AAPL-USD"),
        ("[weights]\nAAPL-USD = nan", "AAPL-USD"),
        ("[weights]\nAAPL-USD = true", "AAPL-USD"),
        ("period = 'year'\n[weights]\nAAPL-USD = 1", "period"),
        ("execution = 'fast'\n[weights]\nAAPL-USD = 1", "execution"),
        ("[weights]\nAAPL-USD = 1\n[quantities]\nAAPL-USD = 1", "both"),
        ("[weights]\nAAPL-USD = 1\n[limits]\nmax_turnover = -1", "negative"),
        ("[weights]\nAAPL-USD = 1\n[twap]\ninterval = 10", "twap_interval"),
        ("[weights\n", "not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        load(tmp_path, text)


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load_targets("/no/such/targets.toml")


def test_negative_limits_are_refused_in_code_too() -> None:
    with pytest.raises(ValidationError):
        Targets(weights={"AAPL-USD": 1}, min_trade=-1)


def test_the_digest_depends_only_on_the_values() -> None:
    digest = Targets(weights={"A": "0.10", "B": 1}).digest
    assert Targets(weights={"B": "1.0", "A": 0.1}).digest == digest
    for other in ({"A": "0.1"}, {"A": "0.1", "B": "1.001"}):
        assert Targets(weights=other).digest != digest
    assert Targets(weights={"A": "0.1", "B": 1}, execution="market").digest != digest


@pytest.mark.parametrize(
    ("period", "label"),
    [
        ("hour", "2026-01-01T23"),
        ("day", "2026-01-01"),
        ("week", "2026-W01"),
        ("month", "2026-01"),
        ("once", "once"),
    ],
)
def test_periods_are_in_utc(period: str, label: str) -> None:
    moment = datetime(2026, 1, 2, 8, 59, tzinfo=timezone(timedelta(hours=9)))
    assert period_label(period, moment) == label


def test_client_ids_are_deterministic_and_have_the_usual_length() -> None:
    first = client_id("scope", "run", "AAPL-USD/1/limit")
    assert first == client_id("scope", "run", "AAPL-USD/1/limit")
    assert len(first) == 32 and int(first, 16) and first.startswith(client_id_prefix("scope"))
    others = [
        ("scope", "run", "AAPL-USD/2/limit"),
        ("scope", "run2", "AAPL-USD/1/limit"),
        ("s", "run", "AAPL-USD/1/limit"),
    ]
    assert len({first, *(client_id(*other) for other in others)}) == 4


def test_each_account_has_its_own_scope() -> None:
    keys = HmacCredentials("qfex_pub_1", "qfex_secret_1")
    scopes = {account_scope(place, keys, account) for place in (PROD, UAT) for account in (None, "sub")}
    assert len(scopes) == 4
    assert account_scope(PROD, HmacCredentials("qfex_pub_1", "another secret"), None) in scopes
    assert not any("qfex" in scope for scope in scopes)


def test_the_scope_of_a_token_is_its_user() -> None:
    # {"sub": "user-1"} with different expiries
    first = JwtCredentials("h.eyJzdWIiOiAidXNlci0xIiwgImV4cCI6IDF9.s")
    second = JwtCredentials("h.eyJzdWIiOiAidXNlci0xIiwgImV4cCI6IDJ9.t")
    assert account_scope(PROD, first, None) == account_scope(PROD, second, None)
    assert account_scope(PROD, JwtCredentials("no token"), None) != account_scope(
        PROD, JwtCredentials("x.y"), None
    )


@pytest.mark.parametrize("name", ["Nowhere/Land", "", 7])
def test_a_time_zone_that_does_not_exist_is_refused(name: Any) -> None:
    with pytest.raises(ValidationError, match="time zone"):
        Targets(timezone=name)


def test_a_daily_run_in_local_time_has_its_own_period_when_summer_time_begins() -> None:
    new_york = Targets(timezone="America/New_York").zone
    days = [datetime(2027, 3, day, 19, 30, tzinfo=new_york) for day in (12, 13, 14, 15)]
    in_utc = [day.astimezone(timezone.utc) for day in days]
    assert len({period_label("day", moment, new_york) for moment in in_utc}) == 4


def test_the_repeated_hour_has_two_periods() -> None:
    berlin = Targets(timezone="Europe/Berlin").zone
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=timezone.utc) for hour in (0, 1))
    assert period_label("hour", first, berlin) != period_label("hour", second, berlin)
