"""The requests of market data clients: subscribe and unsubscribe messages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

CHANNELS = (
    "level2", "bbo", "trade", "candle", "mark_price", "underlier", "funding", "open_interest", "minmax_price",
    "market_stats",
)  # fmt: skip
INTERVALS = {
    "1MIN": 60, "5MINS": 300, "15MINS": 900, "30MINS": 1800, "1HOUR": 3600, "4HOURS": 14_400, "1DAY": 86_400,
}  # fmt: skip
SIG_FIGS = (0, 1, 2)
EVERYTHING = "*"

Option = str | int | None


class Topic(NamedTuple):
    """One stream: a channel of a symbol, with one interval (candle) or aggregation (level2)."""

    channel: str
    symbol: str
    option: Option = None


class BadRequest(Exception):
    """The message is not a request."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code


@dataclass
class SubscriptionRequest:
    """A subscribe or unsubscribe message: its valid part, and a description of each invalid one.

    Attributes
    ----------
    kind : str
        "subscribe" or "unsubscribe".
    channels, symbols : list of str
        The requested ones that exist; ``"*"`` is not expanded.
    options : dict of str to list
        ``sig_figs`` and ``intervals``, if a channel uses them.
    problems : list of str
        A description of each requested item that does not exist.
    """

    kind: str
    channels: list[str]
    symbols: list[str]
    options: dict[str, list[Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def topics(self, every_symbol: Collection[str]) -> list[Topic]:
        """Return the requested streams, channel by channel."""
        return [
            Topic(channel, symbol, option)
            for channel in self.channels
            for symbol in self._symbols(channel, every_symbol)
            for option in self._options(channel)
        ]

    def acknowledgement(self) -> dict[str, Any]:
        """Return the acknowledgement; like the exchange's, it has no sequence number."""
        return {"type": f"{self.kind}d", "channels": self.channels, "symbols": self.symbols, **self.options}

    def _symbols(self, channel: str, every_symbol: Collection[str]) -> Collection[str]:
        if EVERYTHING not in self.symbols:
            return self.symbols
        # market_stats has one stream for all symbols, the other channels have one for each symbol.
        return [EVERYTHING] if channel == "market_stats" else every_symbol

    def _options(self, channel: str) -> list[Any]:
        name = {"level2": "sig_figs", "candle": "intervals"}.get(channel)
        return self.options.get(name, []) if name else [None]


def parse(message: Any, known_symbols: Collection[str]) -> SubscriptionRequest:
    """Parse a decoded message.

    Raises
    ------
    BadRequest
        The message is not an object, has another type, or has no lists of channels and symbols.
    """
    if not isinstance(message, dict):
        raise BadRequest("InvalidJSONFormat", "not a JSON object")
    kind = message.get("type")
    if kind not in ("subscribe", "unsubscribe"):
        raise BadRequest("InvalidJSONFormat", f"unknown type {kind!r}")
    channels, symbols = (_texts(message, name) for name in ("channels", "symbols"))
    request = SubscriptionRequest(kind, [], [])
    request.channels = _known("channel", channels, CHANNELS, request.problems)
    request.symbols = _known("symbol", symbols, (EVERYTHING, *known_symbols), request.problems)
    _read_options(message, request)
    return request


def _read_options(message: dict[str, Any], request: SubscriptionRequest) -> None:
    if "level2" in request.channels:
        wanted = _list(message, "sig_figs") or [0]
        request.options["sig_figs"] = _known("sig_figs", wanted, SIG_FIGS, request.problems)
    if "candle" in request.channels:
        wanted = _list(message, "intervals")
        if not wanted:
            request.problems.append("channel candle needs intervals")
        request.options["intervals"] = _known("interval", wanted, INTERVALS, request.problems)


def _known(what: str, wanted: list[Any], known: Collection[Any], problems: list[str]) -> list[Any]:
    """Return the known items, each once, and add the others to the problems."""
    found = [item for item in wanted if item in known and not isinstance(item, bool)]
    problems.extend(f"unknown {what} {item!r}" for item in wanted if item not in found)
    return list(dict.fromkeys(found))


def _texts(message: dict[str, Any], name: str) -> list[str]:
    values = message.get(name)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise BadRequest("InvalidJSONFormat", f"{name} must be a list of text")
    return values


def _list(message: dict[str, Any], name: str) -> list[Any]:
    values = message.get(name, [])
    if not isinstance(values, list):
        raise BadRequest("InvalidJSONFormat", f"{name} must be a list")
    return values
