"""State of one vendor on its way through callers of another format: back byte for byte."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.formats import carrier, ids, media
from relay.neutral import Opaque, Source, Thinking

MAKERS = ("openai", "anthropic", "gemini")
states = st.builds(
    Opaque, st.sampled_from(MAKERS), st.text(min_size=1).filter(lambda text: not text.startswith("oo8."))
)


@given(states, st.sampled_from(MAKERS))
def test_state_comes_back_to_its_maker_as_it_was(state: Opaque, own: str) -> None:
    assert carrier.opened(carrier.sealed(state, own), own) == state
    if state.maker == own:
        assert carrier.sealed(state, own) == state.data


@given(st.builds(Opaque, st.sampled_from(("openai", "anthropic")), st.text(min_size=1)))
def test_state_in_a_field_of_base64_survives_a_client_that_changes_the_alphabet(state: Opaque) -> None:
    sealed = carrier.sealed64(state, "gemini")
    base64.b64decode(sealed, validate=True)
    changed = sealed.replace("+", "-").replace("/", "_").rstrip("=")
    assert carrier.opened64(sealed, "gemini") == carrier.opened64(changed, "gemini") == state


@pytest.mark.parametrize("own", ["CsYBAdHtim9zhdlm", "not base64!", "é", ""])
def test_a_formats_own_state_is_not_touched(own: str) -> None:
    assert carrier.opened64(own, "gemini") == Opaque("gemini", own)
    assert carrier.sealed64(Opaque("gemini", own), "gemini") == own


def test_whole_thoughts_ride_on_another_part() -> None:
    thoughts = (Thinking("hm", Opaque("anthropic", "sig")), Thinking(signature=Opaque("anthropic", "x"), redacted=True))
    text = carrier.sealed64(carrier.packed(thoughts), "gemini")
    assert carrier.unpacked(carrier.opened64(text, "gemini")) == thoughts


@pytest.mark.parametrize("state", [Opaque("gemini", "x"), Opaque("thoughts", "%"), Opaque("thoughts", "e30="),
                                   Opaque("thoughts", "é")])  # fmt: skip
def test_what_holds_no_thoughts_gives_none(state: Opaque) -> None:
    assert carrier.unpacked(state) == ()


def test_made_ids_differ_between_calls_and_answers_and_fit_every_vendor() -> None:
    made = {ids.made(request, call, choice) for request in ("a" * 32, "b-c") for call in (0, 1) for choice in (0, 1)}
    assert len(made) == 8 and all(len(id) <= ids.LONGEST and re.fullmatch(r"[a-zA-Z0-9_-]+", id) for id in made)
    assert ids.placed(3, 1) == "call_3_1"


def test_an_id_that_a_vendor_refuses_becomes_another_that_is_always_the_same() -> None:
    assert ids.fitted("toolu_01-x") == "toolu_01-x"
    odd = ids.fitted("functions.get:0")
    assert odd == ids.fitted("functions.get:0") != ids.fitted("functions.get:1")
    assert re.fullmatch(r"[A-Za-z0-9_-]+", odd)
    short = re.compile(r"[a-zA-Z0-9]{9}")
    assert short.fullmatch(ids.fitted("call_abc", short, 9))


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://e.com/a.png", Source("url", "https://e.com/a.png")),
        ("data:image/png;base64,QUJD", Source("base64", "QUJD", "image/png")),
        ("data:audio/wav;codecs=1;base64,QUJD", Source("base64", "QUJD", "audio/wav")),
        ("DATA:,a%20b", Source("text", "a b", "text/plain")),
        ("data:", Source("text", "", "text/plain")),
    ],
)
def test_a_data_url_is_its_bytes(url: str, source: Source) -> None:
    assert media.source_of(url) == source


def test_types_and_short_names_stand_for_each_other() -> None:
    assert media.url_of(Source("base64", "QUJD", "image/png")) == "data:image/png;base64,QUJD"
    assert media.url_of(Source("file", "id")) == ""
    kinds = ("audio/mpeg", "audio/x-wav", "audio/L16;rate=24000", "audio/new")
    assert [media.audio_format(kind) for kind in kinds] == ["mp3", "wav", "pcm16", "new"]
    assert media.guessed_type("https://e.com/x/a.PDF?y=1.png") == "application/pdf"
    assert media.guessed_type("a.unknown", "text/plain") == "text/plain"
