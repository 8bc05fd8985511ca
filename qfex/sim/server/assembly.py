"""Puts a simulator's parts together."""

from __future__ import annotations

import time
from dataclasses import replace

from ..engine import Exchange, Rules, load_instruments
from ..gateway.accounts import Accounts
from ..gateway.clock import Clock
from ..gateway.dialect import Dialect
from ..gateway.documented import Documented
from ..gateway.gateway import TradeGateway
from ..gateway.ledger import Ledger
from ..gateway.live import Live
from ..gateway.rate_limit import RateLimiter
from .options import Options
from .runtime import Runtime

_DIALECTS: dict[str, type[Live] | type[Documented]] = {"live": Live, "documented": Documented}


def assemble(options: Options) -> Runtime:
    """Return the parts of a simulator, not yet served to anybody."""
    dialect: Dialect = _DIALECTS[options.dialect]()
    exchange = _exchange(options, dialect)
    clock = Clock(exchange)
    accounts = Accounts(exchange, seed=options.seed)
    limiter = RateLimiter() if options.rate_limits else RateLimiter(None)
    gateway = TradeGateway(exchange, clock, accounts, dialect, limiter, Ledger(options.ledger_limit))
    return Runtime(exchange, clock, accounts, gateway, options.dialect, options.ping_interval)


def _exchange(options: Options, dialect: Dialect) -> Exchange:
    rules = replace(options.rules or Rules(), modify_keeps_order_id=dialect.modify_keeps_order_id)
    try:
        instruments = load_instruments(options.symbols)
    except KeyError as error:
        raise ValueError(f"no such symbol in the reference data: {error}") from error
    return Exchange(
        instruments,
        start=time.time(),
        seed=options.seed,
        rules=rules,
        liquidity=options.liquidity,
        price_path=options.price_path,
    )
