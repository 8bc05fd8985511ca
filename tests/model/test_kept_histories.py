"""Histories that failed once, kept so that they never do again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .history import run
from .options import Options


@dataclass(frozen=True)
class Kept:
    """One history, and what was wrong after it."""

    seed: int
    classes: tuple[str, ...]
    shapes: tuple[str, ...]
    wrong: str


FIXED = (
    Kept(10, ("cuts",), (), "an order replaced by an unanswered modify was taken for ended"),
    Kept(8, ("crossed",), (), "a list that overtook MODIFIED kept the old id open"),
    Kept(2, ("others",), (), "orders that another session changed stayed open"),
    Kept(14, ("late",), (), "the late reply to a query was delivered as a newer event"),
    Kept(22, ("paged",), (), "going through the orders skipped one"),
    Kept(2, ("holes",), (), "questions about several orders blocked each other"),
    Kept(100, (), ("old_leg=before",), "an order modified elsewhere was taken for cancelled"),
    Kept(
        100, (), ("early_fill=True",), "an order modified and filled elsewhere stayed open under its old id"
    ),
    Kept(1, ("duplicates",), (), "a doubled message was delivered as a newer event"),
    Kept(3, ("odd_market",), (), "prices stood still because their time went back"),
    Kept(4, ("cuts", "refused_topics"), (), "a subscription that met an error was never restored"),
    Kept(1, ("long_orders",), (), "orders that rested before the first connection were unknown"),
    Kept(1, ("cuts", "errors"), (), "the window of a rate limit was taken for the time to wait"),
    Kept(
        353,
        ("cuts", "stalls", "others", "armed"),
        ("modify_keeps_id=True", "update_time=False", "stop_reply=stop", "stop_client_id=False"),
        "a state without a time was older than any with one",
    ),
)

NOT_YET = (
    Kept(
        101, (), ("modified_client_id=False",), "an order modified and filled elsewhere was taken for ended"
    ),
    Kept(
        100,
        (),
        ("old_leg=before", "modified_client_id=False"),
        "the same, where the old id was cancelled first",
    ),
    Kept(1, ("late_comer",), (), "an order replaced before the client connected was taken for ended"),
    Kept(
        67, ("holes", "short_lives", "crossed", "stalls"), (), "a lost modify hid what another session's made"
    ),
    Kept(
        15, ("errors", "missing", "short_lives"), (), "fills were lost after an error to their subscription"
    ),
    Kept(
        3087,
        ("holes", "missing", "stalls", "others", "armed", "toggled", "paged"),
        ("query=list", "query_knows_finished=False", "modified_client_id=False"),
        "a reply that never came kept an ended order open",
    ),
)


def _named(kept: Kept) -> str:
    return f"{kept.seed}-{','.join((*kept.classes, *kept.shapes))}"


def _check(kept: Kept) -> None:
    report = run(kept.seed, Options.of(kept.seed, kept.classes).with_shapes(kept.shapes))
    assert not report.found, f"{kept.wrong}:\n{report}"


@pytest.mark.parametrize("kept", FIXED, ids=_named)
def test_a_history_that_failed_once_succeeds(kept: Kept) -> None:
    _check(kept)


@pytest.mark.xfail(reason="not fixed yet")
@pytest.mark.parametrize("kept", NOT_YET, ids=_named)
def test_a_history_that_fails_still_is_known(kept: Kept) -> None:
    _check(kept)
