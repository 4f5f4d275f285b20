"""Rows as models. One that cannot be read is named by its keys, and keeps no other from being read.

Nothing of Curfew's writes such a row: a hand did, or a release that is older than this one.
"""

from collections.abc import AsyncIterator, Callable

from curfew.errors import Unreadable
from curfew.ledger.tables import Row
from curfew.model.base import Model


def told[T: Model](table: str, row: Row, model: type[T]) -> T:
    """What a row says.

    Raises:
        Unreadable: it is not what this release could understand.
    """
    try:
        return model.read(row.document)
    except Exception:  # noqa: BLE001 - a stranger's row may make anything of a validator
        # A validation error quotes the row: it is no cause that a traceback may show.
        raise unreadable(table, row) from None


def unreadable(table: str, row: Row) -> Unreadable:
    """The error that names a row."""
    return Unreadable(table, (row.partition, row.key))


async def every[T](
    table: str, rows: AsyncIterator[Row], read: Callable[[Row], T]
) -> AsyncIterator[T]:
    """What each row says; those that cannot be read come last, as one error.

    Raises:
        Unreadable: with the keys of all such rows, after everything else.
    """
    spoiled: list[tuple[str, str]] = []
    async for row in rows:
        try:
            thing = read(row)
        except Unreadable as error:
            spoiled += error.rows
        else:
            yield thing
    if spoiled:
        raise Unreadable(table, *spoiled)


async def readable[T](things: AsyncIterator[T]) -> tuple[list[T], Unreadable | None]:
    """All that can be read, and what names the rest: to be reported by whoever goes on without."""
    found: list[T] = []
    try:
        async for thing in things:
            found.append(thing)  # noqa: PERF401 - what was found before the error counts
    except Unreadable as error:
        return found, error
    return found, None
