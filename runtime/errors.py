"""The one error base of the platform.

Every error that a user can meet derives from `PlumblineError`: it carries a stable `code` for programs, a sentence for
people, and whether trying again can help. Packages define their own subclasses next to the code that raises them;
`api/error_responses.py` alone turns them into HTTP, `cli` alone into exit codes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


class PlumblineError(Exception):
    """Base of all errors shown to users.

    `code` is stable and machine-readable (snake_case). The message says what is wrong and what to do about it.
    `retryable` is true when the same call can succeed later without a change by the caller.
    """

    code = "internal_error"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable


class InvalidInput(PlumblineError):
    """The caller sent something that cannot be used; the message says what would be accepted."""

    code = "invalid_input"


class NotFound(PlumblineError):
    """The named thing does not exist for this caller (another tenant's things do not exist either)."""

    code = "not_found"


class Unavailable(PlumblineError):
    """A part that this call needs does not answer at present."""

    code = "unavailable"
    retryable = True


class ConfigurationError(PlumblineError):
    """The settings cannot work as they are; the message names the setting and a value that would do."""

    code = "configuration_error"


@dataclasses.dataclass(frozen=True, slots=True)
class ToldError:
    """An error as it is kept. `codes`: its own, then those of its kinds from near to far; one of them has a status."""

    code: str
    message: str
    retryable: bool
    codes: tuple[str, ...]

    @classmethod
    def of(cls, error: PlumblineError) -> ToldError:
        kinds = [error.code, *(getattr(kind, "code", None) for kind in type(error).__mro__)]
        return cls(error.code, error.message, error.retryable, tuple(dict.fromkeys(code for code in kinds if code)))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ToldError:
        return cls(**{**data, "codes": tuple(data["codes"])})

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)
