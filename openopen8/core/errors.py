"""The one error that people and programs see: raised where the fact is known, rendered once at the edge."""

from __future__ import annotations

from collections.abc import Mapping


class Problem(Exception):
    """A request that can't be served, with what to do about it.

    ``status`` is the HTTP status, ``code`` the stable word for programs, ``param`` the caller's own
    field path, ``headers`` go out with the answer, ``fields`` has a sentence for each wrong field of a
    form (at least for ``param``). ``message`` never holds keys, addresses of
    upstreams or stack text.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = dict(headers or {})
        self.fields = dict(fields or ({param: message} if param else {}))

    def again(self) -> Problem:
        """The same once more, to be raised: a kept one would tie the frames that it passes to whoever keeps it."""
        return Problem(self.status, self.code, self.message, self.param, self.headers, self.fields)

    def __repr__(self) -> str:
        return f"Problem({self.status}, {self.code!r}, {self.message!r}, param={self.param!r})"


def invalid(message: str, param: str | None = None) -> Problem:
    """400: the request itself is wrong, at ``param``."""
    return Problem(400, "invalid_request", message, param)


def not_found(what: str) -> Problem:
    """404 for a thing that does not exist or is not the caller's: both look the same."""
    return Problem(404, "not_found", f"{what} was not found.")
