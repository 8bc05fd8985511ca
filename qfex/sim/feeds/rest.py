"""The REST interface over HTTP: routes, credentials, bodies, problems."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from ..gateway.accounts import AuthenticationRefused, Identity
from ..gateway.wire import encode
from . import (
    rest_account,
    rest_csv,
    rest_performance,
    rest_settlement,
    rest_subaccounts,
    rest_symbols,
    rest_windows,
)
from .account_history import AccountHistories
from .market_history import MarketHistory
from .operation import Answer, Call, Csv, Operation, Venue
from .parameters import read_body, read_parameters
from .problems import Problem

if TYPE_CHECKING:
    from ..server.runtime import Runtime

OPERATIONS: tuple[Operation, ...] = (
    *rest_symbols.OPERATIONS,
    *rest_windows.OPERATIONS,
    *rest_settlement.OPERATIONS,
    *rest_account.OPERATIONS,
    *rest_performance.OPERATIONS,
    *rest_subaccounts.OPERATIONS,
    *rest_csv.OPERATIONS,
)
ACCOUNT_HEADER = "x-qfex-requested-account-id"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def rest_routes(runtime: Runtime) -> list[web.RouteDef]:
    """Return a route for every operation, and one for every other path."""
    server = RestServer(runtime)
    routes = [web.route(one.method, one.path, server.handler(one)) for one in OPERATIONS]
    return [*routes, web.route("*", "/{path:.*}", server.unknown)]


class RestServer:
    """Serves the operations table.

    Parameters
    ----------
    runtime : Runtime
        The simulator's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        exchange, clock = runtime.exchange, runtime.clock
        self._venue = Venue(
            exchange,
            runtime.accounts,
            MarketHistory(exchange, clock),
            AccountHistories(exchange, clock),
            runtime.dialect,
        )

    def handler(self, operation: Operation) -> Handler:
        """Return what serves one operation."""

        async def handle(request: web.Request) -> web.StreamResponse:
            text = await request.read()
            fault = self._runtime.feed_plan.strike(request.path)
            if fault is not None and not fault.processed:
                return fault.respond(request)
            try:
                answer = self._answer(operation, request, text)
            except Problem as problem:
                return _refusal(problem)
            return await _reply(request, operation, answer) if fault is None else fault.respond(request)

        return handle

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """Answer a path or method that no operation has; who asks comes first, as observed."""
        try:
            identify(self._venue, request)
        except Problem as problem:
            return _refusal(problem)
        if any(re.fullmatch(_pattern(one.path), request.path) for one in OPERATIONS):
            return _refusal(Problem(405, f"{request.method} is not allowed on {request.path}"))
        return _refusal(Problem(404, f"no such path: {request.path}"))

    def _answer(self, operation: Operation, request: web.Request, text: bytes) -> Answer:
        """Check the caller, then the request, then do what it asks for."""
        caller = identify(self._venue, request) if operation.private else None
        if operation.trades and caller is not None and not caller.can_trade:
            raise Problem(403, "the key lacks the permission for this operation")
        arguments = read_parameters(operation.parameters, request.match_info, request.query)
        if operation.members:
            arguments.update(read_body(text, operation.members))
        self._runtime.pace.catch_up()
        self._venue.markets.look()
        if caller is not None:
            self._venue.histories.look_at(caller.account_id)
        try:
            return operation.answer(Call(self._venue, arguments, caller))
        finally:
            self._runtime.flush()
            self._runtime.pace.plan()


def identify(venue: Venue, request: web.Request) -> Identity:
    """Return who makes a request and for which account.

    Raises
    ------
    Problem
        401 without valid credentials, 403 for an account that is not the caller's.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    wanted = headers.pop(ACCOUNT_HEADER, None)
    if "authorization" in headers:
        headers["Authorization"] = headers["authorization"]
    try:
        identity = venue.accounts.authenticate_headers(headers)
    except AuthenticationRefused as refusal:
        raise Problem(401, str(refusal)) from refusal
    if identity is None:
        raise Problem(401, "missing credentials")
    if wanted is None:
        return identity
    if wanted not in (identity.user_id, *venue.accounts.subaccounts(identity.user_id)):
        raise Problem(403, "the requested account is not the caller's")
    return Identity(identity.user_id, wanted, identity.can_trade)


async def _reply(request: web.Request, operation: Operation, answer: Answer) -> web.StreamResponse:
    if answer is None:
        return web.Response(status=204)
    if isinstance(answer, Csv):
        return await _stream(request, answer)
    body = encode(operation.complete(answer))
    return web.Response(body=body, content_type="application/json", headers=operation.headers)


async def _stream(request: web.Request, answer: Csv) -> web.StreamResponse:
    """Send rows one by one, of unknown total length."""
    response = web.StreamResponse(headers={"Content-Type": "text/csv; charset=utf-8"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    for row in answer.rows:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        await response.write(line.getvalue().encode())
    await response.write_eof()
    return response


def _refusal(problem: Problem) -> web.Response:
    body = encode(problem.body())
    return web.Response(body=body, status=problem.status, content_type="application/problem+json")


def _pattern(path: str) -> str:
    """Return a path's template as a regular expression."""
    return re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
