"""What an endpoint is that is no chat: how its requests are looked at and sent, how its answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec

from openopen8.core.errors import Problem, invalid
from relay import splice
from relay.endpoints.spoken import Spoken
from relay.form import Form
from relay.formats.fields import model_name, typed
from relay.formats.format import Format, Glance, Tap
from relay.formats.openai_errors import render_error
from relay.formats.renaming import patch_response
from relay.formats.vendor import parse_error
from relay.framing import MAX_FRAME
from relay.neutral import Answer

encode = msgspec.json.Encoder().encode
anything = msgspec.json.Decoder().decode
_str = msgspec.json.Decoder(str | None).decode
_bool = msgspec.json.Decoder(bool | None).decode


class Look(Glance, frozen=True, gc=False):
    """What is seen of a request that is no conversation: no turns are counted. ``tokens`` come on top of the texts.

    ``units`` are what it asks for beside tokens; an answer that reports none is charged by them.
    """

    tokens: int = 0
    units: dict[str, int] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One kind of request.

    ``name`` is the key in a channel type's abilities and paths, ``path`` where it lives where the type says
    nothing else. ``format`` reads and edits the bodies of both sides; see :func:`passing`.
    """

    name: str
    path: str
    format: Format
    media: bool = False
    """Answers may be of any type: bytes go to the caller as they come, under their own Content-Type."""
    read: Callable[[Glance, bytes], Answer] | None = None
    """What such an answer came to, where it is not passed on as it comes. Raises Garbage."""
    ability: str = ""
    """What a channel must be able to do, if that is not ``name``."""
    free: bool = False
    """Never held for, never charged."""
    spoken: str = ""
    """Only channels that speak this format are asked, where ``at_home`` can stand in for them."""
    at_home: Callable[[int], bytes] | None = None
    """The answer that our own count of the request's tokens makes."""
    tap: Callable[[Glance], Tap] | None = None
    """Listens to a stream, where what was asked matters for it."""
    largest_event: int = MAX_FRAME
    """Bytes of one event of a stream."""
    form: Callable[[Form], Look] | None = None
    """Looks at an upload, where the body may be one. Raises Problem 400."""
    also: Mapping[str, Spoken] = field(default_factory=dict)
    """Channels of other formats that have it, by their format's name."""
    losses: Callable[[Glance], tuple[str, ...]] | None = None
    """Names of what a request asks for and the channel's form can't express."""
    task: str = ""
    """What is asked for goes on at the provider; in whose words the caller is told about it."""


def passing(
    name: str,
    glance: Callable[[bytes, str | None, bool | None], Glance],
    parse_response: Callable[[bytes], Answer],
    tap: Callable[[str, bool], Tap] | None = None,
    patch_request: Callable[[bytes, Glance, str], bytes] | None = None,
    patch_response: Callable[[bytes, str], bytes] = patch_response,
    render_error: Callable[[Problem, str], bytes] = render_error,
) -> Format:
    """The format of an endpoint whose channels speak the caller's own form, or whose two edits translate."""
    return Format(
        name=name,
        glance=glance,
        parse_request=_never,
        render_request=_never,
        parse_response=parse_response,
        render_response=_never,
        reader=_never,
        writer=_never,
        render_error=render_error,
        parse_error=parse_error,
        patch_request=patch_request or renamed,
        patch_response=patch_response,
        tap=tap,
    )


def unread(body: bytes) -> NoReturn:
    """For answers that only the task's vendor reads."""
    _never(body)


def _never(*_: Any) -> NoReturn:
    raise RuntimeError("an endpoint that is no chat is never converted through the neutral model")


def renamed(body: bytes, glance: Glance, model: str) -> bytes:
    """``body`` under the upstream's name of the model, else as it came."""
    return body if model == glance.model else splice.edited(body, glance.fields, {"model": encode(model)})


def looked(
    fields: dict[str, msgspec.Raw],
    texts: tuple[str, ...],
    tokens: int = 0,
    *,
    model: str | None = None,
    stream: bool = False,
    max_output: int | None = 0,
    n: int = 1,
    include_usage: bool = True,
    images: int = 0,
    units: dict[str, int] | None = None,
) -> Look:
    """A look; ``model`` is for bodies that name none."""
    named = typed(fields["model"], _str, "model") if "model" in fields else None
    return Look(
        model=model_name(model if named is None else named),
        stream=stream,
        max_output=max_output,
        n=n,
        include_usage=include_usage,
        input_texts=texts,
        images=images,
        messages=0,
        fields=fields,
        tokens=tokens,
        units=units or {},
    )


def looked_form(
    form: Form,
    texts: tuple[str, ...],
    *,
    max_output: int | None = 0,
    n: int = 1,
    images: int = 0,
    units: dict[str, int] | None = None,
) -> Look:
    """A look at an upload, which must name its model."""
    return Look(
        model=model_name(form.text("model")),
        stream=_truth(form.text("stream"), "stream"),
        max_output=max_output,
        n=n,
        include_usage=True,
        input_texts=texts,
        images=images,
        messages=0,
        fields={},
        units=units or {},
    )


def _truth(text: str, name: str) -> bool:
    """A field of an upload that is true or false; other words are yes to some servers and no to others."""
    found = {"true": True, "1": True, "": False, "false": False, "0": False}.get(text.strip().lower())
    if found is None:
        raise invalid(f"{name} must be true or false.", name)
    return found


def flag(fields: Mapping[str, msgspec.Raw], name: str) -> bool:
    """A field that is true or false; missing is false."""
    return bool(typed(fields[name], _bool, name)) if name in fields else False


def value(fields: Mapping[str, msgspec.Raw], name: str) -> Any:
    """A field of any type; None when it is missing."""
    return typed(fields[name], anything, name) if name in fields else None
