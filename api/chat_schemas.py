"""Shapes of `/v1/chat/completions` and `/v1/models`: OpenAI's, with our own fields under `plumbline`.

What of OpenAI's parameters cannot be honoured is refused when it would change what the caller gets (several choices,
tools, log probabilities, sound), and accepted without effect when it only asks for a manner (temperature, seed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, field_validator
from pydantic_core import PydanticCustomError

from api.schemas import MAX_QUESTION_CHARS, AnswerBody, AnswerChoice, Body, Text

MAX_INSTRUCTION_CHARS = 2000
MAX_MESSAGES = 1000


def _plain_text(content: Any) -> Any:
    """A content is a text, or parts of which only those with text can be read."""
    if content is None:
        return ""
    if not isinstance(content, Sequence) or isinstance(content, str):
        return content
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, Mapping) else None
        text = part.get(kind) if kind in ("text", "refusal") else None
        if not isinstance(text, str):
            raise PydanticCustomError(
                "invalid_request",
                "Only parts of type text can be read here; images, sound and files cannot. Upload a file to "
                "/v1/documents to ask about it.",
            )
        texts.append(text)
    return "\n".join(texts)


class ChatMessage(BaseModel):
    """Further fields are let pass: clients send back our own messages with everything that was on them."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[Text, BeforeValidator(_plain_text), Field(max_length=MAX_QUESTION_CHARS)] = ""


class StreamOptions(Body):
    include_usage: bool = False
    include_obfuscation: Any = None


class TextFormat(Body):
    type: Literal["text"]


class JsonObjectFormat(Body):
    type: Literal["json_object"]


class NamedSchema(Body):
    name: Annotated[Text, Field(min_length=1, max_length=200)]
    description: Text | None = None
    schema_: dict[str, JsonValue] = Field({"type": "object"}, alias="schema")
    strict: bool | None = None


class JsonSchemaFormat(Body):
    type: Literal["json_schema"]
    json_schema: NamedSchema


ResponseFormat: TypeAlias = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


def _refused_unless(*harmless: Any) -> AfterValidator:
    """Only values that ask for nothing are accepted."""

    def check(value: Any) -> Any:
        if value is not None and value not in harmless:
            raise PydanticCustomError(
                "invalid_request", "This cannot be honoured here. Leave it out; docs/openai-api.md lists what can."
            )
        return value

    return AfterValidator(check)


WithoutEffect: TypeAlias = Annotated[Any, Field(description="Accepted, without effect.")]


class ChatRequest(Body):
    """A body of `/v1/chat/completions`."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)] = Field(
        description="The last user message is the question, earlier ones its history; system messages tell its form."
    )
    model: Annotated[Text, Field(min_length=1, max_length=200)] = Field(
        "plumbline", description='"plumbline" or "auto": routed; else the name of a model of GET /v1/models.'
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(None, description="Older name of max_completion_tokens.")
    response_format: ResponseFormat | None = None
    plumbline: AnswerChoice = Field(AnswerChoice.model_validate({}), description="What only we have (extra_body).")

    n: Annotated[Any, _refused_unless(1)] = None
    tools: Annotated[Any, _refused_unless([])] = None
    tool_choice: Annotated[Any, _refused_unless("none", "auto")] = None
    functions: Annotated[Any, _refused_unless([])] = None
    function_call: Annotated[Any, _refused_unless("none", "auto")] = None
    logprobs: Annotated[Any, _refused_unless(False)] = None
    top_logprobs: Annotated[Any, _refused_unless(0)] = None
    logit_bias: Annotated[Any, _refused_unless({})] = None
    modalities: Annotated[Any, _refused_unless(["text"])] = None
    audio: Annotated[Any, _refused_unless()] = None
    moderation: Annotated[Any, _refused_unless()] = None
    web_search_options: Annotated[Any, _refused_unless()] = None

    temperature: WithoutEffect = None
    top_p: WithoutEffect = None
    seed: WithoutEffect = None
    stop: WithoutEffect = None
    presence_penalty: WithoutEffect = None
    frequency_penalty: WithoutEffect = None
    reasoning_effort: WithoutEffect = None
    verbosity: WithoutEffect = None
    prediction: WithoutEffect = None
    parallel_tool_calls: WithoutEffect = None
    service_tier: WithoutEffect = None
    store: WithoutEffect = None
    metadata: WithoutEffect = None
    user: WithoutEffect = None
    safety_identifier: WithoutEffect = None
    prompt_cache_key: WithoutEffect = None
    prompt_cache_options: WithoutEffect = None
    prompt_cache_retention: WithoutEffect = None

    @field_validator("messages")
    @classmethod
    def _a_conversation(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        turns = [message for message in messages if message.role in ("user", "assistant")]
        if not turns or turns[-1].role != "user":
            raise PydanticCustomError(
                "invalid_question", "The last message must be the user's: it is the question that is answered."
            )
        if not turns[-1].content.strip():
            raise PydanticCustomError("invalid_question", "The question is empty. Write what you want to know.")
        if len(instruction_of(messages)) > MAX_INSTRUCTION_CHARS:
            raise PydanticCustomError(
                "invalid_request",
                "The system messages have more than {limit} characters. They can only tell the form of the answer; "
                "upload texts to answer from to /v1/documents.",
                {"limit": f"{MAX_INSTRUCTION_CHARS:,}"},
            )
        return messages

    def without_effect(self) -> list[str]:
        """Names of the parameters given that have no effect."""
        return [
            name
            for name, field in type(self).model_fields.items()
            if field.description == "Accepted, without effect." and getattr(self, name) is not None
        ]


def instruction_of(messages: Sequence[ChatMessage]) -> str:
    """What the system messages say, together."""
    said = (message.content.strip() for message in messages if message.role in ("system", "developer"))
    return "\n".join(text for text in said if text)


class UrlCitation(BaseModel):
    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """A citation; the indices are the span of the sentence that it belongs to."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class ReplyMessage(BaseModel):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    annotations: list[Annotation]


class ReplyChoice(BaseModel):
    index: int
    message: ReplyMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None


class PromptDetails(BaseModel):
    cached_tokens: int


class TokenUsage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


class ChatAnswerBody(AnswerBody):
    ignored: list[str] = Field(description="Parameters of the request that had no effect")


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ReplyChoice]
    usage: TokenUsage
    plumbline: ChatAnswerBody


class ModelCard(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[ModelCard]


class OpenAIError(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorBody(BaseModel):
    error: OpenAIError
