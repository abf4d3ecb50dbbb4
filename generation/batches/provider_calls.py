"""Calls of a provider's SDK outside a completion: their failures as model errors, without the key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from generation.language_models.model import ModelError, ModelTimeout
from generation.language_models.provider_errors import error_of_status, shortened

CALL_SECONDS = 120.0


@contextlib.contextmanager
def told_as_model_error(sdk: Any, name: str, key: str) -> Iterator[None]:
    """`sdk` is the module `openai` or `anthropic`, `name` what the model is called here. Raises ModelError."""
    try:
        yield
    except sdk.APIStatusError as error:
        words = shortened(str(error.message)).replace(key, "******")
        raise error_of_status(name, error.status_code, error.response.headers, words) from None
    except sdk.APITimeoutError:
        raise ModelTimeout(f"The batch endpoint of {name} did not answer within {CALL_SECONDS:g} s.") from None
    except sdk.APIConnectionError as error:
        reason = shortened(str(error.__cause__ or error)).replace(key, "******")
        raise ModelError(f"The batch endpoint of {name} cannot be reached: {reason}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"The batch endpoint of {name} sent something that is not of its protocol.") from error
