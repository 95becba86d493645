"""The head of an answer, looked into only as far as somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LARGEST_HEAD = 64 * 1024
"""Bytes of a head with all interim ones before it."""


class Head(Mapping[str, str]):
    """Headers by their lower-case names; a name that came twice has its values joined by commas.

    llhttp has accepted ``raw`` in its strict mode: each line ends in CRLF, no value holds a control character.
    """

    __slots__ = ("_lower", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._lower = raw.lower()

    def get(self, name: str, default: Any = None) -> Any:
        line = b"\r\n" + name.encode("latin-1") + b":"
        start = self._lower.find(line)
        if start < 0:
            return default
        values = []
        while start >= 0:
            start += len(line)
            end = self._raw.find(b"\r\n", start)
            values.append(self._raw[start : end if end >= 0 else None].strip(b" \t").decode("latin-1"))
            start = self._lower.find(line, start)
        return values[0] if len(values) == 1 else ", ".join(values)

    def __getitem__(self, name: str) -> str:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return str(found)

    def __iter__(self) -> Iterator[str]:
        names = (line.partition(b":")[0].decode("latin-1") for line in self._lower.split(b"\r\n")[1:])
        return iter(dict.fromkeys(names))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def last_head(raw: bytes, interim: int) -> bytes:
    """The head in ``raw`` that follows so many interim ones (RFC 9110, 15.2), without its empty line."""
    start, end = 0, -4
    for _ in range(interim + 1):
        start = end + 4
        while raw.startswith((b"\r", b"\n"), start):  # llhttp skips empty lines in front of an answer
            start += 1
        end = raw.find(b"\r\n\r\n", start)
    return raw[start:end]
