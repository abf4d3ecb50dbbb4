"""What a provider's refusal means to us: which error, whether to try again, and after how long."""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping

from generation.language_models.model import ModelBusy, ModelError, ModelRejectedRequest, ModelTimeout

LONGEST_EXPLANATION = 300
_KEY_STATUSES = {401, 403}
_TIMEOUT_STATUSES = {408, 504}
_BUSY_STATUSES = {429, 503, 529}
# Where the provider's account is out of money, no pause helps.
_OUT_OF_MONEY = ("insufficient_quota", "billing", "credit balance")


def error_of_status(name: str, status: int, headers: Mapping[str, str], explanation: str) -> ModelError:
    """The error for an HTTP status of 400 or more from the model `name`. `explanation` is the provider's own words."""
    said = f": {shortened(explanation)}" if explanation else ""
    answered = f"The model {name} answered {status}{said}"
    if any(word in explanation.lower() for word in _OUT_OF_MONEY) and status in _BUSY_STATUSES | {402}:
        return ModelBusy(f"{answered}. Its account has no credit left.", retryable=False)
    if status in _BUSY_STATUSES:
        return ModelBusy(f"{answered}. It has too much to do.", retry_after=retry_after(headers))
    if status in _TIMEOUT_STATUSES:
        return ModelTimeout(f"{answered}. It took too long.", retry_after=retry_after(headers))
    if status in _KEY_STATUSES:
        return ModelRejectedRequest(f"{answered}. Check its key (key_variable) and what that key may do.")
    if status == 404:
        return ModelRejectedRequest(f"{answered}. Check its endpoint and model name.")
    if status >= 500 or status in {409, 425}:
        return ModelError(f"{answered}. It failed.", retry_after=retry_after(headers))
    return ModelRejectedRequest(f"{answered}. It will not do this request.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait (RFC 9110, 10.2.3: a number or a date); `retry-after-ms` is a habit of OpenAI."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())


def shortened(text: str) -> str:
    """One line of at most LONGEST_EXPLANATION characters, without its full stop."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= LONGEST_EXPLANATION else line[: LONGEST_EXPLANATION - 1] + "…"


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
