"""Files in the middle of a text, in base64: read in pieces of any size, from anywhere."""

from __future__ import annotations

import base64

import pytest

from relay.spool import Embedded, Encoded, Spool


@pytest.mark.parametrize("size", range(8))
def test_files_in_a_text_are_the_same_wherever_it_is_cut(size: int) -> None:
    content = b"\xff\0abcde"[:size]
    spool = Spool()
    spool.write(b"before" + content + b"after")
    file = Encoded(spool, 6, size)
    body = Embedded.put(b'{"url":"MARK","next":["KRAM"]}', [(b"MARK", file), (b"gone", file), (b"KRAM", file)])
    coded = base64.b64encode(content)
    wanted = b'{"url":"' + coded + b'","next":["' + coded + b'"]}'
    assert len(body) == len(wanted)
    for step in range(1, len(wanted) + 1):
        found = b""
        while len(found) < len(wanted):
            piece = body.piece(len(found), step)
            assert 0 < len(piece) <= step
            found += piece
        assert found == wanted
    spool.close()
