"""How long an uploaded sound is, whoever made it."""

from __future__ import annotations

import struct

import pytest

from relay.endpoints.sound_length import BYTES_A_SECOND, LOOKS, LOSSY, seconds_of, whole_seconds
from relay.form import Part
from tests.relay.endpoints.uploads import wav

FRAME = b"\xff\xfb\x90\x00" + bytes(413)
"""417 bytes of MP3: 26 ms at 128 kbit/s."""


class Sound:
    """Counts how often it is looked at."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.looks = 0

    def __len__(self) -> int:
        return len(self._content)

    def piece(self, at: int, size: int) -> bytes:
        self.looks += 1
        return self._content[at : at + size]


def seconds(content: bytes) -> int:
    return seconds_of(Sound(content), Part("file", True, size=len(content)))


def test_honest_files_are_as_long_as_they_say() -> None:
    assert (seconds(wav(2.5)), seconds(wav(600)), seconds(FRAME * 10_000)) == (3, 600, 262)


def test_a_file_that_says_it_is_short_is_charged_by_its_size() -> None:
    said = FRAME[:36] + b"Xing" + struct.pack(">III", 3, 10, 4_170)
    lies = said + FRAME[len(said) :] + FRAME * 10_000
    assert seconds(lies) == whole_seconds(len(lies) / LOSSY) > 60


@pytest.mark.parametrize("content", [
    b"ID3\x03\0\0\0\0\0\0" + b"\xff" * 3_000_000,
    b"fLaC" + b"\x01\0\0\0" * 1_000_000,
    b"\0\0\0\x10ftypM4A \0\0\0\0" + b"\0\0\0\x08free" * 500_000,
])  # fmt: skip
def test_a_file_made_to_be_looked_at_for_ever_is_given_up(content: bytes) -> None:
    sound = Sound(content)
    assert seconds_of(sound, Part("file", True, size=len(content))) == whole_seconds(len(content) / BYTES_A_SECOND)
    assert sound.looks <= LOOKS
