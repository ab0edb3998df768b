"""Refusals, in the shape of Neon."""

from typing import Any
from uuid import uuid4


class ApiError(Exception):
    """Ends a request with `status` and a body as Neon writes it."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """The JSON that Neon would answer with; a client may have chosen the request's id."""
        return {
            "request_id": request_id or str(uuid4()),
            "code": self.code,
            "message": self.message,
        }


def not_found(kind: str) -> ApiError:
    """404: there is none in this project."""
    return ApiError(404, f"{kind} not found")


def invalid(message: str, code: str = "") -> ApiError:
    """422: well formed, and still not possible."""
    return ApiError(422, message, code)
