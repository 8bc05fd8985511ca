"""The life of a client: connecting, being ready, ending; and what a client shows of itself."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from typing import Any

import pytest

from qfex import (
    AuthenticationError,
    Channel,
    ConfigurationError,
    ConnectionState,
    Environment,
    HmacCredentials,
    JwtCredentials,
    NotConnected,
    RateLimitPolicy,
    ReconnectPolicy,
    RequestTimeout,
    TradeClient,
    ValidationError,
)
from qfex.sim import Simulator
from tests.support.helpers import AAPL, PATIENCE, Connect, sent, until

live_only = pytest.mark.parametrize("dialect", ["live"], indirect=True)


def make(sim: Simulator, credentials: Any = None, **options: Any) -> TradeClient:
    return TradeClient(
        sim.environment, credentials or sim.credentials, **{"request_timeout": PATIENCE, **options}
    )


def own_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("qfex-trade")}


def test_a_client_is_ready_when_its_block_is_entered(sim: Simulator) -> None:
    client = make(sim)
    assert client.state is ConnectionState.DISCONNECTED and not client.is_alive
    with client as entered:
        assert entered is client and client.state is ConnectionState.READY and client.is_alive
        assert [entry.command for entry in sim.ledger.received] == ["auth", "subscribe"]
        assert sent(sim, "subscribe") == [{"channels": ["order_responses"]}]
        assert own_threads() == {"qfex-trade-reader"}
        client.on(Channel.FILLS, print)
        assert own_threads() == {"qfex-trade-reader", "qfex-trade-dispatcher"}
    assert client.state is ConnectionState.CLOSED and not client.is_alive
    assert sim.connections == []


@live_only
def test_connecting_twice_and_closing_twice_do_no_harm(sim: Simulator) -> None:
    client = make(sim)
    client.connect()
    client.connect()
    assert len(sim.connections) == 1
    client.close()
    client.close()


@live_only
def test_a_block_is_left_with_the_exception_that_ended_it(sim: Simulator) -> None:
    with pytest.raises(KeyError), make(sim) as client:
        raise KeyError
    assert client.state is ConnectionState.CLOSED


CALLS: dict[str, Any] = {
    "connect": lambda client: client.connect(),
    "wait_until_ready": lambda client: client.wait_until_ready(0.1),
    "place_order": lambda client: client.place_order(AAPL, "BUY", 1, 330),
    "cancel_all_orders": lambda client: client.cancel_all_orders(),
    "get_user_orders": lambda client: client.get_user_orders(),
    "set_leverage": lambda client: client.set_leverage(AAPL, 5),
    "subscribe": lambda client: client.subscribe(Channel.FILLS),
}


@live_only
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_closed_client_is_spent(sim: Simulator, call: Any) -> None:
    with make(sim) as client:
        pass
    with pytest.raises(NotConnected, match="closed"):
        call(client)


@live_only
@pytest.mark.parametrize("call", [call for name, call in CALLS.items() if name != "connect"])
def test_a_client_that_never_connected_sends_nothing(sim: Simulator, call: Any) -> None:
    with pytest.raises(NotConnected, match="not connected"):
        call(make(sim))
    assert not sim.ledger.received


@live_only
def test_waiting_until_ready(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    client.wait_until_ready(0.0)
    with pytest.raises(ValidationError, match="timeout"):
        client.wait_until_ready(-1)


# --- authentication ----------------------------------------------------------------------------------------------


def test_wrong_keys_are_refused_at_once(sim: Simulator) -> None:
    client = make(sim, HmacCredentials(sim.credentials.public_key, "qfex_secret_wrong"))
    with pytest.raises(AuthenticationError, match="refused"):
        client.connect()
    assert sim.ledger.authentication_failures == ["invalid signature"]
    client.close()


def test_a_failed_connect_may_be_called_again(sim: Simulator) -> None:
    sim.faults.reject_auth(times=2)
    client = make(sim)
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            client.connect()
        assert client.state is ConnectionState.DISCONNECTED
    client.connect()
    assert client.place_order(AAPL, "BUY", 1, 330).is_live
    client.close()


def test_a_token_opens_the_same_account(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, JwtCredentials(sim.jwt(sim.credentials)))
    assert client.place_order(AAPL, "BUY", 1, 330).user_id == sim.account_id(sim.credentials)


@live_only
def test_a_wrong_token_is_refused(sim: Simulator) -> None:
    client = make(sim, JwtCredentials("not.a.token"))
    with pytest.raises(AuthenticationError):
        client.connect()
    client.close()


def test_a_client_acts_for_its_subaccount(sim: Simulator, connect: Connect) -> None:
    subaccount = sim.create_subaccount(sim.credentials, 5000)
    client, master = connect(sim, account_id=subaccount), connect(sim)
    order = client.place_order(AAPL, "BUY", 1, 330)
    assert order.user_id == subaccount
    assert client.get_user_orders().orders == [order] and master.get_user_orders().orders == []
    with client.stream(Channel.BALANCES) as balances:
        assert until(balances).deposit == 5000


@live_only
def test_a_foreign_subaccount_is_refused(sim: Simulator) -> None:
    client = make(sim, account_id=sim.account_id(sim.create_account()))
    with pytest.raises(AuthenticationError):
        client.connect()
    client.close()


# --- no exchange there -------------------------------------------------------------------------------------------

NOWHERE = Environment("ws://127.0.0.1:9/", "ws://127.0.0.1:9/", "http://127.0.0.1:9")
KEYS = HmacCredentials("qfex_pub_1", "qfex_secret_1")


def test_without_a_policy_there_is_one_attempt() -> None:
    client = TradeClient(NOWHERE, KEYS, reconnect=None, request_timeout=PATIENCE)
    with pytest.raises(NotConnected, match=r"cannot connect to 127\.0\.0\.1") as failed:
        client.connect()
    assert "qfex_pub_1" not in str(failed.value)
    client.close()


def test_with_a_policy_attempts_go_on_until_the_time_is_up() -> None:
    policy = ReconnectPolicy(initial_delay=0.01, max_delay=0.02)
    client = TradeClient(NOWHERE, KEYS, reconnect=policy, request_timeout=0.3)
    attempts: list[int] = []
    client.on(Channel.CONNECTION, lambda event: attempts.append(event.attempt))
    with pytest.raises(NotConnected, match="cannot connect"):
        client.connect()
    client.close()
    assert max(attempts) > 3


@live_only
def test_an_exchange_that_does_not_answer_the_call_is_not_waited_for(sim: Simulator) -> None:
    sim.faults.stall_connections()
    client = make(sim, request_timeout=0.3, reconnect=None)
    with pytest.raises((NotConnected, RequestTimeout)):
        client.connect()
    assert client.state is ConnectionState.DISCONNECTED
    client.close()


@live_only
def test_an_exchange_that_does_not_answer_to_the_credentials_is_not_waited_for(sim: Simulator) -> None:
    sim.faults.swallow_command("auth", times=1)
    client = make(sim, request_timeout=0.3)
    with pytest.raises(RequestTimeout) as silent:
        client.connect()
    assert silent.value.sent is False
    client.connect()
    assert client.state is ConnectionState.READY
    client.close()


def test_an_exchange_that_comes_up_late_is_found(connect: Connect) -> None:
    sim = Simulator(symbols=[AAPL], liquidity=False, clock="manual")
    sim.start()
    environment = sim.environment
    sim.stop()
    port = int(environment.trade_url.rstrip("/").rpartition(":")[2].split("/")[0])
    late = Simulator(symbols=[AAPL], liquidity=False, clock="manual", port=port)
    client = TradeClient(
        environment, late.credentials, reconnect=ReconnectPolicy(initial_delay=0.01, max_delay=0.05),
        request_timeout=PATIENCE,
    )  # fmt: skip
    tried = threading.Event()
    client.on(
        Channel.CONNECTION, lambda event: tried.set() if event.state is ConnectionState.RECONNECTING else None
    )
    starter = threading.Thread(target=lambda: tried.wait(PATIENCE) and late.start())
    starter.start()
    client.connect()
    starter.join()
    assert client.state is ConnectionState.READY
    client.close()
    late.stop()


# --- the end -----------------------------------------------------------------------------------------------------


@live_only
def test_waiting_for_the_end(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    with pytest.raises(RequestTimeout) as still:
        client.block_for_close(0.0)
    assert still.value.sent is False
    closer = threading.Thread(target=client.close)
    closer.start()
    client.block_for_close(PATIENCE)
    closer.join()


@live_only
def test_waiting_for_the_end_tells_why_it_came(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, reconnect=None)
    sim.faults.drop_now()
    with pytest.raises(NotConnected, match="lost"):
        client.block_for_close(PATIENCE)
    assert client.state is ConnectionState.DISCONNECTED
    with pytest.raises(NotConnected):
        client.get_leverage()


@live_only
def test_a_callback_cannot_wait_for_the_end_of_itself(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    caught: list[Exception] = []
    done = threading.Event()

    def wait(_: Any) -> None:
        try:
            client.block_for_close(PATIENCE)
        except NotConnected as error:
            caught.append(error)
        done.set()

    client.on(Channel.ORDERS, wait)
    client.place_order(AAPL, "BUY", 1, 330)
    assert done.wait(PATIENCE) and "callback" in str(caught[0])


@live_only
def test_a_callback_may_close_the_client(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    client.on(Channel.ORDERS, lambda _: client.close())
    client.submit_order(AAPL, "BUY", 1, 330)
    client.block_for_close(PATIENCE)
    assert client.state is ConnectionState.CLOSED


@live_only
def test_closing_ends_a_waiting_call_at_once(sim: Simulator, connect: Connect) -> None:
    client = connect(sim, request_timeout=60.0)
    order = client.place_order(AAPL, "BUY", 1, 330)
    ended: list[Exception] = []

    def wait() -> None:
        try:
            client.wait_until_done(order)
        except NotConnected as error:
            ended.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    client.close()
    waiter.join(PATIENCE)
    assert len(ended) == 1


@live_only
def test_an_order_that_was_placed_is_returned_though_its_wait_was_cut_short(
    sim: Simulator, connect: Connect
) -> None:
    client = connect(sim)
    client.on(Channel.ORDERS, lambda order: client.close())
    order = client.place_order(AAPL, "BUY", 1, 330, wait=True)
    assert order.is_live
    client.block_for_close(PATIENCE)
    assert client.state is ConnectionState.CLOSED


FORGETFUL = """
import sys
from qfex import Environment, HmacCredentials, TradeClient

client = TradeClient(Environment(*sys.argv[1:4]), HmacCredentials(*sys.argv[4:6]), cancel_on_disconnect=True)
client.connect()
print(client.place_order("AAPL-USD", "BUY", 1, 330).status)
"""


@live_only
def test_a_client_that_a_script_forgot_is_closed_at_its_end(sim: Simulator) -> None:
    where, keys = sim.environment, sim.credentials
    given = [where.trade_url, where.market_data_url, where.rest_url, keys.public_key, keys.secret_key]
    command = [sys.executable, "-c", FORGETFUL, *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "ACK\n"
    assert (
        "was not closed" in done.stderr
        and "Traceback" not in done.stderr
        and keys.secret_key not in done.stderr
    )
    while sim.connections:  # asked on the exchange's own thread, which sees the end a moment later
        pass


# --- what it shows -----------------------------------------------------------------------------------------------


@live_only
def test_a_client_shows_no_secret(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    shown = repr(client) + str(client)
    assert repr(client) == "<TradeClient READY>"
    assert sim.credentials.secret_key not in shown and sim.credentials.public_key not in shown


@live_only
def test_a_client_is_not_copied(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            attempt(client)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_the_request_timeout_is_above_zero(timeout: float) -> None:
    with pytest.raises(ValidationError, match="request_timeout"):
        TradeClient(NOWHERE, KEYS, request_timeout=timeout)


# --- from the environment ----------------------------------------------------------------------------------------

VARIABLES = ("QFEX_ENV", "QFEX_TRADE_URL", "QFEX_MDS_URL", "QFEX_REST_URL", "QFEX_PUBLIC_KEY", "QFEX_SECRET_KEY",
             "QFEX_JWT", "QFEX_ACCOUNT_ID")  # fmt: skip


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


@live_only
def test_a_client_is_made_from_environment_variables(sim: Simulator, environ: Any) -> None:
    environ("QFEX_TRADE_URL", sim.environment.trade_url)
    environ("QFEX_REST_URL", sim.environment.rest_url)
    environ("QFEX_MDS_URL", sim.environment.market_data_url)
    environ("QFEX_PUBLIC_KEY", sim.credentials.public_key)
    environ("QFEX_SECRET_KEY", sim.credentials.secret_key)
    environ("QFEX_ACCOUNT_ID", sim.create_subaccount(sim.credentials, 700))
    with TradeClient.from_env() as client, client.stream(Channel.BALANCES) as balances:
        assert until(balances).deposit == 700
    with TradeClient.from_env(account_id=None, rate_limit=RateLimitPolicy()) as client:
        assert client.place_order(AAPL, "BUY", 1, 330).user_id == sim.account_id(sim.credentials)


@live_only
def test_a_token_in_the_environment(sim: Simulator, environ: Any) -> None:
    environ("QFEX_JWT", sim.jwt(sim.credentials))
    with TradeClient.from_env(environment=sim.environment) as client:
        assert client.state is ConnectionState.READY


@pytest.mark.parametrize(
    "name, host", [("uat", "trade.qfex.io"), ("PROD", "trade.qfex.com"), (None, "trade.qfex.io")]
)
def test_the_environment_names_the_instance(environ: Any, name: str | None, host: str) -> None:
    environ("QFEX_JWT", "t")
    if name:
        environ("QFEX_ENV", name)
    client = TradeClient.from_env()
    endpoint: Any = client._session.endpoint
    assert host in endpoint.address()[0] and endpoint.proof().account_id is None


def test_what_is_missing_or_wrong_in_the_environment_is_said(environ: Any) -> None:
    with pytest.raises(ConfigurationError, match="QFEX_PUBLIC_KEY.*QFEX_JWT"):
        TradeClient.from_env()
    environ("QFEX_PUBLIC_KEY", "p")
    with pytest.raises(ConfigurationError):
        TradeClient.from_env()
    environ("QFEX_SECRET_KEY", "s")
    environ("QFEX_ENV", "mainnet")
    with pytest.raises(ConfigurationError, match="mainnet"):
        TradeClient.from_env()
