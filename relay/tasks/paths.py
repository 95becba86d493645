"""Where tasks are made and asked after: OpenAI's paths, the common ones, and each vendor's own behind its name."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from relay.endpoints.endpoint import Endpoint
from relay.endpoints.files import FILES
from relay.endpoints.gemini_batches import GEMINI_BATCHES
from relay.endpoints.generations import GENERATIONS
from relay.endpoints.message_batches import MESSAGE_BATCHES
from relay.endpoints.native import native
from relay.endpoints.paper import BATCHES
from relay.endpoints.videos import VIDEOS
from relay.tasks import jimeng, kling, vidu

ROOTS = ("/kling", "/jimeng", "/doubao", "/vidu")
"""Reserved for the vendors' own paths."""

_DOUBAO = "/doubao/api/v3/contents/generations/tasks"
_DOUBAO_TASK = native("doubao")
_JIMENG = native("jimeng")
_KLING = {action: native("kling", action) for action in kling.ACTIONS}
_VIDU = {action: native("vidu", action) for action in vidu.ACTIONS}

MADE: tuple[tuple[str, Endpoint], ...] = (
    ("/v1/videos", VIDEOS),
    ("/v1/video/generations", GENERATIONS),
    ("/v1/files", FILES),
    ("/v1/messages/batches", MESSAGE_BATCHES),
    (_DOUBAO, _DOUBAO_TASK),
    *((f"/kling/v1/videos/{action}", endpoint) for action, endpoint in _KLING.items()),
    *((f"/vidu/ent/v2/{action}", endpoint) for action, endpoint in _VIDU.items()),
)
"""Paths that make a task when something is posted to them."""


class Place(NamedTuple):
    """What is asked for at a path."""

    path: str
    operation: str
    endpoint: Endpoint
    id: str = ""


_ID = r"([A-Za-z0-9_.:-]{1,200})"
_BATCHES, _THIS = "/v1beta/batches/{id}", r"/v1beta/batches/([A-Za-z0-9_-]{1,200})"
_THIS_TOO = _THIS.replace("v1beta", "v1(?:beta)?")
"""Newer Google SDKs ask there: no other vendor does, or `routes.in_format` tells them apart."""
_MESSAGES, _OF = "/v1/messages/batches/{id}", rf"(?:/v1)?/messages/batches/{_ID}"
_ABOUT: tuple[tuple[str, re.Pattern[str], str, str, Endpoint], ...] = (
    ("GET", re.compile(r"(?:/v1)?/videos/?"), "/v1/videos", "tasks", VIDEOS),
    ("GET", re.compile(rf"(?:/v1)?/videos/{_ID}"), "/v1/videos/{id}", "task", VIDEOS),
    ("DELETE", re.compile(rf"(?:/v1)?/videos/{_ID}"), "/v1/videos/{id}", "task_removal", VIDEOS),
    ("GET", re.compile(rf"(?:/v1)?/videos/{_ID}/content"), "/v1/videos/{id}/content", "task_content", VIDEOS),
    ("POST", re.compile(rf"(?:/v1)?/videos/{_ID}/remix"), "/v1/videos/{id}/remix", "task_again", VIDEOS),
    ("GET", re.compile(rf"(?:/v1)?/video/generations/{_ID}"), "/v1/video/generations/{id}", "task", GENERATIONS),
    ("GET", re.compile(r"(?:/v1)?/files/?"), "/v1/files", "tasks", FILES),
    ("GET", re.compile(rf"(?:/v1)?/files/{_ID}"), "/v1/files/{id}", "task", FILES),
    ("DELETE", re.compile(rf"(?:/v1)?/files/{_ID}"), "/v1/files/{id}", "task_removal", FILES),
    ("GET", re.compile(rf"(?:/v1)?/files/{_ID}/content"), "/v1/files/{id}/content", "task_content", FILES),
    ("POST", re.compile(r"(?:/v1)?/batches"), "/v1/batches", "task_again", BATCHES),
    ("GET", re.compile(r"(?:/v1)?/batches/?"), "/v1/batches", "tasks", BATCHES),
    ("GET", re.compile(rf"(?:/v1)?/batches/{_ID}"), "/v1/batches/{id}", "task", BATCHES),
    ("POST", re.compile(rf"(?:/v1)?/batches/{_ID}/cancel"), "/v1/batches/{id}/cancel", "task_cancel", BATCHES),
    ("GET", re.compile(r"(?:/v1)?/messages/batches"), "/v1/messages/batches", "tasks", MESSAGE_BATCHES),
    ("GET", re.compile(_OF), _MESSAGES, "task", MESSAGE_BATCHES),
    ("DELETE", re.compile(_OF), _MESSAGES, "task_removal", MESSAGE_BATCHES),
    ("POST", re.compile(_OF + "/cancel"), _MESSAGES + "/cancel", "task_cancel", MESSAGE_BATCHES),
    ("GET", re.compile(_OF + "/results"), _MESSAGES + "/results", "task_content", MESSAGE_BATCHES),
    ("GET", re.compile(r"/v1beta/batches"), "/v1beta/batches", "tasks", GEMINI_BATCHES),
    ("GET", re.compile(_THIS), _BATCHES, "task", GEMINI_BATCHES),
    ("DELETE", re.compile(_THIS_TOO), _BATCHES, "task_removal", GEMINI_BATCHES),
    ("POST", re.compile(_THIS_TOO + ":cancel"), _BATCHES + ":cancel", "task_cancel", GEMINI_BATCHES),
    ("GET", re.compile(rf"{_DOUBAO}/{_ID}"), _DOUBAO + "/{id}", "task", _DOUBAO_TASK),
    ("DELETE", re.compile(rf"{_DOUBAO}/{_ID}"), _DOUBAO + "/{id}", "task_removal", _DOUBAO_TASK),
    *(
        ("GET", re.compile(rf"/kling/v1/videos/{action}/{_ID}"), f"/kling/v1/videos/{action}/{{id}}", "task", endpoint)
        for action, endpoint in _KLING.items()
    ),
    (
        "GET", re.compile(rf"/vidu/ent/v2/tasks/{_ID}/creations"), "/vidu/ent/v2/tasks/{id}/creations", "task",
        _VIDU["text2video"],
    ),
)  # fmt: skip


def found(method: str, path: str, query: bytes) -> Place | None:
    """The place; None where there is none for this method."""
    if path in ("/jimeng", "/jimeng/"):
        return _jimeng(method, dict(parse_qsl(query.decode("latin-1"))).get("Action", ""))
    for verb, pattern, shown, operation, endpoint in _ABOUT:
        match = pattern.fullmatch(path) if method == verb or (method == "HEAD" and verb == "GET") else None
        if match is not None:
            return Place(shown, operation, endpoint, match[1] if pattern.groups else "")
    return None


def _jimeng(method: str, action: str) -> Place | None:
    """One path for everything; the query says what is meant."""
    if method == "POST" and action == jimeng.SUBMIT:
        return Place("/jimeng", "call", _JIMENG)
    return Place("/jimeng", "task", _JIMENG) if method == "POST" and action == jimeng.RESULT else None
