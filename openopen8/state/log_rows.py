"""Log entries as the Logs page shows them: texts for people, no secrets, little to compute in the browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from openopen8.core.rules.pricing import plain
from openopen8.core.services.logs import EntryView, Summary
from openopen8.state.worth import dollars


@dataclass(frozen=True)
class LogRow:
    """One line of the list; ``time`` in ms."""

    id: int = 0
    time: int = 0
    kind: str = ""
    user: str = ""
    token: str = ""
    token_id: int = 0
    model: str = ""
    tokens_in: str = ""
    tokens_out: str = ""
    credits: str = ""
    worth: str = ""
    latency: str = ""
    first: str = ""
    status: str = ""
    tone: str = ""
    """ok, refused, failed, left or note."""
    code: str = ""
    why: str = ""
    suppressed: int = 0
    fresh: bool = False
    """Came while the reader was looking."""


@dataclass(frozen=True)
class ReceiptLine:
    """count × ratio = credits, before the group's ratio."""

    bucket: str
    count: str
    ratio: str
    credits: str


@dataclass(frozen=True)
class LogDetail:
    """One opened entry."""

    row: LogRow = LogRow()
    request_id: str = ""
    endpoint: str = ""
    stream: bool = False
    upstream_model: str = ""
    channel: str = ""
    retries: int = 0
    address: str = ""
    cached: str = ""
    reasoning: str = ""
    group_ratio: str = ""
    exact: str = ""
    """The sum before rounding up."""
    lines: list[ReceiptLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    waited: str = ""
    streamed: str = ""
    waited_percent: int = 0


@dataclass(frozen=True)
class LogSums:
    """The four figures of a filter."""

    requests: str = ""
    tokens_in: str = ""
    tokens_out: str = ""
    credits: str = ""
    worth: str = ""
    rpm: str = ""


def sums_of(summary: Summary, rate: int) -> LogSums:
    """The figures as texts; ``rate`` = credits of one USD."""
    return LogSums(
        f"{summary.requests:,}",
        f"{summary.input_tokens:,}",
        f"{summary.output_tokens:,}",
        f"{summary.credits:,}",
        dollars(summary.credits, rate),
        f"{summary.rpm:,}",
    )


def row_of(entry: EntryView, rate: int, newest: int | None = None) -> LogRow:
    """One line; entries after ``newest`` are fresh."""
    code, message = split_error(entry.error)
    counted = bool(entry.input_tokens or entry.output_tokens)
    return LogRow(
        id=entry.id,
        time=entry.time,
        kind=entry.kind,
        user=entry.user or "",
        token=entry.token_name or "",
        token_id=entry.token_id or 0,
        model=entry.model,
        tokens_in=f"{entry.input_tokens:,}" if counted else "",
        tokens_out=f"{entry.output_tokens:,}" if counted else "",
        credits=amount_of(entry),
        worth=dollars(abs(entry.credits), rate) if entry.credits else "",
        latency=duration(entry.latency_ms),
        first=duration(entry.first_token_ms),
        status=str(entry.status or ""),
        tone=tone_of(entry.kind, entry.status),
        code=code,
        why=message,
        suppressed=entry.suppressed,
        fresh=newest is not None and entry.id > newest,
    )


def detail_of(entry: EntryView, rate: int) -> LogDetail:
    """Everything about one entry; channel and retries are empty for who may not see them."""
    receipt = entry.receipt or {}
    lines = receipt_lines(receipt)
    latency, first = entry.latency_ms or 0, entry.first_token_ms
    return LogDetail(
        row=row_of(entry, rate),
        request_id=entry.request_id,
        endpoint=entry.endpoint,
        stream=entry.stream,
        upstream_model=entry.upstream_model,
        channel=entry.channel or "",
        retries=entry.retries or 0,
        address=entry.ip,
        cached=f"{entry.cached_tokens:,}" if entry.cached_tokens else "",
        reasoning=f"{entry.reasoning_tokens:,}" if entry.reasoning_tokens else "",
        group_ratio=str(receipt.get("group_ratio", "")),
        exact=_exact(receipt),
        lines=lines,
        notes=[str(note) for note in receipt.get("notes", [])],
        waited=duration(first if first is not None else entry.latency_ms),
        streamed=duration(latency - first) if first is not None else "",
        waited_percent=round(100 * first / latency) if first is not None and latency else 100,
    )


def duration(ms: int | None) -> str:
    """Milliseconds as people say them: ``310 ms``, ``1.24 s``, ``2 min 3 s``; empty when unknown."""
    if ms is None:
        return ""
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 10_000:
        return f"{ms / 1000:.2f} s"
    if ms < 100_000:
        return f"{ms / 1000:.1f} s"
    return f"{ms // 60_000} min {ms % 60_000 // 1000} s"


def amount_of(entry: EntryView) -> str:
    """Credits as people read them: charged plainly, corrected with −, given with +; empty where nothing moved."""
    if entry.kind == "credit":
        return f"{-entry.credits:+,}".replace("-", "−")
    if entry.kind == "correction":
        return f"−{-entry.credits:,}"
    charged = entry.kind == "request" and (entry.status or 0) < 400
    return f"{entry.credits:,}" if charged or entry.credits else ""


def tone_of(kind: str, status: int | None) -> str:
    """ok, refused (4xx), failed (5xx), left (499), or note for what is no request."""
    if kind != "request" or status is None:
        return "note"
    if status == 499:
        return "left"
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 else "ok"


def split_error(error: str) -> tuple[str, str]:
    """``code: message`` in its two parts; a text without a code has an empty one."""
    code, colon, message = error.partition(": ")
    is_code = bool(colon) and code.isascii() and code.replace("_", "").isalnum() and code.islower()
    return (code, message) if is_code else ("", error)


def receipt_lines(receipt: dict[str, Any]) -> list[ReceiptLine]:
    """The lines of a stored receipt, each multiplied out."""
    return [_line(x["bucket"], int(x["count"]), Decimal(x["ratio"])) for x in receipt.get("lines", [])]


def _line(bucket: str, count: int, ratio: Decimal) -> ReceiptLine:
    return ReceiptLine(bucket, f"{count:,}", plain(ratio), _grouped(count * ratio))


def _exact(receipt: dict[str, Any]) -> str:
    if not receipt:
        return ""
    total = sum((int(x["count"]) * Decimal(x["ratio"]) for x in receipt.get("lines", [])), Decimal(0))
    return _grouped(total * Decimal(receipt.get("group_ratio", "1")))


def _grouped(value: Decimal) -> str:
    whole, _, rest = plain(value).partition(".")
    return f"{int(whole):,}.{rest}" if rest else f"{int(whole):,}"
