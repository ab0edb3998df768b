"""Refusals, in the words and shapes of GitHub."""

from collections.abc import Sequence
from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """Ends a request with `status` and a GitHub-shaped body."""

    def __init__(
        self, status: int, message: str, errors: Sequence[dict[str, Any] | str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """The JSON that GitHub would answer with."""
        found = {} if self.errors is None else {"errors": list(self.errors)}
        return {
            "message": self.message,
            **found,
            "documentation_url": DOCUMENTATION,
            "status": str(self.status),
        }


def not_found() -> ApiError:
    """404: absent, or hidden from this token."""
    return ApiError(404, "Not Found")


def conflict(message: str) -> ApiError:
    """409: the request was made on an outdated or impossible assumption."""
    return ApiError(409, message)


def malformed(reason: str) -> ApiError:
    """422: a field is missing or of the wrong type."""
    return ApiError(422, f"Invalid request.\n\n{reason}")


def invalid(resource: str, field: str, code: str, message: str | None = None) -> ApiError:
    """422: the fields are well formed and still cannot be accepted."""
    detail = {"resource": resource, "field": field, "code": code}
    return ApiError(
        422,
        "Validation Failed",
        [detail if message is None else {**detail, "message": message}],
    )


def unprocessable(message: str) -> ApiError:
    """422 with a sentence of its own."""
    return ApiError(422, message)
