"""Tools as people have them are taken by every vendor (P3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import MODELS
from google.genai import types
from tool_schemas import SCHEMAS

from relay.formats import FORMATS
from relay.neutral import Message, Request, Text, Tool


def declared(name: str, schema: dict[str, Any]) -> Any:
    request = Request(MODELS[name], (Message("user", (Text("Hi"),)),), tools=(Tool("f", "", schema),))
    return json.loads(FORMATS[name].render_request(request).body)["tools"][0]


def check(schema: dict[str, Any]) -> None:
    """What Google answers with a 400 beyond what its own types say."""
    kind = schema.get("type")
    assert kind != "ARRAY" or "items" in schema, "items: missing field"
    assert kind == "ARRAY" or "items" not in schema, "items: field predicate failed: == Type.ARRAY"
    assert kind == "OBJECT" or "properties" not in schema, "properties: only allowed for OBJECT type"
    assert kind != "OBJECT" or set(schema.get("required", ())) <= set(schema.get("properties", ())), "not defined"
    assert "enum" not in schema or (kind == "STRING" and all(schema["enum"])), "only allowed for STRING type"
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    for one in (*inner, *([schema["items"]] if "items" in schema else [])):
        check(one)


@pytest.mark.parametrize("tool", list(SCHEMAS))
def test_a_tool_reaches_gemini_in_a_schema_that_google_takes(tool: str) -> None:
    (function,) = declared("gemini", SCHEMAS[tool])["functionDeclarations"]
    if "parameters" in function:
        types.Schema.model_validate(function["parameters"])
        check(function["parameters"])
    assert "parametersJsonSchema" not in function
    given = SCHEMAS[tool].get("properties", {})
    assert set(function.get("parameters", {}).get("properties", {})) == set(given)


@pytest.mark.parametrize("tool", list(SCHEMAS))
def test_a_tool_reaches_the_others_with_an_object_of_arguments(tool: str) -> None:
    assert declared("anthropic", SCHEMAS[tool])["input_schema"]["type"] == "object"
    assert declared("openai_chat", SCHEMAS[tool])["function"]["parameters"].get("type", "object") == "object"
    assert declared("openai_responses", SCHEMAS[tool])["strict"] is False


def test_the_corpus_is_large_enough() -> None:
    assert len(SCHEMAS) >= 50
