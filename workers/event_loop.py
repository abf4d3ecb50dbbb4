"""An event loop in a thread of its own, for asynchronous work that threads of a worker wait for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class EventLoopThread:
    """The loop starts with the first work, and keeps its connections between two pieces of it. Thread-safe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Wait for the work's result. Raises what it raises, RuntimeError after `finish`."""
        return self.begin(work).result()

    def begin(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> concurrent.futures.Future[Result]:
        """The same without waiting; to cancel the future cancels the work. Raises RuntimeError after `finish`."""
        loop = self._running()
        return asyncio.run_coroutine_threadsafe(work(), loop)

    def tell(self, work: Callable[[], None]) -> None:
        """Do something at once on the loop; without one, here."""
        with self._lock:
            loop = None if self._closed else self._loop
        if loop is None:
            work()
        else:
            loop.call_soon_threadsafe(work)

    def finish(self, last: Callable[[], Coroutine[Any, Any, None]], timeout: float = 5.0) -> None:
        """Do the last work, if there was any before, cancel what is still on the way, and end the thread."""
        with self._lock:
            loop, thread = (None, None) if self._closed else (self._loop, self._thread)
            self._closed = True
        if loop is None or thread is None:
            return
        ended = asyncio.run_coroutine_threadsafe(last(), loop)
        ended.add_done_callback(lambda _: loop.call_soon_threadsafe(loop.stop))
        thread.join(timeout)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise RuntimeError("the event loop has ended")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._serve, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        # The runner cancels the tasks that are left, closes generators and ends the loop's threads.
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.get_loop().run_forever()
