"""The REST server: routes, credentials, request and response bodies."""

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
    rest_performance,
    rest_settlement,
    rest_subaccounts,
    rest_symbols,
    rest_windows,
)
from .rest_operation import Answer, Csv, Operation, RestContext, RestRequest
from .rest_parameters import Problem, read_body, read_parameters
from .statistics import AccountObserver, MarketObserver

if TYPE_CHECKING:
    from ..server.runtime import Runtime

OPERATIONS: tuple[Operation, ...] = (
    *rest_symbols.OPERATIONS,
    *rest_windows.OPERATIONS,
    *rest_settlement.OPERATIONS,
    *rest_account.OPERATIONS,
    *rest_performance.OPERATIONS,
    *rest_subaccounts.OPERATIONS,
)
ACCOUNT_HEADER = "x-qfex-requested-account-id"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def rest_routes(runtime: Runtime) -> list[web.RouteDef]:
    """Return a route for every operation, and one for all other paths."""
    server = RestServer(runtime)
    routes = [web.route(one.method, one.path, server.handler(one)) for one in OPERATIONS]
    return [*routes, web.route("*", "/{path:.*}", server.unknown)]


class RestServer:
    """Serves the table of operations.

    Parameters
    ----------
    runtime : Runtime
        The simulator's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        exchange, clock = runtime.exchange, runtime.clock
        self._context = RestContext(
            exchange,
            runtime.accounts,
            MarketObserver(exchange, clock),
            AccountObserver(exchange, clock),
            runtime.dialect,
        )

    def handler(self, operation: Operation) -> Handler:
        """Return the request handler of one operation."""

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
        """Answer a path or method without an operation; as observed, credentials are checked first."""
        try:
            identify(self._context, request)
        except Problem as problem:
            return _refusal(problem)
        if any(re.fullmatch(_pattern(one.path), request.path) for one in OPERATIONS):
            return _refusal(Problem(405, f"{request.method} is not allowed on {request.path}"))
        return _refusal(Problem(404, f"no such path: {request.path}"))

    def _answer(self, operation: Operation, request: web.Request, text: bytes) -> Answer:
        """Check the caller and the request, then execute it."""
        caller = identify(self._context, request) if operation.private else None
        if operation.trades and caller is not None and not caller.can_trade:
            raise Problem(403, "the key lacks the permission for this operation")
        arguments = read_parameters(operation.parameters, request.match_info, request.query)
        if operation.members:
            arguments.update(read_body(text, operation.members))
        with self._runtime.step():
            self._context.market_statistics.sample()
            if caller is not None:
                self._context.account_statistics.sample_account(caller.account_id)
            return operation.answer(RestRequest(self._context, arguments, caller))


def identify(context: RestContext, request: web.Request) -> Identity:
    """Return the identity of a request's caller.

    Raises
    ------
    Problem
        401 without valid credentials; 403 if the requested account is not the caller's.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    wanted = headers.pop(ACCOUNT_HEADER, None)
    if "authorization" in headers:
        headers["Authorization"] = headers["authorization"]
    try:
        identity = context.accounts.authenticate_headers(headers)
    except AuthenticationRefused as refusal:
        raise Problem(401, str(refusal)) from refusal
    if identity is None:
        raise Problem(401, "missing credentials")
    if wanted is None:
        return identity
    if wanted not in (identity.user_id, *context.accounts.subaccounts(identity.user_id)):
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
    """Send rows one by one; the total length is unknown."""
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
    """Return a path template as a regular expression."""
    return re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
