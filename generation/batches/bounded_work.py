"""Some pieces of work at a time, the next begun as soon as one is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

Item = TypeVar("Item")


async def each(items: AsyncIterator[Item], work: Callable[[Item], Awaitable[None]], at_once: int) -> None:
    """Work on every item, `at_once` of them at a time. The first error cancels the others and is raised."""
    lock = asyncio.Lock()  # an iterator cannot be asked by two at once

    async def following() -> Item | None:
        async with lock:
            return await anext(items, None)

    async def take() -> None:
        while (item := await following()) is not None:
            await work(item)

    tasks = [asyncio.create_task(take()) for _ in range(at_once)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
