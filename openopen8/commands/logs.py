"""`openopen8 logs`"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

from openopen8.commands import token
from openopen8.commands.answer import Answer, listed, plain
from openopen8.commands.verb import opened, show
from openopen8.core.clock import to_rfc3339
from openopen8.core.errors import Problem, invalid
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.services import logs
from openopen8.core.services.log_choices import deleted_tokens
from openopen8.core.services.log_filter import KINDS, LogFilter
from openopen8.core.services.log_view import EntryView
from openopen8.core.tools import Tools

LOOK_EVERY_SECONDS = 0.5

_COLUMNS = {
    "time": "time",
    "kind": "kind",
    "user": "user",
    "token": "token_name",
    "model": "model",
    "in": "input_tokens",
    "out": "output_tokens",
    "credits": "credits",
    "status": "status",
    "ms": "latency_ms",
    "channel": "channel",
    "request": "request_id",
    "error": "error",
}


def add_to(nouns: Any) -> None:
    found = nouns.add_parser("logs", help="show the log, oldest first")
    found.add_argument("--token", metavar="NAME-OR-ID", help="only this token's entries")
    found.add_argument("--kind", choices=KINDS)
    found.add_argument("--limit", type=int, default=50, metavar="N", help="the last N entries (50)")
    found.add_argument("--follow", action="store_true", help="go on with new entries as they come")
    found.add_argument("--json", action="store_true", help="as JSON, newest first; with --follow one entry a line")
    found.set_defaults(run=_logs)


def _logs(given: argparse.Namespace) -> int:
    with opened() as tools:
        wanted = LogFilter(token_id=_token_id(tools, given.token), kind=given.kind or "")
        last = logs.find(tools, COMMAND_LINE, wanted, page_size=given.limit).items
        if given.follow:
            return _follow(tools, wanted, last, given.json)
    if given.json:
        show(Answer(last, ""), True)
    else:
        show(listed(reversed(last), _COLUMNS), False)
    return 0


def _follow(tools: Tools, wanted: LogFilter, last: tuple[EntryView, ...], as_json: bool) -> int:
    seen = last[0].id if last else 0
    _print(list(reversed(last)), as_json)
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        fresh = list(_newer(tools, wanted, seen))
        if fresh:
            seen = fresh[0].id
            _print(fresh[::-1], as_json)


def _newer(tools: Tools, wanted: LogFilter, seen: int) -> Iterator[EntryView]:
    """Entries above id ``seen``, newest first."""
    after: int | None = None
    while True:
        page = logs.find(tools, COMMAND_LINE, wanted, page_size=200, after=after).items
        for entry in page:
            if entry.id <= seen:
                return
            yield entry
        if not page:
            return
        after = page[-1].id


def _print(entries: list[EntryView], as_json: bool) -> None:
    for entry in entries:
        print(json.dumps(plain(entry), ensure_ascii=False) if as_json else _line(entry), flush=True)


def _line(entry: EntryView) -> str:
    words = [to_rfc3339(entry.time)[:19].replace("T", " "), entry.kind, entry.user, entry.token_name, entry.model]
    words += [f"{entry.input_tokens}+{entry.output_tokens} tokens", f"{entry.credits:,} credits"]
    words += [str(entry.status or ""), entry.request_id, entry.error]
    return "  ".join(" ".join(word.split()) for word in words if word)


def _token_id(tools: Tools, word: str | None) -> int | None:
    """A number is taken as an id as it stands, since the log of a deleted token stays; so does its name."""
    if word is None:
        return None
    if word.isascii() and word.isdigit() and len(word) < 16:
        return int(word)
    try:
        return token.named(tools, word).id
    except Problem as problem:
        gone = deleted_tokens(tools, COMMAND_LINE, word) if problem.status == 404 else ()
        if not gone:
            raise
    if len(gone) > 1:
        told = ", ".join(str(one.id) for one in gone)
        raise invalid(f"Several deleted tokens were named {word!r}; use the id: {told}.")
    return gone[0].id
