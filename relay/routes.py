"""Which path means what: format, operation, and what the path itself says about model and streaming."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, cast
from urllib.parse import unquote

from openopen8.core.errors import Problem
from relay.endpoints import (
    CLAUDE_COUNT,
    COMPACT,
    COMPLETIONS,
    EMBEDDINGS,
    GEMINI_COUNT,
    GEMINI_EMBED,
    GEMINI_EMBED_BATCH,
    IMAGE_EDITS,
    IMAGE_VARIATIONS,
    IMAGES,
    MODERATIONS,
    RERANK,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
    Endpoint,
)
from relay.endpoints.gemini_batches import GEMINI_BATCHES
from relay.endpoints.message_batches import MESSAGE_BATCHES
from relay.endpoints.paper import BATCHES
from relay.formats import FORMATS
from relay.formats.format import Format
from relay.tasks import paths

OPENAI, RESPONSES, CLAUDE, GEMINI = (
    FORMATS[name] for name in ("openai_chat", "openai_responses", "anthropic", "gemini")
)

Operation = Literal[
    "chat", "call", "models", "model", "subscription", "usage", "token_usage", "alive", "ready",
    "response", "conversation", "realtime",
    "task", "tasks", "task_content", "task_removal", "task_cancel", "task_again",
]  # fmt: skip

RELAY_PATHS: tuple[str, ...] = (
    "/v1",
    "/v1beta",
    "/chat/completions",
    "/completions",
    "/responses",
    "/conversations",
    "/messages",
    "/models",
    "/embeddings",
    "/rerank",
    "/images",
    "/audio",
    "/moderations",
    "/videos",
    "/video",
    "/files",
    "/batches",
    "/realtime",
    "/dashboard/billing",
    "/api/usage/token",
    *paths.ROOTS,
    "/healthz",
    "/readyz",
)
"""Reserved: these paths and what lies below them belong to the relay; no page may use one."""


SOCKETS = ("/v1/realtime", "/realtime")
"""Paths of WebSockets."""


Place = tuple[int, int]
"""A channel and one of its keys."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a path means. ``path`` is its canonical form, without names in it, as the log shows it."""

    path: str
    operation: Operation
    method: str
    format: Format
    model: str | None = None
    stream: bool | None = None
    endpoint: Endpoint | None = None
    """What is asked for where it is no chat."""
    id: str = ""
    """Of an answer that is kept."""
    subject: str = ""
    """The id in the path: of the task that it is about."""
    pinned: Place = (0, 0)
    """Channel and key that the request can go to alone; 0 = any."""

    @property
    def ability(self) -> str:
        """What a channel must be able to do."""
        return "chat" if self.endpoint is None else self.endpoint.ability or self.endpoint.name

    @property
    def free(self) -> bool:
        """True for what is never charged."""
        return self.endpoint is not None and self.endpoint.free

    @property
    def uploads(self) -> bool:
        """True where the body may be a form with files."""
        return self.endpoint is not None and self.endpoint.form is not None

    @property
    def recalls(self) -> bool:
        """True for what may go on from an earlier answer."""
        return self.format is RESPONSES or self.endpoint is COMPACT

    @property
    def takes_beta(self) -> bool:
        """True where the caller's ``anthropic-beta`` means something."""
        return self.format is CLAUDE or self.endpoint is MESSAGE_BATCHES

    @property
    def served(self) -> bool:
        """True for what goes through ``serve``: admitted, held, charged, logged."""
        return self.operation in ("chat", "call")


def _call(path: str, endpoint: Endpoint) -> Route:
    return Route(path, "call", "POST", endpoint.format, endpoint=endpoint)


_FIXED: tuple[Route, ...] = (
    Route("/v1/chat/completions", "chat", "POST", OPENAI),
    Route("/v1/responses", "chat", "POST", RESPONSES),
    Route("/v1/messages", "chat", "POST", CLAUDE),
    _call("/v1/embeddings", EMBEDDINGS),
    _call("/v1/moderations", MODERATIONS),
    *(_call(path, endpoint) for path, endpoint in paths.MADE),
    _call("/v1/completions", COMPLETIONS),
    _call("/v1/rerank", RERANK),
    _call("/v1/images/generations", IMAGES),
    _call("/v1/images/edits", IMAGE_EDITS),
    _call("/v1/images/variations", IMAGE_VARIATIONS),
    _call("/v1/audio/speech", SPEECH),
    _call("/v1/audio/transcriptions", TRANSCRIPTIONS),
    _call("/v1/audio/translations", TRANSLATIONS),
    _call("/v1/responses/compact", COMPACT),
    _call("/v1/messages/count_tokens", CLAUDE_COUNT),
    Route("/v1/realtime", "realtime", "GET", OPENAI),
    Route("/v1/models", "models", "GET", OPENAI),
    Route("/v1beta/models", "models", "GET", GEMINI),
    Route("/v1/dashboard/billing/subscription", "subscription", "GET", OPENAI),
    Route("/v1/dashboard/billing/usage", "usage", "GET", OPENAI),
    Route("/api/usage/token", "token_usage", "GET", OPENAI),
    Route("/healthz", "alive", "GET", OPENAI),
    Route("/readyz", "ready", "GET", OPENAI),
)

_BY_PATH: dict[str, Route] = {route.path: route for route in _FIXED} | {
    route.path.removeprefix("/v1"): route for route in _FIXED if route.path.startswith("/v1/")
}

_VERBS: dict[str, bool] = {"generateContent": False, "streamGenerateContent": True}
_CALLS = {
    "countTokens": GEMINI_COUNT, "embedContent": GEMINI_EMBED, "batchEmbedContents": GEMINI_EMBED_BATCH,
    "batchGenerateContent": GEMINI_BATCHES,
}  # fmt: skip


def reserved(path: str) -> bool:
    """True when ``path`` belongs to the relay."""
    return any(path == root or path.startswith(root + "/") for root in RELAY_PATHS)


def find(method: str, path: str, query: bytes = b"") -> Route:
    """The route of a request; raises a Problem for an unknown path (404) or method (405)."""
    route = _BY_PATH.get(path)
    if route is None or route.method != method:
        route = _task_route(method, path, query) or route or _model_route(path) or _kept_route(method, path)
    if route is None:
        raise Problem(404, "not_found", "There is no such endpoint. Check the base URL and the path.")
    if method != route.method and not (method == "HEAD" and route.method == "GET"):
        raise Problem(
            405,
            "method_not_allowed",
            f"This endpoint takes {route.method} requests.",
            headers={"allow": f"{route.method}, OPTIONS"},
        )
    return route


_HOT: dict[bytes, Route] = {path.encode(): route for path, route in _BY_PATH.items() if route.served}
_HOT_ROOTS = (b"/v1beta/models/", b"/v1/models/", b"/models/")


def hot(url: bytes) -> tuple[Route, bytes] | None:
    """Route and query of a served request's address as it stands in the request line; None for all others."""
    route = _HOT.get(url)
    if route is not None:
        return route, b""
    path, _, query = url.partition(b"?")
    if not path.isascii() or b"#" in query:
        return None
    route = _HOT.get(path)
    if route is None and path.startswith(_HOT_ROOTS):
        route = _model_route(unquote(path.decode()))
    return (route, query) if route is not None and route.served else None


def _model_route(path: str) -> Route | None:
    """``/v1/models/{model}`` and Gemini's calls; names of models may hold slashes."""
    for root, format in (("/v1beta/models/", GEMINI), ("/v1/models/", OPENAI), ("/models/", OPENAI)):
        if path.startswith(root):
            return _named(path[len(root) :], root, format)
    return None


def _kept_route(method: str, path: str) -> Route | None:
    return _response_route(method, path) or _conversation_route(method, path)


_RESPONSE = re.compile(r"(?:/v1)?/responses/([A-Za-z0-9_-]{1,200})(/input_items|/cancel)?")


def _response_route(method: str, path: str) -> Route | None:
    """An answer that was kept: read, deleted, cancelled, or what it was asked."""
    found = _RESPONSE.fullmatch(path)
    if found is None:
        return None
    id, part = found[1], found[2] or ""
    method = "POST" if part == "/cancel" else "DELETE" if method == "DELETE" and not part else "GET"
    return Route(f"/v1/responses/{{id}}{part}", "response", method, RESPONSES, id=id)


_CONVERSATION = re.compile(r"(?:/v1)?/conversations(?:/([A-Za-z0-9_-]{1,200}(/items(/[A-Za-z0-9_-]{1,200})?)?))?")
_OF_CONVERSATIONS = (("POST",), ("GET", "POST", "DELETE"), ("GET", "POST"), ("GET", "DELETE"))


def _conversation_route(method: str, path: str) -> Route | None:
    """A conversation that a vendor keeps: made, read, changed, deleted, and its items."""
    found = _CONVERSATION.fullmatch(path)
    if found is None:
        return None
    depth = sum(group is not None for group in found.groups())
    canonical = ("", "/{id}", "/{id}/items", "/{id}/items/{item}")[depth]
    allowed = _OF_CONVERSATIONS[depth]
    method = method if method in allowed else allowed[0]
    return Route(f"/v1/conversations{canonical}", "conversation", method, RESPONSES, id=found[1] or "")


def _named(name: str, root: str, format: Format) -> Route | None:
    model, colon, verb = name.rpartition(":")
    if colon and verb in _VERBS and model:
        return Route(f"/v1beta/models/{{model}}:{verb}", "chat", "POST", GEMINI, model, _VERBS[verb])
    if colon and verb in _CALLS and model:
        return replace(_call(f"/v1beta/models/{{model}}:{verb}", _CALLS[verb]), model=model)
    canonical = ("/v1" + root if root == "/models/" else root) + "{model}"
    return Route(canonical, "model", "GET", format, name) if name else None


def _task_route(method: str, path: str, query: bytes) -> Route | None:
    """What is asked about tasks."""
    place = paths.found(method, path, query)
    if place is None:
        return None
    shown, operation, endpoint, id = place
    return Route(shown, cast(Operation, operation), method, endpoint.format, endpoint=endpoint, subject=id)


def in_format(route: Route, headers: dict[bytes, bytes]) -> Route:
    """Lists are answered in the format that the caller's headers show: newer Google SDKs ask at ``/v1/models``."""
    if route.endpoint is BATCHES:
        return _of_batches(route, headers)
    if route.format is not OPENAI:
        return route
    if b"anthropic-version" in headers:
        return replace(route, format=CLAUDE)
    return replace(route, format=GEMINI) if b"x-goog-api-key" in headers else route


def _of_batches(route: Route, headers: dict[bytes, bytes]) -> Route:
    """Google's callers mean their own batches where OpenAI's stand at the same path."""
    if b"x-goog-api-key" not in headers or route.operation not in ("task", "tasks"):
        return route
    path = route.path.replace("/v1/", "/v1beta/")
    return replace(route, path=path, format=GEMINI_BATCHES.format, endpoint=GEMINI_BATCHES)


def error_format(path: str, headers: dict[bytes, bytes]) -> Format:
    """The format of errors where no route was found."""
    if path.startswith("/v1beta") or b"x-goog-api-key" in headers:
        return GEMINI
    if "/messages" in path or b"anthropic-version" in headers:
        return CLAUDE
    return OPENAI
