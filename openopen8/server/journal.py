"""Plain log lines, one an event, on standard error; whatever looks like a secret or a query string is struck out."""

from __future__ import annotations

import logging
import os
import re
import time

LEVELS = ("debug", "info", "warning", "error", "critical")

_STRUCK: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(sk-|oo8-|xai-|pplx-|gsk_|hf_)[A-Za-z0-9_-]{6,}"), r"\1…"),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{10,}"), "AIza…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 …"),
    (
        re.compile(
            r"(?i)\b(authorization|cookie|set-cookie|x-api-key|x-goog-api-key|api-key|oo8_session|password|secret_key)"
            r"(['\"]?\s*[:=,]\s*b?)(['\"])[^'\"]*\3"
        ),
        r"\1\2\3…\3",
    ),
    (re.compile(r"(?i)\b(oo8_session|password|secret_key)=[^\s;&'\"]+"), r"\1=…"),
    (re.compile(r"://[^/\s@'\"]+@"), "://…@"),
    (re.compile(r"(?<=[\w/*.\-])\?[^\s'\"<>]*=[^\s'\"<>]*"), "?…"),
)


def struck(text: str) -> str:
    """``text`` without keys, tokens, passwords and query strings."""
    for pattern, instead in _STRUCK:
        text = pattern.sub(instead, text)
    return text


def reason(error: BaseException) -> str:
    """An exception in one line, without what looks like a secret."""
    lines = str(error).strip().splitlines() or [""]
    return struck(f"{type(error).__name__}: {lines[0]}").rstrip(": ")


class Line(logging.Formatter):
    """``2026-01-02T03:04:05.678Z INFO relay-1 openopen8.server: text``, a traceback indented below it."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = f"{moment}.{int(record.msecs):03d}Z {record.levelname} {self._part}[{os.getpid()}] {record.name}: "
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        # one event begins one line: a line break in a value can't forge another
        return head + struck(text).replace("\r", "\\r").replace("\n", "\n    ")


def begin(part: str, level: str) -> None:
    """Send all loggers of this process through one :class:`Line` handler."""
    handler = logging.StreamHandler()
    handler.setFormatter(Line(part))
    chosen = level.lower() if level.lower() in LEVELS else "info"
    logging.basicConfig(level=chosen.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").addFilter(_not_a_refused_socket)
    for noisy in ("uvicorn.error", "httpx", "httpcore", "websockets", "alembic.runtime.migration"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))


def _not_a_refused_socket(record: logging.LogRecord) -> bool:
    """uvicorn takes a websocket that is refused with a status of our own for an application's error."""
    return record.msg != "ASGI callable returned without completing handshake."
