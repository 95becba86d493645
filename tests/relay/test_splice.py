"""Edits of a body's top level: what is checked is what runs, and nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from openopen8.core.errors import Problem
from relay import splice

_space = st.text(" \t\n\r", max_size=2)
_plain = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["gpt-4o", '{"a":1}'])
_sound = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_key = st.text(alphabet=_sound, max_size=3) | st.sampled_from(["a", "b", "é", "model", '"', "\\"])
_value = st.recursive(_plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_key, inner, max_size=3))


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, Any]]]:
    """An object written in any style, with its entries, doubled ones too."""
    entries = draw(st.lists(st.tuples(_key, _value), max_size=5))
    loose, escape = draw(st.booleans()), draw(st.booleans())
    texts = []
    for key, value in entries:
        spaces = [draw(_space) if loose else "" for _ in range(4)]
        name, worth = json.dumps(key, ensure_ascii=escape), _dumps(value, escape, loose)
        texts.append(f"{spaces[0]}{name}{spaces[1]}:{spaces[2]}{worth}{spaces[3]}")
    around = [draw(_space) if loose else "" for _ in range(3)]
    return f"{around[0]}{{{','.join(texts) or around[1]}}}{around[2]}".encode(), entries


def _dumps(value: Any, escape: bool, loose: bool) -> str:
    return json.dumps(value, ensure_ascii=escape, separators=None if loose else (",", ":"))


def _doubled(entries: list[tuple[str, Any]]) -> set[str]:
    keys = [key for key, _ in entries]
    return {key for key in keys if keys.count(key) > 1}


@settings(max_examples=150, deadline=None)
@given(bodies())
@example((b'{"a":12,"a":1}', [("a", 12), ("a", 1)]))
@example((b'{"a":1,"a":1}', [("a", 1), ("a", 1)]))
@example((b'{"a":1,"b":2,"a":1}', [("a", 1), ("b", 2), ("a", 1)]))
@example((b'{"a":1,"\\u0061":1}', [("a", 1), ("a", 1)]))
def test_a_doubled_key_is_always_found_and_never_imagined(body: tuple[bytes, list[tuple[str, Any]]]) -> None:
    text, entries = body
    doubled = _doubled(entries)
    if not doubled:
        fields = splice.top_level(text)
        assert {key: json.loads(bytes(raw)) for key, raw in fields.items()} == dict(entries)
        return
    with pytest.raises(Problem) as caught:
        splice.top_level(text)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    assert caught.value.param in doubled


def test_a_doubled_key_that_makes_up_for_the_spaces_of_a_loose_body_is_found() -> None:
    # As long as the same body with a space after each comma and colon: lengths alone don't tell.
    entries = ",".join(f'"k{at}":1' for at in range(8))
    body = f'{{"model":"gpt-4x",{entries},"model":"gpt-4o"}}'.encode()
    with pytest.raises(Problem) as caught:
        splice.top_level(body)
    assert caught.value.param == "model"


@settings(max_examples=150, deadline=None)
@given(bodies(), _value, st.data())
def test_replacing_a_value_keeps_every_other_byte(
    body: tuple[bytes, list[tuple[str, Any]]], value: Any, data: st.DataObject
) -> None:
    text, entries = body
    assume(entries and not _doubled(entries))
    key = data.draw(st.sampled_from([key for key, _ in entries]))
    fields = splice.top_level(text)
    start, end = splice.positions(text, fields)[key]
    assert text[start:end] == bytes(fields[key])
    new = json.dumps(value).encode()
    out = splice.edited(text, fields, {key: new})
    assert out == text[:start] + new + text[end:]
    assert json.loads(out) == {**dict(entries), key: value}
    assert list(json.loads(out)) == [name for name, _ in entries]


@settings(max_examples=300, deadline=None)
@given(bodies(), _value)
def test_inserting_a_field_keeps_every_other_byte(body: tuple[bytes, list[tuple[str, Any]]], value: Any) -> None:
    text, entries = body
    assume(not _doubled(entries) and "new one" not in dict(entries))
    out = splice.edited(text, splice.top_level(text), {"new one": json.dumps(value).encode()})
    assert json.loads(out) == {"new one": value, **dict(entries)}
    at = text.index(b"{") + 1
    assert out.startswith(text[:at]) and out.endswith(text[at:])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b'{"a":1}}',
        b'{"a":1,}',
        b'{"a":NaN}',
        b"{'a':1}",
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"\\ud800":1}',
        b'{"a":"\\ud800"}',
        b'{"a\\u0000b":1}',
        b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_what_is_no_sound_json_object_is_the_callers_mistake(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        splice.top_level(body)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")


@pytest.mark.parametrize("filler", [b"9" * 5000, b'"\\\\"', b"1e999", b"[" * 400 + b"]" * 400])
def test_a_doubled_key_beside_odd_values_is_found(filler: bytes) -> None:
    with pytest.raises(Problem):
        splice.top_level(b'{"a":' + filler + b', "b":1, "b":1}')


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40) | st.text('{}[]",:\\ a1é\0tu', max_size=30).map(str.encode))
def test_any_bytes_give_fields_or_a_problem(body: bytes) -> None:
    try:
        fields = splice.top_level(body)
    except Problem as problem:
        assert problem.status == 400
    else:
        assert len(fields) == len(json.loads(body))


@settings(max_examples=150, deadline=None)
@given(bodies(), st.dictionaries(st.sampled_from(["a", "b", "model", "é", "new"]), _value, max_size=4))
def test_several_changes_at_once_are_the_object_with_those_values(
    body: tuple[bytes, list[tuple[str, Any]]], changes: dict[str, Any]
) -> None:
    text, entries = body
    assume(not _doubled(entries))
    encoded = {key: json.dumps(value).encode() for key, value in changes.items()}
    out = splice.edited(text, splice.top_level(text), encoded)
    assert json.loads(out) == {**dict(entries), **changes}
    assert len(splice.top_level(out)) == len({**dict(entries), **changes})


def test_a_present_key_is_replaced_and_a_missing_one_comes_first() -> None:
    body = b'{ "a" : 1 }'
    fields = splice.top_level(body)
    assert splice.edited(body, fields, {"a": b"2"}) == b'{ "a" : 2 }'
    assert splice.edited(body, fields, {"b": b"2"}) == b'{"b":2, "a" : 1 }'
    assert splice.edited(body, fields, {"b": b"2", "a": b"3"}) == b'{"b":2, "a" : 3 }'
    assert splice.edited(b"{}", {}, {"b": b"2"}) == b'{"b":2}'
