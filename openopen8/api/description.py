"""The API's description: OpenAPI, and a page of our own that shows it without fetching anything from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, Response

OPENAPI_PATH = "/api/openapi.json"
ABOUT = (
    "Does all that the dashboard does. Authenticate with a personal access token, `Authorization: Bearer oo8-…`, "
    "or with the dashboard's session cookie. Times are RFC 3339 in UTC, credits whole numbers, ratios decimal texts. "
    "Errors are `{error: {message, type, code, param}}`; unknown fields are errors."
)
PUBLIC = frozenset({"/api/status", "/api/session", "/api/session/end", "/api/setup"})
TOKEN_PATH = "/api/usage/token"
"""The one path here that takes an ``sk-`` token; the relay answers it, so it is described by hand."""
_USAGE = {
    "name": ("string", "The token's hint."),
    "total_granted": ("integer", "Its quota in credits; without one what it used and what its user has left."),
    "total_used": ("integer", "Credits that it used in its quota period."),
    "total_available": ("integer", "The difference of the two, at least 0."),
    "unlimited_quota": ("boolean", "True when it has no quota."),
    "model_limits": ("object", "Each allowed model with true; empty when all are allowed."),
    "model_limits_enabled": ("boolean", "True when only some models are allowed."),
    "expires_at": ("integer", "Seconds since 1970; 0 = never."),
}
_PAGES = {"": "index.html", "/docs.js": "docs.js", "/docs.css": "docs.css"}
_FOLDER = Path(__file__).parent / "docs"
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def install(app: FastAPI) -> None:
    """Serve the page and describe the authentication."""
    for path, file in _PAGES.items():
        app.add_api_route(f"/api/docs{path}", _page(file), methods=["GET"], include_in_schema=False)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]


def _page(file: str) -> Any:
    def page() -> Response:
        return FileResponse(_FOLDER / file, headers=_HEADERS)

    return page


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schema.setdefault("components", {})["securitySchemes"] = {
            "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "oo8-…"},
            "session": {"type": "apiKey", "in": "cookie", "name": "oo8_session"},
            "token": {"type": "http", "scheme": "bearer", "bearerFormat": "sk-…"},
        }
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                operation["security"] = [] if path in PUBLIC else [{"accessToken": []}, {"session": []}]
        schema["paths"][TOKEN_PATH] = {"get": _token_usage()}
        app.openapi_schema = schema
    return app.openapi_schema


def _token_usage() -> dict[str, Any]:
    members = {name: {"type": kind, "description": meaning} for name, (kind, meaning) in _USAGE.items()}
    data = {"type": "object", "properties": {"object": {"const": "token_usage"}, **members}}
    body = {"code": {"const": True}, "message": {"type": "string"}, "data": data}
    whole = {"type": "object", "properties": body}
    refused = {"description": "What is wrong", "content": _json({"$ref": "#/components/schemas/ErrorAnswer"})}
    return {
        "tags": ["usage"],
        "summary": "What a token may use and has used; takes the sk- token itself",
        "operationId": "token_usage",
        "security": [{"token": []}],
        "responses": {"200": {"description": "The token's quota", "content": _json(whole)}, "4XX": refused},
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
