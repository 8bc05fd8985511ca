"""One event loop in one background thread, and the way from other threads onto it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """Runs an event loop from `start` to `stop`; everything else of the simulator lives on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="qfex-sim", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def call(self, function: Callable[[], Result]) -> Result:
        """Run ``function`` on the loop and return its result, or raise what it raised."""
        if threading.current_thread() is self._thread:
            return function()
        answer: Future[Result] = Future()
        self._loop.call_soon_threadsafe(self._settle, answer, function)
        return answer.result()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run ``coroutine`` on the loop and return its result, or raise what it raised."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def stop(self) -> None:
        """End the loop and wait for its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @staticmethod
    def _settle(answer: Future[Result], function: Callable[[], Result]) -> None:
        try:
            answer.set_result(function())
        except BaseException as error:
            answer.set_exception(error)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_finish_tasks())
            self._loop.close()


async def _finish_tasks() -> None:
    """Cancel what is still under way, such as a connection accepted in the last moment, and wait for its end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
