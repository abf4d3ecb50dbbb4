"""How long a model usually takes, from the calls seen: exponentially weighted means, newest first."""

from __future__ import annotations


class LatencyEstimate:
    """Time to the first token, and time per token after it. `weight` is that of the newest call."""

    def __init__(self, weight: float = 0.2) -> None:
        self._weight = weight
        self._first_token: float | None = None
        self._per_token: float | None = None

    def saw(self, first_token_seconds: float, rest_seconds: float = 0.0, rest_tokens: float = 0.0) -> None:
        """A call. One that gave up before its first token counts with the time that it waited."""
        self._first_token = self._mixed(self._first_token, first_token_seconds)
        if rest_tokens >= 1:
            self._per_token = self._mixed(self._per_token, rest_seconds / rest_tokens)

    def seconds(self, completion_tokens: int) -> float | None:
        """For a completion of that many tokens; None before the first call."""
        if self._first_token is None:
            return None
        return self._first_token + completion_tokens * (self._per_token or 0.0)

    def _mixed(self, mean: float | None, newest: float) -> float:
        return newest if mean is None else mean + self._weight * (newest - mean)
