"""How a venue words its messages, and what disturbs a history.

A *shape* is constant during a history: the exchange's documentation, its specification and live traffic differ, and a
client has to accept all of them. A *disturbance* is something that goes wrong, or somebody who interferes. Each class of
disturbances has a name, and can be enabled alone.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Shapes:
    """What the venue's messages look like. The defaults are the plainest form of each.

    Attributes
    ----------
    modify_keeps_id : bool
        Whether a modified order keeps its order id.
    modified_client_id : bool
        Whether MODIFIED carries the client order id.
    old_leg : str
        When CANCELLED of the replaced id is sent: ``"never"``, or ``"before"`` or ``"after"`` MODIFIED.
    early_fill : bool
        Whether a fill of the replacement may be sent before MODIFIED.
    query : str
        Whether ``get_order`` is answered by an ``"order"`` or by a ``"list"``.
    query_knows_finished : bool
        Whether ``get_order`` finds orders that have ended.
    unknown : str
        The status that says that there is no such order.
    refusal_id : str
        The order id of a refusal: the ``"same"`` as in the request, ``"blank"``, or ``"nil"`` (a UUID of zeros).
    newest_trades_first : bool
    trade_times : str
        Times in the history of trades: ``"exact"``, whole ``"seconds"``, or ``"none"``.
    update_time : bool
        Whether order messages carry their time.
    stop_reply : str
        What answers commands about stops: ``"order"``, ``"stop"`` (a ``stop_order_response``), or only an ``"ack"``.
    stop_client_id : bool
        Whether messages about stops carry the client order id.
    cancel_all_ack, disarm_ack : bool
        Whether cancel-all and cancel-on-disconnect are acknowledged.
    ioc_end : bool
        Whether an IOC order that was filled in part reports its end explicitly.
    trades_key : str
        Member of the answer to ``get_user_trades``.
    listed_as_ack : bool
        Whether lists show every live order as ACK.
    fill_first : bool
        Whether the fill is sent before the order message of the same trade.
    text_echo : bool
        Whether errors echo the refused message as text.
    """

    modify_keeps_id: bool = False
    modified_client_id: bool = True
    old_leg: str = "never"
    early_fill: bool = False
    query: str = "order"
    query_knows_finished: bool = True
    unknown: str = "NO_SUCH_ORDER"
    refusal_id: str = "same"
    newest_trades_first: bool = True
    trade_times: str = "exact"
    update_time: bool = True
    stop_reply: str = "order"
    stop_client_id: bool = True
    cancel_all_ack: bool = True
    disarm_ack: bool = True
    ioc_end: bool = True
    trades_key: str = "user_trades_response"
    listed_as_ack: bool = False
    fill_first: bool = False
    text_echo: bool = False


_CHOICES: dict[str, tuple[Any, ...]] = {
    "modify_keeps_id": (False, False, True),
    "modified_client_id": (True, False),
    "old_leg": ("never", "before", "after"),
    "early_fill": (False, True),
    "query": ("order", "list"),
    "query_knows_finished": (True, False),
    "unknown": ("NO_SUCH_ORDER", "NOT_FOUND"),
    "refusal_id": ("same", "blank", "nil"),
    "newest_trades_first": (True, False),
    "trade_times": ("exact", "seconds", "none"),
    "update_time": (True, False),
    "stop_reply": ("order", "stop", "ack"),
    "stop_client_id": (True, False),
    "cancel_all_ack": (True, False),
    "disarm_ack": (True, False),
    "ioc_end": (True, False),
    "trades_key": ("user_trades_response", "user_trades"),
    "listed_as_ack": (False, True),
    "fill_first": (False, True),
    "text_echo": (False, True),
}


@dataclass(frozen=True)
class Disturbances:
    """What goes wrong in a history; nothing by default. Rates are per second, the others probabilities.

    Attributes
    ----------
    cuts : float
        Rate at which a connection is cut.
    cut_kinds : tuple of str
        ``"fin"``, ``"rst"``, ``"out"`` and ``"in"`` (after some bytes to or from the client), ``"hole"`` (it goes silent).
    short_lives : float
        A new connection is cut after a few hundred bytes, login included.
    errors : float
        A request is answered with ServerError or RateLimited.
    refusals : float
        A new order is rejected.
    late, missing : float
        A reply to a query or command comes late, or never. Events of the channels always come.
    duplicates : float
        A message is sent twice.
    crossed : bool
        Whether messages of different channels overtake each other.
    stalls : float
        Rate at which all that a connection sends is late.
    others : float
        Rate at which another session places, modifies and cancels orders.
    armed : bool
        Whether a client arms cancel-on-disconnect.
    toggled : bool
        Whether clients subscribe and unsubscribe channels in between.
    old_trades, old_orders : int
        What the account begins with, more than one page of each.
    rest_errors : float
        A REST request is answered with an error.
    refused_topics : float
        The market data gateway answers a subscription with an error, or not at all.
    odd_market : bool
        Whether candles are corrected after the next one has begun, and times go backwards.
    paged : bool
        Whether clients go through lists page by page while these change.
    reused : bool
        Whether clients use client order ids again.
    late_comer : bool
        Whether another client connects in between.
    """

    cuts: float = 0.0
    cut_kinds: tuple[str, ...] = ("fin", "rst", "out", "in")
    short_lives: float = 0.0
    errors: float = 0.0
    refusals: float = 0.0
    late: float = 0.0
    missing: float = 0.0
    duplicates: float = 0.0
    crossed: bool = False
    stalls: float = 0.0
    others: float = 0.0
    armed: bool = False
    toggled: bool = False
    old_trades: int = 0
    old_orders: int = 0
    rest_errors: float = 0.0
    refused_topics: float = 0.0
    odd_market: bool = False
    paged: bool = False
    reused: bool = False
    late_comer: bool = False


#: Named classes of disturbances. ``shapes`` is one too: without it every message has its plainest form.
CLASSES: dict[str, dict[str, Any]] = {
    "shapes": {},
    "cuts": {"cuts": 0.7},
    "holes": {"cuts": 0.5, "cut_kinds": ("hole",)},
    "short_lives": {"cuts": 0.5, "short_lives": 0.4},
    "errors": {"errors": 0.08},
    "refusals": {"refusals": 0.1},
    "late": {"late": 0.05},
    "missing": {"missing": 0.02},
    "duplicates": {"duplicates": 0.1},
    "crossed": {"crossed": True},
    "stalls": {"stalls": 0.4},
    "others": {"others": 8.0},
    "armed": {"armed": True},
    "toggled": {"toggled": True},
    "long_trades": {"old_trades": 1500},
    "long_orders": {"old_orders": 1100},
    "rest_errors": {"rest_errors": 0.3},
    "refused_topics": {"refused_topics": 0.2},
    "odd_market": {"odd_market": True},
    "paged": {"paged": True},
    "reused": {"reused": True},
    "late_comer": {"late_comer": True},
}


@dataclass(frozen=True)
class Options:
    """One venue and what disturbs it."""

    classes: tuple[str, ...] = ()
    shapes: Shapes = field(default_factory=Shapes)
    disturbances: Disturbances = field(default_factory=Disturbances)

    @classmethod
    def of(cls, seed: int, classes: Collection[str]) -> Options:
        """The options of a history: the classes given, and shapes that the seed draws if they are among them."""
        named = tuple(name for name in CLASSES if name in classes)
        shapes = _draw_shapes(seed) if "shapes" in named else Shapes()
        values: dict[str, Any] = {}
        for name in named:
            for key, value in CLASSES[name].items():
                values[key] = _both(values.get(key), value)
        return cls(named, shapes, replace(Disturbances(), **values))

    def with_shapes(self, chosen: Collection[str]) -> Options:
        """The same with some shapes, each given as ``name=value``."""
        values = {}
        for name, _, text in (each.partition("=") for each in chosen):
            values[name] = next(value for value in _CHOICES[name] if str(value) == text)
        return replace(self, shapes=replace(self.shapes, **values))

    @classmethod
    def drawn(cls, seed: int, among: Collection[str] = tuple(CLASSES)) -> Options:
        """Options with some of the classes, drawn by the seed."""
        draw = random.Random(f"{seed}/classes")
        return cls.of(
            seed, [name for name in CLASSES if name in among and draw.random() < _FREQUENCY.get(name, 0.5)]
        )


_FREQUENCY = {"long_trades": 0.1, "long_orders": 0.05, "shapes": 0.8}


def _draw_shapes(seed: int) -> Shapes:
    draw = random.Random(f"{seed}/shapes")
    return Shapes(**{name: draw.choice(values) for name, values in _CHOICES.items()})


def _both(first: Any, second: Any) -> Any:
    """Two classes may set the same value: kinds of cuts add up, and of rates the higher one counts."""
    if first is None:
        return second
    return first + second if isinstance(first, tuple) else max(first, second)
