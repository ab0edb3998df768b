"""Refusals, in the words and shapes of Google.

One body serves both families of its APIs: Cloud Storage puts a reason into a list of errors, the
others have a status.
"""

from typing import Any

_STATUSES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
}


class GoogleError(Exception):
    """Ends a request with `code` and a body in Google's shape."""

    def __init__(self, code: int, message: str, reason: str, status: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.status = status or _STATUSES[code]

    def body(self) -> dict[str, Any]:
        """The JSON that Google would answer with."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "status": self.status,
                "errors": [detail],
            }
        }


def invalid(message: str) -> GoogleError:
    """400: the request can never work."""
    return GoogleError(400, message, "invalid")


def failed_precondition(message: str) -> GoogleError:
    """400: it cannot work as things are."""
    return GoogleError(400, message, "failedPrecondition", "FAILED_PRECONDITION")


def forbidden(message: str, reason: str = "forbidden") -> GoogleError:
    """403: refused, whoever asks."""
    return GoogleError(403, message, reason)


def not_found(message: str) -> GoogleError:
    """404: there is no such thing."""
    return GoogleError(404, message, "notFound")


def exists(message: str) -> GoogleError:
    """409: the name is taken."""
    return GoogleError(409, message, "conflict")


def conflict(message: str) -> GoogleError:
    """409: something else changed it meanwhile."""
    return GoogleError(409, message, "aborted", "ABORTED")


def condition_not_met(message: str) -> GoogleError:
    """412: the request named another state than the present one, or one that forbids it."""
    return GoogleError(412, message, "conditionNotMet")
