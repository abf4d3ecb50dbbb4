"""Anthropic's message batches (docs.anthropic.com, "Batch processing").

They carry no mark of ours: one whose sending broke off cannot be found again and is sent anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from generation.batches.provider_batches import ProviderReply
from generation.batches.provider_calls import CALL_SECONDS, told_as_model_error
from generation.language_models.hosted_model import NO_KEY
from generation.language_models.model import ModelRequest, TokenCounts


class AnthropicBatchEndpoint:
    """Satisfies `BatchEndpoint` of provider_batches. `name` is ours for the model, `model` the provider's."""

    def __init__(self, *, name: str, model: str, url: str, key: str | None) -> None:
        self._name = name
        self._model = model
        self._url = url
        self._key = key or NO_KEY
        self._rejects_temperature = False

    async def submit(self, mark: str, requests: Mapping[str, ModelRequest]) -> str:  # noqa: ARG002
        """See BatchEndpoint."""
        lines = [{"custom_id": custom_id, "params": self._params(request)} for custom_id, request in requests.items()]
        async with self._client() as client:
            return str((await client.messages.batches.create(requests=lines)).id)

    async def find(self, mark: str) -> str | None:  # noqa: ARG002
        """See BatchEndpoint."""
        return None

    async def ended(self, provider_id: str) -> bool:
        """See BatchEndpoint."""
        async with self._client() as client:
            return bool((await client.messages.batches.retrieve(provider_id)).processing_status == "ended")

    async def replies(self, provider_id: str) -> AsyncIterator[ProviderReply]:
        """See BatchEndpoint."""
        async with self._client() as client:
            async for line in await client.messages.batches.results(provider_id):
                yield self._reply(line.custom_id, line.result)

    async def cancel(self, provider_id: str) -> None:
        """See BatchEndpoint."""
        async with self._client() as client:
            if (await client.messages.batches.retrieve(provider_id)).processing_status == "in_progress":
                await client.messages.batches.cancel(provider_id)

    async def forget(self, provider_id: str) -> None:
        """See BatchEndpoint."""
        async with self._client() as client:
            await client.messages.batches.delete(provider_id)

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        anthropic = await asyncio.to_thread(_sdk)
        with told_as_model_error(anthropic, self._name, self._key):
            async with anthropic.AsyncAnthropic(
                base_url=self._url, api_key=self._key, max_retries=0, timeout=CALL_SECONDS
            ) as client:
                yield client

    def _params(self, request: ModelRequest) -> dict[str, Any]:
        system = "\n\n".join(message.content for message in request.messages if message.role == "system")
        params: dict[str, Any] = {
            "model": self._model,
            "max_tokens": request.max_tokens,
            "messages": [
                {"role": message.role, "content": message.content}
                for message in request.messages
                if message.role != "system"
            ],
        }
        if not self._rejects_temperature:
            params["temperature"] = 0.0
        if system:
            params["system"] = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
        return params

    def _reply(self, custom_id: str, result: Any) -> ProviderReply:
        if result.type != "succeeded":
            problem = result.type if result.type != "errored" else str(result.error.error.message)
            # As of OpenAI's: what comes back so is asked directly, and the next batch goes without.
            self._rejects_temperature |= "temperature" in problem
            return ProviderReply(custom_id, None, problem=problem)
        message = result.message
        text = "".join(block.text for block in message.content if block.type == "text")
        cached = message.usage.cache_read_input_tokens or 0
        fresh = message.usage.input_tokens + (message.usage.cache_creation_input_tokens or 0)
        return ProviderReply(custom_id, text, TokenCounts(fresh + cached, cached, message.usage.output_tokens))


def _sdk() -> Any:
    import anthropic

    return anthropic
