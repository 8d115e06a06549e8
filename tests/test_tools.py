"""The reader of a flattened OpenAPI document, which makes the index of endpoints."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

DOCUMENT = """
components: schemas:
  Tricky: description: 'it''s a thing: type: not a key' properties:
      items: items: $ref: '#/components/schemas/Leaf' title: the items type: array
      leaf: $ref: '#/components/schemas/Leaf'
      title: description: |- two lines with a key: no, and a "type": neither * `a`: b.
        title: the title of it type: string x-coze-example: 73428668*****
      type: enum: - a - b-c title: a property called type type: string x-coze-enum-names: - A - B
    required: - leaf - type type: object x-coze-order: - leaf - type
  Leaf: properties: ok: title: yes or no type: boolean x-coze-example: "false" type: object
  securitySchemes: token: description: how to prove it scheme: bearer type: http
info: title: A test version: "6" openapi: 3.0.3
paths:
  /v1/things/{thing_id}: get: description: '{"0":{"insert":"text: in: JSON"}}'
    operationId: GetThing parameters:
      - description: the thing - and more in: path name: thing_id required: true
        schema: type: string
      - in: query name: page schema: type: integer x-coze-example: 1
    responses: "200": content: application/json: schema: properties:
        data: $ref: '#/components/schemas/Tricky' type: object
      description: "" summary: show a thing x-coze-doc-id: 17
  /v1/things: post: requestBody: content: multipart/form-data: schema: properties:
        file: format: binary type: string required: - file type: object
    responses: "200": content: {} description: "" summary: upload
security: - token: [] servers: - url: https://api.example.com
"""


@pytest.fixture(scope="module")
def reader() -> Any:
    spec = importlib.util.spec_from_file_location("flat_yaml", ROOT / "tools" / "flat_yaml.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def whole(reader: Any) -> Any:
    return reader.read(" ".join(DOCUMENT.split()))


def test_words_of_a_text_are_no_keys(whole: Any) -> None:
    tricky = whole["components"]["schemas"]["Tricky"]
    assert tricky["description"] == "it's a thing: type: not a key"
    title = tricky["properties"]["title"]
    assert title["description"].endswith('and a "type": neither * `a`: b.')
    assert title["title"] == "the title of it"
    assert title["x-coze-example"] == "73428668*****"


def test_properties_may_be_called_like_keys(whole: Any) -> None:
    tricky = whole["components"]["schemas"]["Tricky"]
    assert list(tricky["properties"]) == ["items", "leaf", "title", "type"]
    assert tricky["properties"]["items"]["type"] == "array"
    assert tricky["properties"]["type"]["enum"] == ["a", "b-c"]
    assert tricky["type"] == "object"
    assert tricky["required"] == ["leaf", "type"]


def test_a_schema_ends_where_the_next_begins(whole: Any) -> None:
    assert list(whole["components"]["schemas"]) == ["Tricky", "Leaf"]
    assert whole["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert whole["info"] == {"title": "A test", "version": "6"}
    assert whole["openapi"] == "3.0.3"


def test_operations(whole: Any) -> None:
    shown = whole["paths"]["/v1/things/{thing_id}"]["get"]
    assert [p["name"] for p in shown["parameters"]] == ["thing_id", "page"]
    assert shown["parameters"][0]["required"] == "true"
    assert shown["summary"] == "show a thing"
    upload = whole["paths"]["/v1/things"]["post"]["requestBody"]["content"]
    assert upload["multipart/form-data"]["schema"]["required"] == ["file"]


def test_what_is_no_such_document_is_refused_with_the_place(reader: Any) -> None:
    with pytest.raises(reader.NotRead, match=r"at 0: 'openapi: 3\.0\.3 "):
        reader.read("openapi: 3.0.3 info: x")
