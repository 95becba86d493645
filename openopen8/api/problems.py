"""Errors of the management API: always ``{"error": {message, type, code, param}}``."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from openopen8.core.errors import Problem, not_found
from openopen8.core.services.forms import problem_of

_log = logging.getLogger(__name__)
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
}
GUARDS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Headers of every answer: it is somebody's own, and it is what its content type says."""


class ErrorBody(BaseModel):
    """What went wrong; ``fields`` has a sentence for each wrong field, where there is one."""

    message: str
    type: str
    code: str
    param: str | None
    fields: dict[str, str] = {}


class ErrorAnswer(BaseModel):
    """Every error of this API."""

    error: ErrorBody


def rendered(problem: Problem) -> JSONResponse:
    """The answer that tells ``problem``."""
    body: dict[str, Any] = {
        "message": problem.message,
        "type": _TYPES.get(problem.status, "api_error"),
        "code": problem.code,
        "param": problem.param,
    }
    if problem.fields:
        body["fields"] = problem.fields
    return JSONResponse({"error": body}, problem.status, {**GUARDS, **problem.headers})


def install(app: FastAPI) -> None:
    """Render every error of ``app`` in the one shape."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _wrong_fields)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return rendered(error)


def _wrong_fields(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{**each, "loc": each["loc"][1:], "place": each["loc"][0]} for each in error.errors()]
    if any(each["place"] == "path" for each in errors):
        return rendered(not_found("What this path names"))
    return rendered(problem_of(errors))


def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):
        return rendered(error.__cause__)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return rendered(Problem(404, "not_found", "There is no such path.", headers=headers))
    if error.status_code == 405:
        return rendered(Problem(405, "method_not_allowed", "This path does not take this method.", headers=headers))
    return rendered(Problem(error.status_code, "invalid_request", "The request can't be read.", headers=headers))


def _unexpected(_: Request, error: Exception) -> JSONResponse:
    _log.error("a call of the management API failed: %s", type(error).__name__)
    return rendered(Problem(500, "internal_error", "Something went wrong on the server. Its log says more."))
