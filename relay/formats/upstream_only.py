"""Formats that channels speak and no caller does: the caller's half of them is never asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from relay.formats.format import Format, Reader, Rendered
from relay.neutral import Answer, Request


def upstream_only(
    name: str,
    render_request: Callable[[Request], Rendered],
    parse_response: Callable[[bytes], Answer],
    reader: Callable[[], Reader],
    parse_error: Callable[[int, bytes], str],
) -> Format:
    """The format out of the half that channels need."""

    def never(*_: object) -> NoReturn:
        raise RuntimeError(f"No caller speaks {name}.")

    return Format(
        name=name,
        glance=never,
        parse_request=never,
        render_request=render_request,
        parse_response=parse_response,
        render_response=never,
        reader=reader,
        writer=never,
        render_error=never,
        parse_error=parse_error,
    )
