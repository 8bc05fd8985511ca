"""A venue on loopback: an exchange with a ledger that misbehaves on request.

It is independent of the project's simulator, so that it can say things that the simulator does not.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from qfex import Environment, HmacCredentials

from .faults import Faults
from .ledger import Ledger
from .link import Ended, Link
from .market import MarketGateway
from .options import Options
from .rest import RestServer
from .trace import Trace
from .trading import TradeGateway

PULSE = 0.2  # seconds between two messages about positions, balance and prices
_TICK = 0.05  # seconds between two looks at which connections are cut
_DELAY = 0.002  # seconds, the mean delay of a message


class Venue:
    """Serves trading, market data and REST.

    Parameters
    ----------
    seed : int
        Decides what goes wrong.
    options : Options

    Attributes
    ----------
    lock : RLock
        Guards the ledger and the market.
    trace : Trace
        All messages.
    """

    def __init__(self, seed: int, options: Options) -> None:
        self.options = options
        self.lock = threading.RLock()
        self.ledger = Ledger(f"{seed}/ids")
        self.faults = Faults(options.disturbances, f"{seed}/faults")
        self.faults.calm = True
        self.trading = TradeGateway(self.ledger, options.shapes, self.faults)
        self.market = MarketGateway(self.faults)
        self.trace = Trace()
        self.links: list[Link] = []
        self.cuts = 0
        self._accepted = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listeners = {"trade": _listener(), "market": _listener()}
        self._rest = RestServer(self.ledger, self.faults, self.lock, options.shapes.newest_trades_first)

    def environment(self, owner: str) -> Environment:
        """Where it is, for a client whose connections carry a name."""
        ports = {name: listener.getsockname()[1] for name, listener in self._listeners.items()}
        urls = {name: f"ws://127.0.0.1:{port}/{owner}" for name, port in ports.items()}
        return Environment(urls["trade"], urls["market"], self._rest.url)

    @staticmethod
    def credentials(owner: str) -> HmacCredentials:
        """A key of the venue's one account."""
        return HmacCredentials(f"qfex_pub_{owner}", "qfex_secret_model")

    def link_of(self, owner: str) -> Link | None:
        """The newest connection of a client, if it has one."""
        with self.lock:
            return next(
                (link for link in reversed(self.links) if link.owner == owner and not link.over), None
            )

    def __enter__(self) -> Venue:
        for name, listener in self._listeners.items():
            self._start(lambda name=name, listener=listener: self._accept(name, listener))  # type: ignore[misc]
        self._start(self._send_pulses)
        self._start(self._disturb)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for listener in self._listeners.values():
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for link in list(self.links):
            link.cut(reset=False)
        for thread in self._threads:
            thread.join()
        self._rest.close()

    def begin(self) -> None:
        """Let disturbances begin."""
        self.faults.calm = False

    def calm_down(self) -> None:
        """End every disturbance. What is late comes now; connections that are silent end."""
        with self.lock:
            self.faults.calm = True
            for link in list(self.links):
                link.keep()
                link.hurry()

    # --- connections -------------------------------------------------------------------------------------------

    def _accept(self, gateway: str, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._accepted += 1
            # Market data has one sequence of numbers, so its channels never overtake each other.
            crossed = self.options.disturbances.crossed and gateway == "trade"
            link = Link(sock, f"{gateway}{self._accepted}", _DELAY, crossed, self.trace.note)
            self._start(lambda link=link, gateway=gateway: self._serve(link, gateway))  # type: ignore[misc]

    def _serve(self, link: Link, gateway: str) -> None:
        writer = threading.Thread(target=link.write_until_over, daemon=True)
        with self.lock:
            self.links.append(link)
            if (life := self.faults.life()) is not None:
                self._plan_cut(link, self.faults.choice(2) == 0, life)
        try:
            link.upgrade()
            writer.start()
            link.read_until_over(lambda message: self._receive(gateway, link, message))
        except (Ended, OSError):
            pass
        finally:
            link.end()
            with self.lock:
                self.links.remove(link)
                self._dropped(gateway, link)
            if writer.ident is not None:
                writer.join()
            link.close()

    def _receive(self, gateway: str, link: Link, message: Any) -> None:
        with self.lock:
            if link.over:
                return
            if gateway == "trade":
                self.trading.receive(link, message)
            else:
                self.market.receive(link, message)

    def _dropped(self, gateway: str, link: Link) -> None:
        if gateway == "trade":
            self.trading.dropped(link)
        else:
            self.market.dropped(link)

    # --- threads -----------------------------------------------------------------------------------------------

    def _send_pulses(self) -> None:
        while not self._stop.wait(PULSE):
            with self.lock:
                self.trading.pulse()
                self.market.pulse()

    def _disturb(self) -> None:
        while not self._stop.wait(_TICK):
            with self.lock:
                for link in list(self.links):
                    if (stall := self.faults.stall(_TICK)) is not None:
                        link.stall(stall)
                    if (kind := self.faults.cut(_TICK)) is not None:
                        self._cut(link, kind)

    def _cut(self, link: Link, kind: str) -> None:
        self.trace.note(link.name, "cut", kind)
        self.cuts += 1
        if kind == "hole":
            link.silent = True
        elif kind in ("out", "in"):
            self._plan_cut(link, kind == "out", self.faults.bytes_left())
        else:
            link.cut(reset=kind == "rst")

    @staticmethod
    def _plan_cut(link: Link, out: bool, count: int) -> None:
        if out:
            link.cut_after(sent=count)
        else:
            link.cut_after(received=count)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="model-venue", daemon=True)
        self._threads.append(thread)
        thread.start()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=100)
