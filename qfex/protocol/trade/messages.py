"""One frame of the trade gateway in, typed messages out: the only place that knows how the wire varies.

Orders, fills, positions, balances, order lists and what opens a connection take a fast path, straight from bytes. All
else, and whatever the fast path refuses, goes through plain JSON and the converter, which accepts more variants and
explains what it refuses. What it refuses is as little as possible: one row of a list, one message of several.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import msgspec
from msgspec.structs import astuple

from ...models.account import Balance, Leverage, Position
from ...models.orders import Fill, OpenOrders, Order, StopOrder, UserTrade
from ...models.twaps import Twap
from ..wire.codec import (
    EPOCH,
    PLAUSIBLE_UNTIL,
    Rows,
    is_plausible,
    parse_json,
    read_row,
    read_rows,
    struct_of,
    twin_of,
)
from ..wire.failures import (
    Failure,
    Undecodable,
    is_failure,
    names_in,
    names_in_text,
    read_echo,
    read_failure,
    undecodable,
)
from ..wire.redact import redact


class Authenticated(msgspec.Struct, frozen=True):
    """Answer to ``auth``."""

    ok: bool
    reason: str = ""


class Subscribed(msgspec.Struct, frozen=True):
    """Confirmation that a channel was subscribed."""

    channel: str


class Unsubscribed(msgspec.Struct, frozen=True):
    """Confirmation that a channel was unsubscribed."""

    channel: str


class Ack(msgspec.Struct, frozen=True):
    """Acknowledgement, with the echo of the command where the exchange gives one."""

    echo: dict[str, Any] | None = None


class Trades(msgspec.Struct, frozen=True):
    """Page of the account's trades; `unread` more rows could not be read."""

    rows: list[UserTrade]
    unread: int = 0


class Leverages(msgspec.Struct, frozen=True):
    """Leverage settings, or the levels available; `unread` more rows could not be read."""

    rows: list[Leverage]
    available: bool
    unread: int = 0


Message = (
    Order | Fill | Position | Balance | StopOrder | Twap | OpenOrders | Trades | Leverages
    | Authenticated | Subscribed | Unsubscribed | Ack | Failure | Undecodable
)  # fmt: skip


def decode(frame: bytes) -> Sequence[Message]:
    """Read one frame. Never raises, whatever the bytes."""
    try:
        message = _checked(_decode_envelope(frame)) or _opening(_decode_opening(frame))
    except Exception:  # the careful path explains what is wrong
        message = None
    return (message,) if message is not None else _decode_with_care(frame)


# --- the fast path ---------------------------------------------------------------------------------------------


_OrderStruct, _FillStruct = struct_of(Order), struct_of(Fill)
_OrderTwin, _FillTwin = twin_of(Order), twin_of(Fill)

_Page = msgspec.defstruct(
    "_Page",
    [
        ("orders", list[_OrderStruct] | None, None),  # type: ignore[valid-type]
        ("twaps", list[Twap] | None, None),
        ("stop_orders", list[msgspec.Raw] | None, None),
    ],
    gc=False,
)
_Envelope = msgspec.defstruct(
    "_Envelope",
    [
        ("order_response", _OrderStruct | None, None),
        ("fill_response", _FillStruct | None, None),
        ("position_response", Position | None, None),
        ("balance_response", Balance | None, None),
        ("all_orders_response", _Page | None, None),
        ("stop_order_response", Any, None),  # these two are only looked for: they take precedence over a list
        ("twap_response", Any, None),
    ],
    gc=False,
)
_Opening = msgspec.defstruct(
    "_Opening",
    [("authenticated", bool | None, None), ("subscribed", str | None, None)],
    forbid_unknown_fields=True,  # nearly all other members would take precedence over these
    gc=False,
)

# Not strict: flags come as 0 and 1 too, numbers as text, times as unix seconds.
_decode_envelope: Callable[[bytes], Any] = msgspec.json.Decoder(_Envelope, strict=False).decode
_decode_opening: Callable[[bytes], Any] = msgspec.json.Decoder(_Opening).decode
_UTC = timezone.utc


def _checked(envelope: Any) -> Message | None:
    """The message of an envelope, unless it holds what msgspec lets through: text for a number may be "NaN"."""
    order = envelope.order_response
    if order is not None:
        return _make_order(order) if _is_finite_order(order) else None
    fill = envelope.fill_response
    if fill is not None:
        return _make_fill(fill) if _is_finite_fill(fill) else None
    position, balance = envelope.position_response, envelope.balance_response
    if position is not None:
        return position if _is_finite_position(position) else None
    if balance is not None:
        return balance if _is_finite_balance(balance) else None
    return _page(envelope)


def _page(envelope: Any) -> OpenOrders | None:
    page = envelope.all_orders_response
    if page is None or page.stop_orders:
        return None
    if envelope.stop_order_response is not None or envelope.twap_response is not None:
        return None
    orders, twaps = page.orders or [], page.twaps or []
    finite = all(map(_is_finite_order, orders)) and all(map(_is_finite_twap, twaps))
    return OpenOrders(list(map(_make_order, orders)), twaps) if finite else None


def _opening(opening: Any) -> Message | None:
    """The messages that every connection begins with."""
    if opening.subscribed:
        return Subscribed(opening.subscribed) if opening.authenticated is None else None
    return Authenticated(True) if opening.authenticated else None


def _make_order(struct: Any) -> Order:
    made = _OrderTwin(*astuple(struct))
    made.__class__ = Order
    return made  # type: ignore[no-any-return]


def _make_fill(struct: Any) -> Fill:
    made = _FillTwin(*astuple(struct))
    made.__class__ = Fill
    return made  # type: ignore[no-any-return]


# Written out for each model, and testing for 0 before asking whether a number is finite: a loop over the members takes
# more than three times as long.


def _is_finite_order(order: Any) -> bool:
    return (
        (not order.price or order.price.is_finite())
        and order.quantity.is_finite()
        and order.quantity_remaining.is_finite()
        and (not order.take_profit or order.take_profit.is_finite())
        and (not order.stop_loss or order.stop_loss.is_finite())
        and _is_utc(order.update_time)
    )


def _is_finite_fill(fill: Any) -> bool:
    return (
        _is_utc(fill.time)
        and fill.price.is_finite()
        and fill.quantity.is_finite()
        and (not fill.fee or fill.fee.is_finite())
        and (not fill.order_price or fill.order_price.is_finite())
        and (not fill.remaining_quantity or fill.remaining_quantity.is_finite())
        and (not fill.take_profit or fill.take_profit.is_finite())
        and (not fill.stop_loss or fill.stop_loss.is_finite())
        and (not fill.realised_pnl or fill.realised_pnl.is_finite())
    )


def _is_finite_position(position: Position) -> bool:
    return (
        position.position.is_finite()
        and (not position.average_price or position.average_price.is_finite())
        and (not position.realised_pnl or position.realised_pnl.is_finite())
        and (not position.unrealised_pnl or position.unrealised_pnl.is_finite())
        and (not position.net_funding or position.net_funding.is_finite())
        and (not position.open_orders or position.open_orders.is_finite())
        and (not position.open_quantity or position.open_quantity.is_finite())
        and (not position.leverage or position.leverage.is_finite())
        and (not position.initial_margin or position.initial_margin.is_finite())
        and (not position.maintenance_margin or position.maintenance_margin.is_finite())
        and (not position.margin_alloc or position.margin_alloc.is_finite())
    )


def _is_finite_balance(balance: Balance) -> bool:
    return (
        balance.order_margin.is_finite()
        and balance.position_margin.is_finite()
        and balance.available_balance.is_finite()
        and (not balance.deposit or balance.deposit.is_finite())
        and (not balance.realised_pnl or balance.realised_pnl.is_finite())
        and (not balance.unrealised_pnl or balance.unrealised_pnl.is_finite())
        and (not balance.net_funding or balance.net_funding.is_finite())
        and (not balance.fees or balance.fees.is_finite())
        and (not balance.referral_rewards or balance.referral_rewards.is_finite())
    )


def _is_finite_twap(twap: Twap) -> bool:
    return (
        _is_utc(twap.created_at)
        and _is_utc(twap.updated_at)
        and twap.total_quantity.is_finite()
        and twap.filled_quantity.is_finite()
        and (not twap.average_fill_price or twap.average_fill_price.is_finite())
    )


def _is_utc(moment: datetime | None) -> bool:
    return moment is None or (
        moment.tzinfo is _UTC and (EPOCH < moment <= PLAUSIBLE_UNTIL or is_plausible(moment))
    )


# --- the careful path ------------------------------------------------------------------------------------------


def _decode_with_care(frame: bytes) -> Sequence[Message]:
    text = bytes(frame).decode("utf-8", "replace")
    try:
        return _read(parse_json(frame, allow_nan=True), text)
    except Exception as error:  # a hostile frame may fail anywhere; the reader thread must not
        return (undecodable(text, error, *names_in_text(text)),)


def _read(data: Any, text: str) -> list[Message]:
    """Read one message, or each of a list. What is wrong with one does not spoil the others."""
    if isinstance(data, list):
        alone = len(data) == 1
        return [message for item in data for message in _read(item, text if alone else _json(item))]
    try:
        return _read_message(data)
    except Exception as error:
        kind = _key_of(data)
        return [undecodable(text, error, kind, names_in(data.get(kind)) if kind else ())]


def _read_message(data: Any) -> list[Message]:
    if not isinstance(data, dict):
        raise ValueError("not an object")
    kind = _key_of(data)
    if kind in _READERS and data.get(kind) is not None:
        return _READERS[kind](kind, data[kind])
    empty = _LISTS & data.keys()
    return _READERS[next(iter(empty))]("", []) if len(empty) == 1 else _read_typed(data)


def _key_of(data: Any) -> str:
    """The key under which an object holds a message, or its type in the older shapes."""
    if not isinstance(data, dict):
        return ""
    return next((key for key in _READERS if data.get(key) is not None), str(data.get("type") or ""))


def _read_typed(data: dict[str, Any]) -> list[Message]:
    """Read the older shapes, which carry a ``type`` or an error code at the top level."""
    if is_failure(data):
        return [read_failure(data)]
    kind = str(data.get("type", "")).lower()
    if kind in ("auth", "authenticated", "authenticated_response"):
        return [_authenticated_typed(data)]
    if "contents" in data or kind in ("balance_update", "position_update"):
        return _legacy_contents(data, kind)
    if kind in ("subscribed", "unsubscribed"):
        channels = data.get("channels") or [data["channel"]]
        made = Subscribed if kind == "subscribed" else Unsubscribed
        return [made(str(channel)) for channel in channels]
    if str(data.get("status")).lower() == "ok":
        return [Authenticated(True)]
    raise ValueError("no known key")


def _authenticated_typed(data: dict[str, Any]) -> Authenticated:
    outcome = str(data.get("result", data.get("status", "success"))).lower()
    failed = outcome not in ("success", "ok", "true") or data.get("success") is False or data.get("error")
    return Authenticated(
        not failed, str(data.get("error") or data.get("message") or outcome) if failed else ""
    )


def _legacy_contents(data: dict[str, Any], kind: str) -> list[Message]:
    model: type[Position | Balance] = (
        Position if "position" in f"{kind}{data.get('channel', '')}" else Balance
    )
    rows = read_rows(data.get("contents"), _row_of(model))
    failed = [undecodable(_json(row), error, kind, names_in(row)) for row, error in rows.unread]
    return [*failed, *rows.read, *(_oddity(*each) for each in rows.odd)]


# --- rows ------------------------------------------------------------------------------------------------------

#: A row that was read, and what is odd about it.
_Row = tuple[Any, list[str]]


def _row_of(model: type[Any]) -> Callable[[Any], _Row]:
    return lambda row: read_row(row, model)


def _order(row: Any) -> _Row:
    if isinstance(row, dict) and row.get("order_id", "") is None:  # a refusal may name no order
        row = {**row, "order_id": ""}
    return read_row(row, Order)


def _stop_as_order(row: Any) -> _Row:
    """Read a row of the older ``stop_orders`` list, which may have either shape."""
    if "order_id" in row:
        return _order(row)
    stop, odd = read_row(row, StopOrder)
    return stop.as_order(), odd


def _trade(row: Any) -> _Row:
    return read_row({**row, "side": row.get("side") or row.get("aggressor_side")}, UserTrade)


def _leverage(row: Any) -> _Row:
    return read_row({**row, "max_notional": row.get("max_notional", row.get("max_position"))}, Leverage)


def _listed(kind: str, *parts: Rows[Any], made: Callable[[int], Message]) -> list[Message]:
    """The messages of a list: about each row that cannot be read, the others as one, and about their oddities.

    Raises
    ------
    ValueError
        If none of the rows can be read. An empty list would say that there are none.
    """
    unread = [each for part in parts for each in part.unread]
    if unread and not any(part.read for part in parts):
        raise ValueError("; ".join(dict.fromkeys(str(error) for _, error in unread[:3])))
    failed = [undecodable(_json(row), error, kind, names_in(row), is_row=True) for row, error in unread]
    return [*failed, made(len(unread)), *(_oddity(*each) for part in parts for each in part.odd)]


def _oddity(row: Any, reason: str) -> Undecodable:
    return undecodable(_json(row), reason)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=str)
    except Exception:  # nested too deeply
        return ""


# --- the readers of each kind of message -----------------------------------------------------------------------

_Reader = Callable[[str, Any], list[Message]]


def _each(read: Callable[[Any], _Row]) -> _Reader:
    """Read messages that stand for themselves, one of them or a list."""

    def messages(kind: str, value: Any) -> list[Message]:
        if isinstance(value, list):
            return [message for row in value for message in _read({kind: row}, _json({kind: row}))]
        made, odd = read(value)
        return [made, *(_oddity(value, reason) for reason in odd)]

    return messages


def _open_orders(kind: str, value: Any) -> list[Message]:
    page = {"orders": value} if isinstance(value, list) else value
    orders = read_rows(page.get("orders"), _order)
    stops = read_rows(page.get("stop_orders"), _stop_as_order)
    twaps = read_rows(page.get("twaps"), _row_of(Twap))
    listed = [*orders.read, *stops.read]
    return _listed(kind, orders, stops, twaps, made=lambda unread: OpenOrders(listed, twaps.read, unread))


def _trades(kind: str, value: Any) -> list[Message]:
    rows = read_rows(value, _trade)
    return _listed(kind, rows, made=lambda unread: Trades(rows.read, unread))


def _leverages(available: bool) -> _Reader:
    def read(kind: str, value: Any) -> list[Message]:
        rows = read_rows(value, _leverage)
        return _listed(kind, rows, made=lambda unread: Leverages(rows.read, available, unread))

    return read


def _channels(made: type[Subscribed | Unsubscribed]) -> _Reader:
    return lambda _, value: [
        made(str(channel)) for channel in (value if isinstance(value, list) else [value])
    ]


def _authenticated(_: str, value: Any) -> list[Message]:
    if isinstance(value, dict):
        ok = not value.get("error") and value.get("success", True) is True
        return [Authenticated(ok, "" if ok else str(redact(value.get("error") or "refused")))]
    return [Authenticated(value is True, "" if value is True else "refused")]


def _ack(_: str, value: Any) -> list[Message]:
    echo = read_echo(value.get("incoming_message")) if isinstance(value, dict) else None
    return [Ack(echo if isinstance(echo, dict) else None)]


#: Keys of lists, whose null is an empty list.
_LISTS = frozenset(
    {
        "all_orders_response",
        "user_orders",
        "user_trades_response",
        "user_trades",
        "user_leverage_response",
        "available_leverage_levels_response",
    }
)

_READERS: dict[str, _Reader] = {
    "order_response": _each(_order),
    "fill_response": _each(_row_of(Fill)),
    "position_response": _each(_row_of(Position)),
    "balance_response": _each(_row_of(Balance)),
    "stop_order_response": _each(_row_of(StopOrder)),
    "twap_response": _each(_row_of(Twap)),
    "all_orders_response": _open_orders,
    "user_orders": _open_orders,
    "user_trades_response": _trades,
    "user_trades": _trades,
    "user_leverage_response": _leverages(available=False),
    "available_leverage_levels_response": _leverages(available=True),
    "subscribed": _channels(Subscribed),
    "unsubscribed": _channels(Unsubscribed),
    "authenticated": _authenticated,
    "ack": _ack,
    "ack_response": _ack,
    "err": lambda _, value: [read_failure(value)],
}
