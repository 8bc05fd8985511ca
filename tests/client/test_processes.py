"""Scripts that are interrupted, killed, forked, or that never close their client (R1, R16, R17, R30, R45)."""

from __future__ import annotations

import copy
import pickle
import signal
import subprocess
import sys
import time

import pytest

from qfex import (
    TradeClient,
)
from qfex.sim import Simulator
from tests.support.helpers import AAPL, Connect, eventually, live_only
from tests.support.user_script import UserScript

pytestmark = live_only
BLOCKING = {
    "an order": "client.place_order('AAPL-USD', 'BUY', 1, 190)",
    "a read": "client.get_user_trades()",
    "the end of an order": "client.wait_until_done(Order('unknown'), 60)",
    "a loop over events": "for event in client.stream(Channel.ORDERS): pass",
    "the next event": "client.stream(Channel.ORDERS).get()",
    "the end of the client": "client.block_for_close()",
    "an exclusive key": "PENDING = client._requests.submit(GetTrades(), Deadline(60)); client.get_user_trades()",
    "the message budget": "client._session.limiter.pause('general', 30.0); client.place_order('AAPL-USD', 'BUY', 1, 190)",
}


@pytest.mark.parametrize("call", BLOCKING.values(), ids=BLOCKING)
def test_r01_ctrl_c_ends_every_blocking_call(sim: Simulator, call: str) -> None:
    """Only the main thread prints a traceback, the exit code is that of Ctrl-C, and the connection ends."""
    sim.faults.swallow_reply("add_order")
    sim.faults.swallow_reply("get_user_trades", times=None)
    body = f"""
    from qfex.protocol.trade.commands import GetUserTrades as GetTrades
    from qfex.threads import Deadline
    with client:
        ready()
        {call}
    """
    with UserScript(body, sim.environment, sim.credentials) as script:
        script.read_line()
        eventually(lambda: sim.connections, "the connection")
        script.press_ctrl_c()
        code, errors, seconds = script.wait()
    assert code == -signal.SIGINT
    assert seconds < 2.5  # half a second for the interrupt, two for `close`
    # Interrupted before `close` began, the client is closed as the interpreter exits, with a warning. Interrupted
    # during that exit, Python prints the exception with a colon.
    lines = [line for line in errors.strip().splitlines() if "was not closed" not in line]
    assert "Exception in thread" not in errors and lines[-1].rstrip(": ") == "KeyboardInterrupt"
    eventually(lambda: not sim.connections, "the end of the connection")


@pytest.mark.parametrize("pause", [0.0, 0.002, 0.02])
def test_r01_a_second_ctrl_c_while_the_client_closes_does_no_harm(sim: Simulator, pause: float) -> None:
    body = """
    with client:
        ready()
        client.block_for_close()
    """
    with UserScript(body, sim.environment, sim.credentials) as script:
        script.read_line()
        script.press_ctrl_c()
        time.sleep(pause)
        script.press_ctrl_c()
        code, errors, seconds = script.wait()
    assert code == -signal.SIGINT and seconds < 2.5
    # Interrupted before `close` began, the client is closed as the interpreter exits, with a warning. Interrupted
    # during that exit, Python prints the exception with a colon.
    lines = [line for line in errors.strip().splitlines() if "was not closed" not in line]
    assert "Exception in thread" not in errors and lines[-1].rstrip(": ") == "KeyboardInterrupt"
    eventually(lambda: not sim.connections, "the end of the connection")


@pytest.mark.parametrize("fault", ["stall", "refuse"])
def test_r01_ctrl_c_ends_connecting(sim: Simulator, fault: str) -> None:
    sim.faults.stall_connections() if fault == "stall" else sim.faults.refuse_connections()
    # Imported first: Ctrl-C during an import is Python's to handle.
    body = "import qfex.net.transport\nready()\nclient.connect()"
    with UserScript(body, sim.environment, sim.credentials) as script:
        script.read_line()
        script.press_ctrl_c()
        code, errors, seconds = script.wait()
        assert code == -signal.SIGINT and seconds < 2.5
        assert errors.count("Traceback") == 1
    sim.faults.clear()


def test_r16_a_script_that_does_not_close_its_client_ends_with_one_warning(
    sim: Simulator, connect: Connect
) -> None:
    """Its orders are cancelled if cancel-on-disconnect is armed."""
    watcher = connect(sim)
    body = """
    client = TradeClient.from_env(cancel_on_disconnect=True)
    client.connect()
    client.place_order('AAPL-USD', 'BUY', 1, 190)
    ready()
    """
    with UserScript(body, sim.environment, sim.credentials) as script:
        script.read_line()
        code, errors, seconds = script.wait()
    assert code == 0 and seconds < 2.5
    assert len(errors.strip().splitlines()) == 1 and "was not closed" in errors
    eventually(lambda: watcher.get_user_orders().orders == [], "the cancel")


@pytest.mark.parametrize("ending", ["pass", "raise SystemExit(0)", "__import__('os')._exit(0)"])
@pytest.mark.parametrize(
    "moment",
    [
        "client.connect()",
        "client.connect(); client.close()",
        "import threading; threading.Thread(target=client.connect, daemon=True).start()",
        "client.connect(); pending = client.submit_order('AAPL-USD', 'BUY', 1, 190)",
        "client.connect(); client.on(Channel.ORDERS, lambda order: __import__('time').sleep(9)); "
        "client.place_order('AAPL-USD', 'BUY', 1, 190)",
    ],
)
def test_r17_a_script_exits_quietly_at_every_stage_of_its_client(
    sim: Simulator, moment: str, ending: str
) -> None:
    """The only output is the warning about a client that was not closed."""
    with UserScript(f"{moment}\n{ending}", sim.environment, sim.credentials) as script:
        code, errors, _ = script.wait()
    assert code == 0
    assert all("was not closed" in line for line in errors.splitlines()), errors


def test_r17_a_script_exits_quietly_at_random_moments(sim: Simulator) -> None:
    """Ten scripts with twenty clients each, which the end of the script meets at random moments."""
    body = """
    import random, threading, time
    def use(other):
        try:
            other.connect()
            other.place_order('AAPL-USD', 'BUY', 1, 190)
        except QfexError:
            pass
    chance = random.Random()
    for number in range(20):
        threading.Thread(target=use, args=(TradeClient.from_env(),), daemon=True).start()
        time.sleep(chance.random() / 50)
    """
    for _ in range(10):
        with UserScript(body, sim.environment, sim.credentials) as script:
            code, errors, _ = script.wait()
        lines = [line for line in errors.splitlines() if "was not closed" not in line]
        assert code == 0 and lines == []


def test_r30_the_orders_of_a_killed_process_are_cancelled(sim: Simulator, connect: Connect) -> None:
    watcher = connect(sim)
    body = """
    client = TradeClient.from_env(cancel_on_disconnect=True)
    with client:
        client.place_order('AAPL-USD', 'BUY', 1, 190)
        ready()
        client.block_for_close()
    """
    with UserScript(body, sim.environment, sim.credentials) as script:
        script.read_line()
        assert len(watcher.get_user_orders().orders) == 1
        script.kill()
        eventually(lambda: watcher.get_user_orders().orders == [], "the cancel")


FORK = """
import os, pickle, sys, threading, time

def refused(work):
    begun = time.monotonic()
    try:
        work()
    except ForkedClientError:
        return time.monotonic() - begun < 0.01
    except BaseException as error:
        print(repr(error), file=sys.stderr)
    return False

with client:
    stream = client.stream(Channel.ORDERS)
    order = client.place_order('AAPL-USD', 'BUY', 1, 190)
    client._session.mutex.acquire()  # as if the reader had it at the moment of the fork
    child = os.fork()
    if child == 0:
        calls = [
            lambda: client.place_order('AAPL-USD', 'BUY', 1, 190), lambda: client.cancel_order(order),
            lambda: client.modify_order(order, price=191), lambda: client.cancel_all_orders(),
            lambda: client.get_user_orders(), lambda: client.positions, lambda: client.balance,
            lambda: client.open_orders, lambda: client.on(Channel.FILLS, print), lambda: client.stats(),
            lambda: client.subscribe(Channel.FILLS), lambda: client.unsubscribe(Channel.FILLS),
            lambda: client.wait_until_ready(), lambda: client.wait_until_done(order),
            lambda: client.resolve('x', 'AAPL-USD'), lambda: client.block_for_close(),
            lambda: client.stream(Channel.FILLS), lambda: client.connect(),
        ]
        wrong = [number for number, call in enumerate(calls) if not refused(call)]
        client.close()
        print(wrong, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    client._session.mutex.release()
    print(client.cancel_order(order).status, flush=True)
"""


def test_r45_a_forked_child_is_refused_at_once_and_the_parent_goes_on(sim: Simulator) -> None:
    with UserScript(FORK, sim.environment, sim.credentials) as script:
        assert script.read_line() == "[]"
        assert script.read_line() == "CANCELLED"
        code, errors, _ = script.wait()
    assert (code, errors) == (0, "")


def test_r45_a_new_client_works_in_a_forked_child_and_in_a_spawned_one(sim: Simulator) -> None:
    body = """
    import multiprocessing, os
    with client:
        child = os.fork()
        if child == 0:
            with TradeClient.from_env() as own:
                print(own.place_order('AAPL-USD', 'BUY', 1, 190).status, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(client.place_order('AAPL-USD', 'BUY', 1, 190).status, flush=True)
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=exec, args=("from qfex import *\\nwith TradeClient.from_env() as c: "
                                  "print(c.place_order('AAPL-USD', 'BUY', 1, 190).status, flush=True)",))
        process.start()
        process.join()
        print(process.exitcode, flush=True)
    """
    with UserScript(body, sim.environment, sim.credentials) as script:
        assert [script.read_line() for _ in range(4)] == ["ACK", "ACK", "ACK", "0"]
        code, errors, _ = script.wait()
    assert (code, errors) == (0, "")


def test_r45_a_client_cannot_be_pickled(client: TradeClient) -> None:
    import pickle

    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(client)
    assert client.place_order(AAPL, "BUY", 1, 190).is_live


FORGETFUL = """
import sys
from qfex import Environment, HmacCredentials, TradeClient

client = TradeClient(Environment(*sys.argv[1:4]), HmacCredentials(*sys.argv[4:6]), cancel_on_disconnect=True)
client.connect()
print(client.place_order("AAPL-USD", "BUY", 1, 330).status)
"""


def test_a_client_left_open_is_closed_when_its_script_ends(sim: Simulator) -> None:
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
    while sim.connections:  # the exchange sees the end a moment later
        pass


def test_a_client_cannot_be_copied(sim: Simulator, connect: Connect) -> None:
    client = connect(sim)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            attempt(client)
