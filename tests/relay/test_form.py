"""A form is read in pieces of any size, and sent on with one field changed."""

from __future__ import annotations

import pytest

from relay.form import FormReader, boundary_of
from relay.spool import Edited, Spool, Window
from tests.relay.endpoints.uploads import BOUNDARY, field, file, form

TRICKY = b"\r\n--" + BOUNDARY[:-1].encode() + b"x\r\n-" + b"\r" * 5 + b"\r\n--"
BODY = form(field("prompt", "é"), file("file", TRICKY), field("model", "m"), file("empty", b""))


def spooled(*pieces: bytes) -> Spool:
    spool = Spool()
    for piece in pieces:
        spool.write(piece)
    return spool


def test_a_form_cut_anywhere_is_the_same_form() -> None:
    reader = FormReader(BOUNDARY.encode())
    reader.feed(BODY)
    whole = reader.close(spooled(BODY)).parts
    assert [(part.name, part.is_file, part.value) for part in whole] == [
        ("prompt", False, "é".encode()), ("file", True, b""), ("model", False, b"m"), ("empty", True, b"")
    ]  # fmt: skip
    assert [BODY[part.start : part.start + part.size] for part in whole] == ["é".encode(), TRICKY, b"m", b""]
    for size in range(1, len(BODY)):
        reader = FormReader(BOUNDARY.encode())
        for at in range(0, len(BODY), size):
            reader.feed(BODY[at : at + size])
        assert reader.close(spooled(BODY)).parts == whole


@pytest.mark.parametrize("given", ["x", '"x"', "x; charset=utf-8", ' "x" '])
def test_the_boundary_is_found(given: str) -> None:
    assert boundary_of(f"multipart/form-data; boundary={given}") == b"x"


def test_an_edited_spool_reads_as_one_body() -> None:
    edited = Edited(spooled(b"abc", b"OLDdef"), 3, 6, b"instead")
    for size in range(1, 20):
        out = b""
        while len(out) < len(edited):
            out += edited.piece(len(out), size)
        assert out == b"abcinsteaddef"
    assert Window(edited, 1, 5, 9).read() == b"bcins"
