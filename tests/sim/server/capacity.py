"""Measures the capacity of the simulator: ``python -m tests.sim.server.capacity``.

The simulator runs in a process of its own on one core, the clients on the others. Loaders send prepared frames and only
count the answers, so that the clients are not the limit. The last row is this package's client.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import websocket

from qfex import Environment, HmacCredentials, OrderRequest, TradeClient
from tests.sim.clients import RawClient, auth_message, order_message

SERVER = """
import json, sys, time
from qfex.sim import Simulator
from tests.sim.server.capacity import pin
pin(0)
simulator = Simulator(symbols=["AAPL-USD"], liquidity=False, rate_limits=False, ledger_limit=1000)
keys = [simulator.create_account(10**9) for _ in range(int(sys.argv[1]))]
with simulator:
    where = simulator.environment
    urls = [where.trade_url, where.market_data_url, where.rest_url]
    print(json.dumps([urls, [[key.public_key, key.secret_key] for key in keys]]), flush=True)
    for line in sys.stdin:
        print(time.process_time(), flush=True)
"""
ANSWER = b'"status":"ACK"'


class Host:
    """The simulator's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        urls, keys = json.loads(self._line())
        self.environment = Environment(*urls)
        self.keys = [HmacCredentials(*pair) for pair in keys]

    def processor_seconds(self) -> float:
        """Return the processor time that it has used."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def host(accounts: int) -> Iterator[Host]:
    """Run the simulator."""
    command = [sys.executable, "-c", SERVER, str(accounts)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Host(process)
        assert process.stdin is not None
        process.stdin.close()


def pin(core: int) -> None:
    """Keep this process on one core, if the system supports that."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[core]})


def order_frame(number: int) -> bytes:
    """Return the frame of a resting order."""
    text = json.dumps(order_message("BUY", 0.01, 330 - number % 500 / 100, client_order_id=f"n{number:08d}"))
    frame: bytes = websocket.ABNF.create_frame(text, websocket.ABNF.OPCODE_TEXT).format()
    return frame


class Loader:
    """One connection that keeps a number of orders in flight."""

    def __init__(self, where: Host, key: HmacCredentials, orders: int) -> None:
        client = RawClient(where.environment.trade_url)
        client.ask(auth_message(key))
        client.ask({"type": "subscribe", "params": {"channels": ["order_responses"]}})
        self.socket: socket.socket = client.socket.sock
        self._frames = [order_frame(number) for number in range(orders)]
        self._tail = b""

    def send(self, count: int) -> None:
        """Send the next orders."""
        batch, self._frames = self._frames[:count], self._frames[count:]
        self.socket.sendall(b"".join(batch))

    def answered(self) -> int:
        """Read, and return the number of answers that were completed."""
        data = self._tail + self.socket.recv(1 << 18)
        # Keep the end of the data: it may be the beginning of the next answer.
        self._tail = data[data.rfind(ANSWER) + 1 :][-len(ANSWER) + 1 :]
        return data.count(ANSWER)


def load(connections: int, orders: int, in_flight: int) -> None:
    """Measure resting orders over many connections."""
    with host(connections) as where:
        loaders = [Loader(where, key, orders) for key in where.keys]
        waiting = selectors.DefaultSelector()
        for loader in loaders:
            waiting.register(loader.socket, selectors.EVENT_READ, loader)
        started, used = time.perf_counter(), where.processor_seconds()
        for loader in loaders:
            loader.send(in_flight)
        left = connections * orders
        while left:
            for key, _ in waiting.select():
                count = key.data.answered()
                key.data.send(count)
                left -= count
        name = f"{connections} connections, {in_flight} in flight each"
        report(name, connections * orders, time.perf_counter() - started, where.processor_seconds() - used)


def client(orders: int, batch: int) -> None:
    """Measure this package's client with pipelined orders."""
    with host(1) as where, TradeClient(where.environment, where.keys[0], rate_limit=None) as trader:
        requests = [OrderRequest("AAPL-USD", "BUY", "0.01", "330.00") for _ in range(batch)]
        started, used = time.perf_counter(), where.processor_seconds()
        for _ in range(orders // batch):
            trader.place_orders(requests, timeout=60)
        seconds = time.perf_counter() - started
        report(f"the package's client, {batch} in flight", orders, seconds, where.processor_seconds() - used)


def report(name: str, orders: int, seconds: float, processor: float) -> None:
    """Print a row."""
    cost = processor / orders * 1e6
    print(f"{name:<42} {orders / seconds:>9,.0f} orders/s {cost:>7.1f} us of the server's processor each")


if __name__ == "__main__":
    pin(1)
    load(1, 5_000, 1)
    load(1, 9_000, 100)
    load(50, 400, 1)
    load(50, 400, 10)
    client(9_000, 100)
