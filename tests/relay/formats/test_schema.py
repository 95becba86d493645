"""Schemas cut down to a vendor's dialect: what fits still fits, and every cut is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.formats.schema import for_gemini, for_strict


@pytest.mark.parametrize(
    ("schema", "reduced", "changes"),
    [
        ({"type": "string", "format": "uri", "$schema": "x"}, {"type": "STRING"}, ("format",)),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}, ()),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}, ()),
        ({"const": "a"}, {"type": "STRING", "enum": ["a"]}, ()),
        ({"type": "integer", "enum": [1, 2]}, {"type": "INTEGER"}, ("enum",)),
        ({"enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}, ()),
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 9}, {"type": "INTEGER", "maximum": 9},
         ("exclusiveMinimum",)),
        ({"type": "object", "properties": {"a": {"type": "array"}}, "required": ["a", "b"],
          "additionalProperties": False},
         {"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "items": {}}}, "required": ["a"]},
         ("additionalProperties",)),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}, ()),
        ({"oneOf": [{"type": "string"}, {"type": "number"}]}, {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
         ("oneOf",)),
        ({"allOf": [{"properties": {"a": {"type": "string"}}}, {"required": ["a"]}], "type": "object"},
         {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]}, ()),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "boolean"}}},
         {"type": "OBJECT", "properties": {"a": {"type": "BOOLEAN"}}}, ()),
        ({"$ref": "https://e.com/x"}, {"type": "OBJECT"}, ("$ref",)),
        ({"type": "object"}, {"type": "OBJECT"}, ()),
        ({"type": ["array", "string"], "items": {"type": "string"}, "enum": ["a"]},
         {"anyOf": [{"type": "ARRAY", "items": {"type": "STRING"}}, {"type": "STRING", "enum": ["a"]}]}, ()),
        ({"items": {"type": "number"}}, {"type": "ARRAY", "items": {"type": "NUMBER"}}, ()),
    ],
)  # fmt: skip
def test_a_schema_in_geminis_dialect(schema: dict[str, Any], reduced: dict[str, Any], changes: tuple[str, ...]) -> None:
    found = for_gemini(schema)
    assert (found.schema, found.changes) == (reduced, changes)


def test_references_in_a_circle_end_and_that_is_said() -> None:
    tree = {"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}}}
    found = for_gemini(tree)
    assert found.schema["properties"]["next"] == {"type": "OBJECT"} and found.changes == ("properties.next.$ref",)


def test_references_that_multiply_are_cut_and_that_is_said() -> None:
    defs = {f"d{n}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "abcdef"}}
            for n in range(20)}  # fmt: skip
    found = for_gemini({"$ref": "#/$defs/d0", "$defs": {**defs, "d20": {"type": "string"}}})
    assert any(change.endswith("depth") for change in found.changes) and len(str(found.schema)) < 2_000_000


def test_strict_mode_closes_objects_and_makes_optional_fields_nullable() -> None:
    found = for_strict({
        "type": "object", "title": "T", "patternProperties": {}, "required": ["a"],
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {"enum": ["x"]},
                       "d": {"type": "array", "items": {"type": "object", "properties": {}}}},
    })  # fmt: skip
    assert found.changes == ("patternProperties",)
    assert found.schema == {
        "type": "object", "title": "T", "required": ["a", "b", "c", "d"], "additionalProperties": False,
        "properties": {
            "a": {"type": "string"}, "b": {"type": ["integer", "null"]},
            "c": {"anyOf": [{"enum": ["x"]}, {"type": "null"}]},
            "d": {"type": ["array", "null"], "items": {"type": "object", "properties": {}, "required": [],
                                                       "additionalProperties": False}},
        },
    }  # fmt: skip


def test_what_is_strict_already_stays_as_it_is() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "required": ["a"],
              "additionalProperties": False, "$defs": {"x": {"type": "string"}}}  # fmt: skip
    assert for_strict(schema).schema == schema and for_strict(schema).changes == ()


_names = st.sampled_from(["type", "properties", "items", "anyOf", "allOf", "oneOf", "enum", "const", "$ref", "required",
                          "$defs", "format", "additionalProperties", "a"])  # fmt: skip
_any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["object", "string", "null", "#/$defs/a", "#/properties/a", "#"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_names, _any, max_size=5))
def test_whatever_a_schema_holds_nothing_raises_and_nothing_is_changed(schema: dict[str, Any]) -> None:
    before = repr(schema)
    for_gemini(schema)
    for_strict(schema)
    assert repr(schema) == before


@pytest.mark.parametrize("reduce", [for_gemini, for_strict])
def test_deep_schemas_end(reduce: Any) -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    assert any(change.endswith("depth") for change in reduce(deep).changes)
