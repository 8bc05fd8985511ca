"""An event loop in a background thread, and calls into it from other threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from ..arithmetic import own_variables

Result = TypeVar("Result")


class LoopThread:
    """Runs an event loop from `start` to `stop`; the simulator runs on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._variables = own_variables()
        self._thread = threading.Thread(
            target=self._variables.copy().run, args=(self._run,), name="qfex-sim", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def call(self, function: Callable[[], Result]) -> Result:
        """Run ``function`` on the loop and return its result, or raise its exception."""
        if threading.current_thread() is self._thread:
            return function()
        future: Future[Result] = Future()
        variables = self._variables.copy()
        self._loop.call_soon_threadsafe(self._complete, future, function, context=variables)
        return future.result()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run ``coroutine`` on the loop and return its result, or raise its exception."""
        # The task takes the variables of the code that schedules it.
        schedule = asyncio.run_coroutine_threadsafe
        return self._variables.copy().run(schedule, coroutine, self._loop).result()

    def stop(self) -> None:
        """Stop the loop and wait for its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @staticmethod
    def _complete(future: Future[Result], function: Callable[[], Result]) -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_finish_tasks())
            self._loop.close()


async def _finish_tasks() -> None:
    """Cancel tasks that still run, such as that of a connection accepted at the last moment, and await their end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
