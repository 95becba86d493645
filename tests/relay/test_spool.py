"""A file in the middle of a text, in base64: read in pieces of any size, from anywhere."""

from __future__ import annotations

import base64

import pytest

from relay.spool import Embedded, Spool


@pytest.mark.parametrize("size", range(8))
def test_a_file_in_a_text_is_the_same_wherever_it_is_cut(size: int) -> None:
    content = b"\xff\0abcde"[:size]
    spool = Spool()
    spool.write(b"before" + content + b"after")
    body = Embedded.put(b'{"url":"MARK"}', b"MARK", spool, 6, size)
    wanted = b'{"url":"' + base64.b64encode(content) + b'"}'
    assert len(body) == len(wanted)
    for step in range(1, len(wanted) + 1):
        found = b""
        while len(found) < len(wanted):
            piece = body.piece(len(found), step)
            assert 0 < len(piece) <= step
            found += piece
        assert found == wanted
    spool.close()
