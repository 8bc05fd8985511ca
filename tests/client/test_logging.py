"""What the log says, without any set-up but a level: losses, unknown outcomes, returns; and never a secret."""

from __future__ import annotations

import logging

import pytest

from qfex import AuthenticationError, Channel, HmacCredentials, OrderRejected, OutcomeUnknown, TradeClient
from qfex.sim import Simulator
from tests.support.exchange import (
    Peer,
    Scripted,
    ScriptedExchange,
    answers_everything,
    answers_nothing,
    drops_after_an_order,
    order_response,
)
from tests.support.helpers import AAPL, QUICK, Received, outcome, wait_for_reconnects

SECRETS = ("qfex_pub_test", "qfex_secret_test")


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "qfex")


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Messages of the client at a level."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno == level and record.name.split(".")[0] == "qfex" and "sim" not in record.name
    ]


def test_a_lost_connection_is_a_warning_and_its_return_is_information(
    scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    def leaves(peer: Peer) -> None:
        peer.accept()
        peer.receive("add_order")
        peer.close(1011, "out of order")

    _, client = scripted(leaves, answers_everything)
    changes = Received(client, Channel.CONNECTION)
    outcome(lambda: client.place_order(AAPL, "BUY", 1, 200))
    wait_for_reconnects(changes)
    assert [line for line in said(caplog, logging.WARNING) if "connection was lost" in line] == [
        "qfex-trade: the connection was lost: out of order"
    ]
    assert said(caplog, logging.INFO) == ["qfex-trade: the connection is restored"]


def test_the_log_keeps_no_lost_connection_alive(scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    """Programs that keep log records, as test frameworks do, would run out of descriptors."""
    _, client = scripted(drops_after_an_order, answers_everything)
    changes = Received(client, Channel.CONNECTION)
    outcome(lambda: client.place_order(AAPL, "BUY", 1, 200))
    wait_for_reconnects(changes)
    arguments = [argument for record in caplog.records for argument in record.args or ()]
    assert arguments and not [each for each in arguments if isinstance(each, BaseException)]


def test_a_close_is_no_loss(scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    _, client = scripted(answers_everything)
    client.close()
    client.close()
    assert said(caplog, logging.INFO) == ["qfex-trade: the client is closed"]
    assert said(caplog, logging.WARNING) == said(caplog, logging.ERROR) == []


@pytest.mark.parametrize("end", ["timeout", "connection lost", "closed"])
def test_an_unknown_outcome_is_a_warning_with_its_ids(
    scripted: Scripted, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    def script(peer: Peer) -> None:
        peer.accept()
        peer.receive("add_order")
        if end == "connection lost":
            peer.drop()
        peer.read_until_closed()

    _, client = scripted(script, answers_nothing)
    pending = client.submit_order(AAPL, "BUY", 1, 200, client_order_id="mine", timeout=0.1)
    if end == "closed":
        client.close()
    with pytest.raises(OutcomeUnknown):
        pending.result(0.1 if end == "timeout" else 5)
    (line,) = [line for line in said(caplog, logging.WARNING) if "unknown" in line]
    assert line == f"outcome of add_order unknown ({end}): client_order_id=mine, symbol={AAPL}"


def test_a_refusal_is_for_those_who_look_closely(
    scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(peer: Peer) -> None:
        peer.accept()
        placed = peer.receive("add_order")
        peer.send(order_response(placed["params"]["client_order_id"], "REJECTED", order_id=""))
        peer.read_until_closed()

    _, client = scripted(refuses)
    with pytest.raises(OrderRejected):
        client.place_order(AAPL, "BUY", 1, 200)
    assert any("add_order was refused: " in line for line in said(caplog, logging.DEBUG))
    assert said(caplog, logging.WARNING) == []


def test_no_line_of_a_log_is_longer_than_a_reader_bears(
    scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    _, client = scripted(answers_nothing)
    outcome(lambda: client.place_order("x" * 100_000, "BUY", 1, 200, timeout=0.1))
    assert all(len(line) < 1000 for line in said(caplog, logging.WARNING) + said(caplog, logging.DEBUG))


def test_no_secret_is_logged_whatever_happens(scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    def echoes(peer: Peer) -> None:
        """Repeats what it should not know how to keep for itself."""
        peer.upgrade()
        auth = peer.receive("auth")
        peer.send(
            {"err": {"error_code": "PERMISSION_DENIED", "message": peer.texts[-1], "incoming_message": auth}}
        )
        peer.close(1008, f"bad key {SECRETS[0]} {SECRETS[1]}")

    with ScriptedExchange(echoes) as exchange:
        client = TradeClient(exchange.environment, exchange.credentials, reconnect=QUICK, request_timeout=1)
        outcome(client.connect)
        client.close()
    _, client = scripted(answers_everything)
    client.place_order(AAPL, "BUY", 1, 200)
    assert not [
        record
        for record in caplog.records
        for secret in SECRETS
        if secret in f"{record.getMessage()}{record.args}"
    ]


@pytest.mark.parametrize("dialect", ["live"], indirect=True)
def test_refused_credentials_are_not_logged_either(sim: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    client = TradeClient(sim.environment, HmacCredentials("qfex_pub_wrong", "qfex_secret_wrong"))
    with pytest.raises(AuthenticationError):
        client.connect()
    client.close()
    assert "qfex_secret_wrong" not in caplog.text and "qfex_pub_wrong" not in caplog.text
