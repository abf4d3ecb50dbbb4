"""Leaves an endpoint alone that keeps failing, and asks it again now and then (Nygard, "Release It!", 2007)."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable


class CircuitBreaker:
    """Opens after `failures_in_a_row`, or when `failure_share` of the last `window` calls failed.

    Open, it admits nothing for `pause_seconds`; then one probe. A good probe closes it, a bad one doubles the pause, up
    to `longest_pause_seconds`. Each admitted call ends in `succeeded`, `failed` or `withdrawn`.
    """

    def __init__(
        self,
        *,
        failures_in_a_row: int = 5,
        failure_share: float = 0.5,
        window: int = 20,
        pause_seconds: float = 10.0,
        longest_pause_seconds: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_in_a_row = failures_in_a_row
        self._failure_share = failure_share
        self._shortest_pause = pause_seconds
        self._longest_pause = longest_pause_seconds
        self._clock = clock
        self._recent: collections.deque[bool] = collections.deque(maxlen=window)
        self._in_a_row = 0
        self._pause = pause_seconds
        self._open_until: float | None = None
        self._probing = False

    @property
    def closed_for_seconds(self) -> float:
        """How long nothing will be admitted; 0 when a call would be. While a probe runs: at least a moment."""
        if self._open_until is None:
            return 0.0
        left = max(0.0, self._open_until - self._clock())
        return max(left, 0.1) if self._probing else left

    def admit(self) -> bool:
        """Whether a call may be made now; after a pause only the first who asks, as the probe."""
        if self.closed_for_seconds > 0:
            return False
        self._probing = self._open_until is not None
        return True

    def succeeded(self) -> None:
        if self._open_until is not None:
            self._recent.clear()
        self._recent.append(True)
        self._in_a_row = 0
        self._open_until, self._probing, self._pause = None, False, self._shortest_pause

    def failed(self) -> None:
        if self._open_until is not None:
            # A call from before the opening says nothing new; the probe does.
            if self._probing:
                self._pause = min(2 * self._pause, self._longest_pause)
                self._open()
            return
        self._recent.append(False)
        self._in_a_row += 1
        full = len(self._recent) == self._recent.maxlen
        share = self._recent.count(False) / len(self._recent)
        if self._in_a_row >= self._failures_in_a_row or (full and share >= self._failure_share):
            self._open()

    def withdrawn(self) -> None:
        """The call ended without saying anything about the endpoint: the caller went away, or asked for nonsense."""
        self._probing = False

    def _open(self) -> None:
        self._open_until = self._clock() + self._pause
        self._probing = False
