"""Measurements of what must not grow: leaks of reconnects (R10), the idle processor (R19), memory under load (R36).

``python -m tests.soak.figures`` prints the figures of ``docs/reliability.md``. The exchange runs in a process
of its own, so that only the client is measured. Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from qfex import ConnectionState, Environment, MarketChannel, MarketDataClient, ReconnectPolicy, TradeClient
from tests.support.exchange import CREDENTIALS, Peer, ScriptedExchange, answers_everything
from tests.support.helpers import QUICK, eventually
from tests.support.websocket import TEXT, server_frame

_BURST = 500  # messages that the flood writes at once


# --- exchanges in their own process -------------------------------------------------------------------------


def drops(peer: Peer) -> None:
    """Accept the client, answer its queries, and drop the connection."""
    peer.accept()
    request: dict[str, Any] = {}
    while request.get("type") not in ("get_user_orders", "get_leverage"):
        request = peer.receive()
        peer.answer(request)
    peer.drop()


def floods(peer: Peer) -> None:
    """Send trades and quotes without end, with sequence numbers."""
    peer.upgrade()
    for _ in range(2):
        asked = peer.receive("subscribe")
        peer.send({"type": "subscribed", "channels": asked["channels"], "symbols": asked["symbols"]})
    number = 0
    while True:
        peer.write(b"".join(_quote_and_trade(number + each) for each in range(0, _BURST, 2)))
        number += _BURST


def _quote_and_trade(number: int) -> bytes:
    time = "2026-09-30T03:45:58.826647965Z"
    quote = (
        f'{{"sequence":{number + 1},"type":"bbo","time":"{time}","symbol":"AAPL-USD",'
        f'"bid":[["254.31","{number}"]],"ask":[["254.4","258.696"]]}}'
    )
    trade = (
        f'{{"sequence":{number + 2},"type":"trade","time":"{time}","symbol":"AAPL-USD","price":"254.31",'
        f'"size":"1.5","side":"BUY","trade_id":"{number}"}}'
    )
    return server_frame(TEXT, quote.encode()) + server_frame(TEXT, trade.encode())


def _serve(script: Callable[[Peer], None], pipe: Any) -> None:
    with ScriptedExchange(script) as exchange:
        pipe.send(exchange.environment)
        pipe.recv()


@contextmanager
def exchange_elsewhere(script: Callable[[Peer], None]) -> Iterator[Environment]:
    """A scripted exchange in another process."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(script, there), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()
        here.close()
        there.close()


# --- measurements -------------------------------------------------------------------------------------------


def resident() -> float:
    """Memory of this process, in megabytes."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors() -> int:
    """Open files and sockets of this process."""
    return len(os.listdir("/proc/self/fd"))


def reconnects(number: int, warm_up: int = 50) -> dict[str, Any]:
    """R10: lose the connection again and again. What it costs in threads, descriptors and memory."""
    with exchange_elsewhere(drops) as environment, _trade_client(environment) as client:
        client.get_user_orders()  # after which the first connection is lost
        _await_reconnects(client, warm_up)
        threads, files, memory = threading.active_count(), descriptors(), resident()
        begun = monotonic()
        _await_reconnects(client, warm_up + number)
        return {
            "reconnects": number,
            "more threads": threading.active_count() - threads,
            "more descriptors": _least(lambda: descriptors() - files),
            "more memory, MB": round(resident() - memory, 2),
            "seconds": round(monotonic() - begun, 1),
        }


def _trade_client(environment: Environment, **options: Any) -> TradeClient:
    return TradeClient(environment, CREDENTIALS, **{"reconnect": QUICK, **options})


def _await_reconnects(client: TradeClient, number: int) -> None:
    eventually(lambda: client.stats().reconnects >= number, f"{number} reconnects", patience=120)


def _least(measure: Callable[[], int]) -> int:
    """The least of several measurements: at the moment of one, a connection may be open or closed."""
    least, pause = measure(), threading.Event()
    for _ in range(20):
        pause.wait(0.01)
        least = min(least, measure())
    return least


def idle(seconds: float, connected: bool) -> dict[str, Any]:
    """R19: the processor time of a client whose exchange is quiet or unreachable."""
    with ExitStack() as elsewhere:
        environment = elsewhere.enter_context(exchange_elsewhere(answers_everything))
        with _trade_client(environment, reconnect=ReconnectPolicy()) as client:
            if not connected:
                elsewhere.close()
                eventually(lambda: client.state is not ConnectionState.READY, "the loss of the connection")
            begun, used = monotonic(), process_time()
            threading.Event().wait(seconds)
            share = (process_time() - used) / (monotonic() - begun)
    return {"connected": connected, "seconds": seconds, "processor, %": round(100 * share, 3)}


def flood(seconds: float) -> dict[str, Any]:
    """R36: as many messages as possible, and a stream that nobody reads."""
    with exchange_elsewhere(floods) as environment, MarketDataClient(environment, reconnect=None) as client:
        stream = client.stream(MarketChannel.TRADE, MarketChannel.BBO, maxsize=10_000)
        client.subscribe(MarketChannel.TRADE, "AAPL-USD")
        client.subscribe(MarketChannel.BBO, "AAPL-USD")
        eventually(lambda: stream.dropped > 0, "a full stream", patience=60)
        memory, begun, before = resident(), monotonic(), client.stats().received
        pause = threading.Event()
        while monotonic() - begun < seconds:
            pause.wait(0.25)
        growth, took = resident() - memory, monotonic() - begun
        received = client.stats().received - before
        connection = client._session.current
        assert connection is not None, client._session.failure
        connection.transport.abort()
        eventually(lambda: not client.is_alive, "the end of the flood")
        counted = client.stats()
        return {
            "messages a second": round(received / took),
            "seconds": round(took, 1),
            "more memory, MB": round(growth, 1),
            **_lost(client, stream, counted),
        }


def _lost(client: MarketDataClient, stream: Any, counted: Any) -> dict[str, int]:
    """Trades and quotes that arrived and are not in the stream, and the counters for them."""
    arrived = counted.received - 2  # without the two confirmations
    trades, quotes = arrived // 2, arrived - arrived // 2
    held = [stream.get(timeout=0) for _ in range(len(stream))]
    kept = sum(hasattr(event, "trade_id") for event in held)
    return {
        "trades lost": trades - kept,
        "counted as dropped": counted.dropped,
        "quotes replaced": quotes - (len(held) - kept),
        "counted as conflated": counted.conflated,
    }


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.figures", description=__doc__)
    parser.add_argument("--reconnects", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds")
    parser.add_argument("--flood", type=float, default=60.0, help="seconds")
    options = parser.parse_args()
    measurements: list[Callable[[], dict[str, Any]]] = [
        lambda: reconnects(options.reconnects),
        lambda: idle(options.idle, connected=False),
        lambda: idle(options.idle, connected=True),
        lambda: flood(options.flood),
    ]
    for measure in measurements:
        print(json.dumps(measure()), flush=True)


if __name__ == "__main__":
    main()
