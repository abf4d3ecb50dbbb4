"""Which answers a rate is about."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Literal

from runtime.errors import InvalidInput

GroupBy = Literal["model", "route", "collection", "day"]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = datetime.timedelta(days=3660)


class InvalidWindow(InvalidInput):
    """The window cannot be read, or ends before it begins."""

    code = "invalid_window"


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """From `start` to before `end`, both aware."""

    start: datetime.datetime
    end: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class AnswerFilter:
    """`tenant` None: all of them, for those who run the installation. The others None: any."""

    tenant: str | None
    window: Window
    model: str | None = None
    collection: str | None = None
    route: str | None = None
    checker: str | None = None


def window_of(
    span: str | None, start: datetime.datetime | None, end: datetime.datetime | None, now: datetime.datetime
) -> Window:
    """A span such as `24h` or `7d` that ends at `end` (now, unless given), or from `start` to `end`.

    Raises InvalidWindow. Moments without a zone are UTC.
    """
    end = _aware(end) if end is not None else now
    if start is not None and span is not None:
        raise InvalidWindow("Give either `window` or `from`, not both.")
    start = _aware(start) if start is not None else end - _length(span or "24h")
    if start >= end:
        raise InvalidWindow(f"The window ends ({end:%Y-%m-%d %H:%M}) before it begins ({start:%Y-%m-%d %H:%M}).")
    return Window(start, end)


def _length(span: str) -> datetime.timedelta:
    found = re.fullmatch(r"(\d{1,6})([mhdw])", span.strip())
    length = datetime.timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else datetime.timedelta()
    if not datetime.timedelta() < length <= _LONGEST:
        raise InvalidWindow(f"{span[:40]!r} is no window. Write a number and a unit, as in 30m, 24h, 7d or 4w.")
    return length


def _aware(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
