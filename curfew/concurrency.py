"""Several calls at once, none of them cut off in the middle of a write."""

import asyncio
from collections.abc import Awaitable
from typing import Any


async def settled(*calls: Awaitable[Any]) -> list[Any]:
    """Run all to their end; a result or an exception for each, in order."""
    return await asyncio.gather(*calls, return_exceptions=True)


async def together(*calls: Awaitable[Any]) -> list[Any]:
    """Run all to their end, then raise the first failure in order, or answer all results.

    Unlike a task group it cancels nobody: a cancelled write may or may not have been applied.
    """
    results = await settled(*calls)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
