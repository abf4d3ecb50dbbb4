"""A language model that says what a test tells it to."""

from __future__ import annotations

from collections.abc import AsyncIterator

from generation.language_models.model import (
    Deadline,
    Finished,
    ModelError,
    ModelProfile,
    ModelRequest,
    Piece,
    Prices,
    Role,
    TokenCounts,
)


class Says:
    """Says its scripts one after the other, the last one again and again, in pieces of a few characters.

    A script with an error breaks off there.
    """

    def __init__(
        self, name: str, *scripts: str | tuple[str, ModelError], role: Role = Role.FAST, piece: int = 7
    ) -> None:
        self.profile = ModelProfile(name, role, 8192, 1024, Prices(1.0, 0.5, 2.0))
        self.requests: list[ModelRequest] = []
        self.closed = False
        self._scripts = list(scripts)
        self._piece = piece

    def typical_latency(self, completion_tokens: int) -> float | None:
        return None

    async def aclose(self) -> None:
        self.closed = True

    def warm_up(self) -> None:
        pass

    async def stream(self, request: ModelRequest, deadline: Deadline) -> AsyncIterator[Piece]:
        self.requests.append(request)
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        text, error = script if isinstance(script, tuple) else (script, None)
        for start in range(0, len(text), self._piece):
            yield text[start : start + self._piece]
        if error is not None:
            raise error
        yield Finished(TokenCounts(100, 0, len(text.split())), "stop")
