"""One frame of the trade gateway in, typed messages out: the only place that knows how the wire varies.

Orders, fills, positions, balances, order lists and what opens a connection take a fast path, straight from bytes. All
else, and whatever the fast path refuses, goes through plain JSON and the converter, which accepts more variants and
explains what it refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import msgspec

from ...models.account import Balance, Leverage, Position
from ...models.orders import Fill, OpenOrders, Order, StopOrder, UserTrade
from ...models.twaps import Twap
from ..wire.codec import parse_json, structure
from ..wire.failures import Failure, Undecodable, is_failure, read_echo, read_failure, undecodable
from ..wire.redact import redact
from ..wire.structs import maker_of, struct_of


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
    """Page of the account's trades."""

    rows: list[UserTrade]


class Leverages(msgspec.Struct, frozen=True):
    """Leverage settings, or the levels available."""

    rows: list[Leverage]
    available: bool


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
_make_order, _make_fill = maker_of(Order), maker_of(Fill)

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


# Written out for each model, and testing for 0 before asking whether a number is finite: a loop over the members takes
# more than three times as long.


def _is_finite_order(order: Any) -> bool:
    moment = order.update_time
    return (
        order.price.is_finite()
        and order.quantity.is_finite()
        and order.quantity_remaining.is_finite()
        and (not order.take_profit or order.take_profit.is_finite())
        and (not order.stop_loss or order.stop_loss.is_finite())
        and (moment is None or moment.tzinfo is _UTC)
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
        and position.average_price.is_finite()
        and position.realised_pnl.is_finite()
        and position.unrealised_pnl.is_finite()
        and position.net_funding.is_finite()
        and position.open_orders.is_finite()
        and position.open_quantity.is_finite()
        and position.leverage.is_finite()
        and position.initial_margin.is_finite()
        and position.maintenance_margin.is_finite()
        and position.margin_alloc.is_finite()
    )


def _is_finite_balance(balance: Balance) -> bool:
    return (
        balance.deposit.is_finite()
        and balance.realised_pnl.is_finite()
        and balance.unrealised_pnl.is_finite()
        and balance.order_margin.is_finite()
        and balance.position_margin.is_finite()
        and balance.net_funding.is_finite()
        and balance.available_balance.is_finite()
        and (not balance.fees or balance.fees.is_finite())
        and (not balance.referral_rewards or balance.referral_rewards.is_finite())
    )


def _is_finite_twap(twap: Twap) -> bool:
    return (
        _is_utc(twap.created_at)
        and _is_utc(twap.updated_at)
        and twap.total_quantity.is_finite()
        and twap.filled_quantity.is_finite()
        and twap.average_fill_price.is_finite()
    )


def _is_utc(moment: datetime | None) -> bool:
    return moment is None or moment.tzinfo is _UTC


# --- the careful path ------------------------------------------------------------------------------------------


def _decode_with_care(frame: bytes) -> Sequence[Message]:
    try:
        return _read(parse_json(frame))
    except Exception as error:  # a hostile frame may fail anywhere; the reader thread must not
        return (undecodable(bytes(frame).decode("utf-8", "replace"), error),)


def _read(data: Any) -> list[Message]:
    if isinstance(data, list):
        return [message for item in data for message in _read(item)]
    if not isinstance(data, dict):
        raise ValueError("not an object")
    for key, reader in _READERS.items():
        if data.get(key) is not None:
            return reader(data[key])
    empty = _LISTS & data.keys()
    return _READERS[next(iter(empty))]([]) if len(empty) == 1 else _read_typed(data)


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
    rows = data.get("contents", [])
    model: type[Position | Balance] = (
        Position if "position" in f"{kind}{data.get('channel', '')}" else Balance
    )
    return [structure(row, model) for row in rows]


def _each(model: type[Any]) -> Callable[[Any], list[Message]]:
    return lambda value: [structure(row, model) for row in (value if isinstance(value, list) else [value])]


def _open_orders(value: Any) -> list[Message]:
    page = {"orders": value} if isinstance(value, list) else value
    orders = [structure(row, Order) for row in page.get("orders") or ()]
    stops = [_stop_as_order(row) for row in page.get("stop_orders") or ()]
    return [OpenOrders(orders + stops, [structure(row, Twap) for row in page.get("twaps") or ()])]


def _stop_as_order(row: dict[str, Any]) -> Order:
    """Read a row of the older ``stop_orders`` list, which may have either shape."""
    if "order_id" in row:
        return structure(row, Order)
    return structure(row, StopOrder).as_order()


def _trades(value: Any) -> list[Message]:
    return [Trades([_trade(row) for row in value])]


def _trade(row: dict[str, Any]) -> UserTrade:
    return structure({**row, "side": row.get("side") or row.get("aggressor_side")}, UserTrade)


def _leverages(available: bool) -> Callable[[Any], list[Message]]:
    def read(value: Any) -> list[Message]:
        rows = [{**row, "max_notional": row.get("max_notional", row.get("max_position"))} for row in value]
        return [Leverages([structure(row, Leverage) for row in rows], available)]

    return read


def _channels(made: type[Subscribed | Unsubscribed]) -> Callable[[Any], list[Message]]:
    return lambda value: [made(str(channel)) for channel in (value if isinstance(value, list) else [value])]


def _authenticated(value: Any) -> list[Message]:
    if isinstance(value, dict):
        ok = not value.get("error") and value.get("success", True) is True
        return [Authenticated(ok, "" if ok else str(redact(value.get("error") or "refused")))]
    return [Authenticated(value is True, "" if value is True else "refused")]


def _ack(value: Any) -> list[Message]:
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

_READERS: dict[str, Callable[[Any], list[Message]]] = {
    "order_response": _each(Order),
    "fill_response": _each(Fill),
    "position_response": _each(Position),
    "balance_response": _each(Balance),
    "stop_order_response": _each(StopOrder),
    "twap_response": _each(Twap),
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
    "err": lambda value: [read_failure(value)],
}
