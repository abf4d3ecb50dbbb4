"""Language models behind OpenAI's or Anthropic's protocol, through llama-index's LLM classes.

llama-index makes the request (messages, parameters of each generation of models) and hands on the text; what it does
not do is done here, by giving it a client of our own in place of the SDK's:

- The token counts get lost: its Anthropic class drops `message_start`, the one event with the cached prompt tokens. The
  events are read here, before it.
- It sends Anthropic's system prompt as a string, which cannot be marked for the prompt cache.
- Closing its stream leaves the provider's open until the garbage collector finds it, and a stream that a proxy cuts
  looks complete.

And one thing is dear: SDK and llama-index build a chain of objects for each token, 0.4 ms of processor time on the
event loop that all streams share (docs/experiments.md). Here the tokens that arrived together go on together, so that a
busy loop has fewer pieces to carry, not a longer queue.

llama_index takes 4.5 s to import: `warm_up` does it, in a thread at start-up.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Protocol

from generation.language_models.event_stream import BytePump, EventReader
from generation.language_models.model import (
    Deadline,
    Finished,
    ModelError,
    ModelProfile,
    ModelRejectedRequest,
    ModelRequest,
    ModelTimeout,
    Piece,
)
from generation.language_models.provider_errors import error_of_status, shortened
from generation.language_models.provider_events import Completion, ReadEvent, read_anthropic_event, read_openai_event

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"
NO_KEY = "no-key"  # the SDKs insist on one; endpoints of one's own often need none
WRITE_SECONDS = 30.0
# Which models refuse these changes with each generation: a refusal that names one is remembered, and it is left out.
DISPENSABLE = ("temperature", "stream_options")


class HostedModel:
    """A model of one endpoint. Retries nothing and waits as long as the deadline allows: see `ResilientModel`.

    The HTTP client belongs to the event loop that uses it; `aclose` closes that of the running loop.
    """

    def __init__(self, profile: ModelProfile, provider: Provider) -> None:
        self.profile = profile
        self._provider = provider

    def warm_up(self) -> None:
        """Import and build what the first question would otherwise wait for. Blocks for seconds: a thread's work."""
        self._provider.load()

    async def stream(self, request: ModelRequest, deadline: Deadline) -> AsyncIterator[Piece]:
        """See `LanguageModel.stream`."""
        provider = self._provider
        call = _Call(Completion(self.profile.name), provider.read_event)
        try:
            with _told_as_model_timeout(self.profile.name):
                async with asyncio.timeout(deadline.left()):
                    if not provider.loaded:
                        await asyncio.to_thread(provider.load)
                    responses = await provider.start(request, call)
                while True:
                    async with asyncio.timeout(deadline.left()):
                        response = await anext(responses, None)
                    if response is None:
                        break
                    if response.delta:
                        yield response.delta
            yield Finished(call.completion.counts, call.completion.reason or "stop")
        finally:
            await call.close()

    async def aclose(self) -> None:
        await self._provider.aclose()


@contextlib.contextmanager
def _told_as_model_timeout(name: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise ModelTimeout(f"The model {name} had not finished when its time was up.") from None


class _Call:
    """One completion on its way: the provider's response, read into pieces of text."""

    def __init__(self, completion: Completion, read_event: ReadEvent) -> None:
        self.completion = completion
        self._read_event = read_event
        self._response: Any = None
        self._pump: BytePump | None = None
        self._done = False

    def attach(self, response: Any) -> None:
        """Take over the provider's response and begin to read it; from now on `close` must be called."""
        self._response = response
        self._pump = BytePump(response.aiter_bytes())

    async def texts(self) -> AsyncIterator[str]:
        """The text of each read, never empty. Raises ModelError when the stream breaks, or ends before its end."""
        assert self._pump is not None, "a response is attached before its texts are read"
        name, reader = self.completion.name, EventReader()
        while not self._done:
            try:
                arrived = await self._pump.take()
            except Exception as error:  # httpx or httpx2, as the provider's library has it: reading failed
                raise ModelError(f"The connection to the model {name} broke in the middle of its answer.") from error
            if not arrived:
                break
            text, failure = self._read(reader.feed(arrived))
            if text:
                yield text
            if failure is not None:
                raise failure
        if self.completion.reason is None:
            raise ModelError(f"The model {name} ended its stream before its answer was complete.")

    def _read(self, events: Iterator[str]) -> tuple[str, ModelError | None]:
        """The text of events that came together, up to the first that is an error or none at all."""
        text = ""
        try:
            for data in events:
                text += self._text(data)
        except ModelError as error:
            return text, error
        except (ValueError, KeyError, TypeError, AttributeError):
            told = f"The model {self.completion.name} sent something that is no event of its protocol."
            return text, ModelError(told)
        return text, None

    def _text(self, data: str) -> str:
        if data == "[DONE]":
            self._done = True
            self.completion.reason = self.completion.reason or "stop"
            return ""
        return self._read_event(json.loads(data), self.completion)

    async def close(self) -> None:
        """End the call at the provider."""
        if self._pump is not None:
            await self._pump.stop()
            await self._response.aclose()


class Provider(Protocol):
    """The side of a protocol: builds llama-index's class, and starts a call through it."""

    def read_event(self, event: Mapping[str, Any], completion: Completion) -> str: ...

    @property
    def loaded(self) -> bool: ...

    def load(self) -> None: ...

    async def start(self, request: ModelRequest, call: _Call) -> AsyncIterator[Any]: ...

    async def aclose(self) -> None: ...


class _HostedProvider(abc.ABC):
    """What both protocols share. `key` is never part of a message, a log line or a repr."""

    def __init__(self, *, name: str, model: str, url: str, key: str | None, connect_seconds: float) -> None:
        self._name = name
        self._model = model
        self._url = url
        self._key = key or NO_KEY
        self._connect_seconds = connect_seconds
        self._rejected_parameters: set[str] = set()
        self._lock = threading.Lock()
        self._llm: Any = None
        self._sdk: Any = None
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loaded(self) -> bool:
        return self._llm is not None

    def load(self) -> None:
        with self._lock:
            if self._llm is None:
                llm = self._build()
                self._client = self._new_client()
                self._llm = llm

    async def start(self, request: ModelRequest, call: _Call) -> AsyncIterator[Any]:
        """llama-index's stream of responses. Raises ModelError."""
        from llama_index.core.base.llms.types import ChatMessage

        messages = [ChatMessage(role=message.role, content=message.content) for message in request.messages]
        options = self._options(request)
        responses: AsyncIterator[Any] = await self._llm.astream_chat(messages, call=call, **options)
        return responses

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop in (None, asyncio.get_running_loop()):
            await client.close()
        self._loop = None

    @abc.abstractmethod
    def _build(self) -> Any: ...

    @abc.abstractmethod
    def _new_client(self) -> Any: ...

    @abc.abstractmethod
    def _options(self, request: ModelRequest) -> dict[str, Any]: ...

    def _client_of_this_loop(self) -> Any:
        """Connections cannot move from one event loop to another; the client of a loop that is gone is dropped."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop not in (None, loop):
            self._client = self._new_client()
        self._loop = loop
        return self._client

    async def _open(self, create: Any, call: _Call, arguments: Mapping[str, Any]) -> None:
        """Send the request; returns when the head of a good response is there. Raises ModelError."""
        kept = {key: value for key, value in arguments.items() if key not in self._rejected_parameters}
        try:
            raw = await create(**kept)
        except self._sdk.APIStatusError as error:
            explanation = _explanation(error)
            unwanted = {key for key in DISPENSABLE if key in kept and key in explanation}
            if error.status_code in {400, 422} and unwanted:
                self._rejected_parameters |= unwanted
                return await self._open(create, call, arguments)
            words = self._without_key(explanation)
            raise error_of_status(self._name, error.status_code, error.response.headers, words) from None
        except self._sdk.APITimeoutError:
            raise ModelTimeout(
                f"The model {self._name} could not be reached within {self._connect_seconds:g} s."
            ) from None
        except self._sdk.APIConnectionError as error:
            reason = self._without_key(shortened(str(error.__cause__ or error)))
            raise ModelError(f"The model {self._name} cannot be reached: {reason}.") from None
        call.attach(raw.http_response)
        return None

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "******")


def _explanation(error: Any) -> str:
    """The provider's sentence out of the many forms an error body takes."""
    body = error.body
    for _ in range(2):
        if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping | str):
            body = body["error"]
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail") or ""
    return str(body or "")


class OpenAIProvider(_HostedProvider):
    """`/chat/completions`, of OpenAI or of anyone who speaks like it: vLLM, Ollama, llama.cpp, ..."""

    def read_event(self, event: Mapping[str, Any], completion: Completion) -> str:
        return read_openai_event(event, completion)

    def _build(self) -> Any:
        import openai
        from llama_index.llms.openai_like import OpenAILike  # type: ignore[import-untyped]

        self._sdk = openai
        ours = SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=self._create)))
        try:
            return OpenAILike(
                model=self._model,
                api_base=self._url,
                api_key=self._key,
                is_chat_model=True,
                temperature=0.0,
                max_retries=0,
                async_openai_client=ours,
            )
        except ValueError as error:  # a name that llama-index knows as one of another API
            raise ModelRejectedRequest(f"The model {self._name} cannot be used: {shortened(str(error))}.") from None

    def _new_client(self) -> Any:
        timeout = self._sdk.Timeout(None, connect=self._connect_seconds, write=WRITE_SECONDS)
        return self._sdk.AsyncOpenAI(base_url=self._url, api_key=self._key, max_retries=0, timeout=timeout)

    def _options(self, request: ModelRequest) -> dict[str, Any]:
        # OpenAI itself wants the newer name, of every model; others know only the older.
        limit = "max_completion_tokens" if self._url == OPENAI_URL else "max_tokens"
        options: dict[str, Any] = {limit: request.max_tokens, "stream_options": {"include_usage": True}}
        if request.json_schema is not None:
            described = {
                "name": "answer",
                "schema": dict(request.json_schema),
                "strict": is_closed(request.json_schema),
            }
            options["response_format"] = {"type": "json_schema", "json_schema": described}
        return options

    async def _create(self, *, call: _Call, **arguments: Any) -> AsyncIterator[Any]:
        """In place of `AsyncOpenAI.chat.completions.create`."""
        client = self._client_of_this_loop()
        await self._open(client.chat.completions.with_raw_response.create, call, arguments)
        return _openai_chunks(call)


async def _openai_chunks(call: _Call) -> AsyncIterator[Any]:
    async for text in call.texts():
        delta = SimpleNamespace(content=text, tool_calls=None, role="assistant")
        yield SimpleNamespace(choices=[SimpleNamespace(delta=delta)])


class AnthropicProvider(_HostedProvider):
    """`/v1/messages`. The system message, the same for every question, is marked for the provider's prompt cache."""

    def read_event(self, event: Mapping[str, Any], completion: Completion) -> str:
        return read_anthropic_event(event, completion)

    def _build(self) -> Any:
        import anthropic
        from llama_index.core.base.llms.types import LLMMetadata
        from llama_index.llms.anthropic import Anthropic, utils

        class AnyAnthropic(Anthropic):
            """llama-index asks for its metadata at each call, and raises for every model that it does not know yet."""

            @property
            def metadata(self) -> LLMMetadata:
                return LLMMetadata(model_name=self.model, is_chat_model=True)

        self._sdk = anthropic
        self._takes_schema = utils.is_anthropic_structured_output_supported(self._model)
        llm_class: Any = AnyAnthropic
        llm = llm_class(model=self._model, base_url=self._url, api_key=self._key, temperature=0.0, max_retries=0)
        llm._aclient = SimpleNamespace(messages=SimpleNamespace(create=self._create))
        return llm

    def _new_client(self) -> Any:
        timeout = self._sdk.Timeout(None, connect=self._connect_seconds, write=WRITE_SECONDS)
        return self._sdk.AsyncAnthropic(base_url=self._url, api_key=self._key, max_retries=0, timeout=timeout)

    def _options(self, request: ModelRequest) -> dict[str, Any]:
        options: dict[str, Any] = {"max_tokens": request.max_tokens}
        if request.json_schema is not None and self._takes_schema and is_closed(request.json_schema):
            described = {"type": "json_schema", "schema": dict(request.json_schema)}
            options["output_config"] = {"format": described}
        return options

    async def _create(self, *, call: _Call, system: str, **arguments: Any) -> AsyncIterator[Any]:
        """In place of `AsyncAnthropic.messages.create`."""
        if system:
            arguments["system"] = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
        await self._open(self._client_of_this_loop().messages.with_raw_response.create, call, arguments)
        return _anthropic_events(call)


async def _anthropic_events(call: _Call) -> AsyncIterator[Any]:
    from anthropic.types import RawContentBlockDeltaEvent, TextDelta

    async for text in call.texts():
        delta = TextDelta(type="text_delta", text=text)
        yield RawContentBlockDeltaEvent(type="content_block_delta", index=0, delta=delta)


def is_closed(schema: Mapping[str, Any]) -> bool:
    """Whether both providers will enforce this schema: every object names all its fields and allows no others."""
    if schema.get("type") == "object" or "properties" in schema:
        fields = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(fields):
            return False
    return all(is_closed(part) for part in _parts(schema))


def _parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts: list[Any] = [schema.get("items")]
    for key in ("properties", "$defs", "definitions"):
        parts += list((schema.get(key) or {}).values())
    for key in ("anyOf", "allOf", "oneOf"):
        parts += list(schema.get(key) or ())
    return [part for part in parts if isinstance(part, Mapping)]
