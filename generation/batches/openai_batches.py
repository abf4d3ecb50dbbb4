"""OpenAI's batch endpoint (platform.openai.com/docs/guides/batch): files of requests in, files of replies out.

A client is opened for each call: between two looks at a batch lie minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from generation.batches.provider_batches import ProviderReply
from generation.batches.provider_calls import CALL_SECONDS, told_as_model_error
from generation.language_models.hosted_model import NO_KEY, OPENAI_URL, is_closed
from generation.language_models.model import ModelRequest, TokenCounts

PATH = "/v1/chat/completions"
MARK = "plumbline_batch"
LOOKED_THROUGH = 100
_FINAL = {"completed", "failed", "expired", "cancelled"}
_OVER = {"failed", "expired", "cancelled", "cancelling"}


class OpenAIBatchEndpoint:
    """Satisfies `BatchEndpoint` of provider_batches. `name` is ours for the model, `model` the provider's."""

    def __init__(self, *, name: str, model: str, url: str, key: str | None) -> None:
        self._name = name
        self._model = model
        self._url = url
        self._key = key or NO_KEY
        self._rejects_temperature = False

    async def submit(self, mark: str, requests: Mapping[str, ModelRequest]) -> str:
        """See BatchEndpoint."""
        lines = [
            {"custom_id": custom_id, "method": "POST", "url": PATH, "body": self._body(request)}
            for custom_id, request in requests.items()
        ]
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        async with self._client() as client:
            file = await client.files.create(file=(f"{mark}.jsonl", content), purpose="batch")
            batch = await client.batches.create(
                input_file_id=file.id, endpoint=PATH, completion_window="24h", metadata={MARK: mark}
            )
            return str(batch.id)

    async def find(self, mark: str) -> str | None:
        """See BatchEndpoint. Looks through the newest batches of the account; None too where they cannot be listed."""
        async with self._client() as client:
            try:
                page = await client.batches.list(limit=LOOKED_THROUGH)
            except _sdk().NotFoundError:
                return None
            return next((str(one.id) for one in page.data if (one.metadata or {}).get(MARK) == mark), None)

    async def ended(self, provider_id: str) -> bool:
        """See BatchEndpoint."""
        async with self._client() as client:
            return (await client.batches.retrieve(provider_id)).status in _FINAL

    async def replies(self, provider_id: str) -> AsyncIterator[ProviderReply]:
        """See BatchEndpoint. One that expired or was cancelled has the replies made until then."""
        async with self._client() as client:
            batch = await client.batches.retrieve(provider_id)
            for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
                content = await client.files.content(file_id)
                for line in content.text.splitlines():
                    if line.strip():
                        yield self._reply(json.loads(line))

    async def cancel(self, provider_id: str) -> None:
        """See BatchEndpoint."""
        async with self._client() as client:
            if (await client.batches.retrieve(provider_id)).status not in _FINAL | _OVER:
                await client.batches.cancel(provider_id)

    async def forget(self, provider_id: str) -> None:
        """See BatchEndpoint."""
        async with self._client() as client:
            batch = await client.batches.retrieve(provider_id)
            for file_id in filter(None, (batch.input_file_id, batch.output_file_id, batch.error_file_id)):
                await client.files.delete(file_id)

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        openai = await asyncio.to_thread(_sdk)  # 1.4 s the first time
        with told_as_model_error(openai, self._name, self._key):
            async with openai.AsyncOpenAI(
                base_url=self._url, api_key=self._key, max_retries=0, timeout=CALL_SECONDS
            ) as client:
                yield client

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        # OpenAI itself wants the newer name, of every model; others know only the older.
        limit = "max_completion_tokens" if self._url == OPENAI_URL else "max_tokens"
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            limit: request.max_tokens,
        }
        if not self._rejects_temperature:
            body["temperature"] = 0.0
        if request.json_schema is not None:
            strict = is_closed(request.json_schema)
            described = {"name": "answer", "schema": dict(request.json_schema), "strict": strict}
            body["response_format"] = {"type": "json_schema", "json_schema": described}
        return body

    def _reply(self, line: Mapping[str, Any]) -> ProviderReply:
        custom_id, response = str(line["custom_id"]), line.get("response") or {}
        body = response.get("body") or {}
        if response.get("status_code") != 200:
            problem = json.dumps(line.get("error") or body.get("error") or "no answer")
            # Newer models allow none: what comes back so is asked directly, and the next batch goes without.
            self._rejects_temperature |= "temperature" in problem
            return ProviderReply(custom_id, None, problem=problem)
        message = body["choices"][0]["message"]
        used = body.get("usage")
        return ProviderReply(custom_id, message.get("content") or message.get("refusal") or "", _counts(used))


def _counts(used: Mapping[str, Any] | None) -> TokenCounts | None:
    if not used:
        return None
    cached = (used.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return TokenCounts(used.get("prompt_tokens") or 0, cached, used.get("completion_tokens") or 0)


def _sdk() -> Any:
    import openai

    return openai
