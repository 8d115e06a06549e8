"""Make the index of Coze's endpoints, and the emulator's answers, from the OpenAPI document.

    python tools/openapi_index.py DOCUMENT

DOCUMENT is Coze's OpenAPI as one line of flattened YAML. `endpoints.toml`, beside this file,
says what the document does not. Written are `bridge/api/endpoints.json` and
`bridge/emulator/answers.json`; both are committed, so nobody needs the document to run anything.
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flat_yaml import read

HERE = Path(__file__).parent
INDEX = HERE.parent / "bridge" / "api" / "endpoints.json"
ANSWERS = HERE.parent / "bridge" / "emulator" / "answers.json"

Node = Mapping[str, Any]

_NUMBERS = {"integer": int, "number": float}


def main(document: Path) -> None:
    """Read the document and write both files."""
    whole = read(document.read_text(encoding="utf-8"))
    notes = tomllib.loads((HERE / "endpoints.toml").read_text(encoding="utf-8"))
    operations = dict(_operations(whole["paths"], notes["ignored"]["paths"]))
    schemas = whole["components"]["schemas"]
    _write(INDEX, _index(operations, notes))
    answers = {
        name: {
            "needs": _needs(operation),
            "gives": _gives(name, notes),
            "example": _answer(operation, schemas, notes["data"].get(name)),
        }
        for name, operation in sorted(operations.items())
    }
    _write(ANSWERS, answers)


def _operations(paths: Node, ignored: list[str]) -> Iterator[tuple[str, Node]]:
    for path, methods in paths.items():
        if path not in ignored:
            for method, operation in methods.items():
                yield f"{method.upper()} {path}", operation


def _write(path: Path, value: Node) -> None:
    """One line for each endpoint, so that a change of one is a change of one line."""
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}"
        for name, entry in value.items()
    )
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


# The index


def _index(operations: Mapping[str, Node], notes: Node) -> dict[str, Node]:
    entries = {name: _entry(operation) for name, operation in operations.items()}
    for name, more in notes["parameters"].items():
        for kind, names in more.items():
            entries[name][kind] = [*entries[name][kind], *names]
    entries |= notes["more"]
    for name in notes["binary"]["endpoints"]:
        entries[name]["binary"] = True
    return {
        name: {"about": notes["english"][name], **entries[name]}
        for name in sorted(entries, key=lambda name: name.split()[::-1])
    }


def _entry(operation: Node) -> dict[str, Any]:
    """Names of the parameters; `*` marks the required ones, `@` a file."""
    parameters = operation.get("parameters", [])
    query = [_marked(p["name"], _is_true(p)) for p in parameters if p["in"] == "query"]
    fixed = {
        p["name"]: p["schema"]["enum"][0]
        for p in parameters
        if p["in"] == "header" and p["schema"].get("enum")
    }
    contents = operation.get("requestBody", {}).get("content", {})
    body = _names(contents.get("application/json", {}).get("schema", {}))
    form = _names(contents.get("multipart/form-data", {}).get("schema", {}))
    found = {"query": query, "body": body, "form": form, "headers": fixed}
    return {kind: names for kind, names in found.items() if names}


def _names(schema: Node) -> list[str]:
    required = schema.get("required", [])
    return [
        _marked(name, name in required) + ("@" if inner.get("format") == "binary" else "")
        for name, inner in schema.get("properties", {}).items()
    ]


def _marked(name: str, is_required: bool) -> str:
    return f"{name}*" if is_required else name


def _is_true(parameter: Node) -> bool:
    return parameter.get("required") == "true"


# The answers


def _needs(operation: Node) -> dict[str, list[str]]:
    """Names that a call cannot leave out, by where they stand."""
    entry = _entry(operation)
    needed = {
        kind: [name.rstrip("*@") for name in entry.get(kind, []) if "*" in name]
        for kind in ("query", "body", "form")
    }
    return {kind: names for kind, names in needed.items() if names}


def _gives(name: str, notes: Node) -> str:
    if name in notes["binary"]["endpoints"]:
        return "sound"
    return "stream" if name in notes["stream"]["endpoints"] else "json"


def _answer(operation: Node, schemas: Node, data: Node | None) -> Node:
    """Make an answer of example values. data: the schema of `data`, where the document's is wrong.

    What a list endpoint has is one page, so that a reader of pages comes to an end.
    """
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    example = _example(schema, schemas, ())
    example.pop("detail", None)  # comes with every answer, and has the log id
    if data is not None:
        example["data"] = _example(data, schemas, ())
    if "code" in example:  # some examples are of a failure
        example |= {"code": 0, "msg": ""}
    return _last_page(example)


def _example(schema: Node, schemas: Node, within: tuple[str, ...]) -> Any:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {} if name in within else _example(schemas[name], schemas, (*within, name))
    if schema.get("properties"):
        inner = schema["properties"].items()
        return {name: _example(part, schemas, within) for name, part in inner}
    if "items" in schema:
        return [_example(schema["items"], schemas, within)]
    return _scalar(schema)


def _scalar(schema: Node) -> Any:
    kind = schema.get("type", "object")
    told = schema.get("x-coze-example") or (schema.get("enum") or [""])[0]
    text = _meant(told)
    if kind == "object":
        return {}
    if kind == "array":
        return []
    if kind == "boolean":
        return text == "true"
    if kind in _NUMBERS:
        return _NUMBERS[kind](float(text)) if _is_number(text) else _NUMBERS[kind](0)
    return text


def _meant(example: str) -> str:
    """Take an example's words; ids end in asterisks there, and some say only `see below`."""
    text = example.strip().strip('"')
    if text in ("\\", "-") or "参见" in text:
        return ""
    if text.startswith(("http://", "https://")):
        return "https://example.com/example"
    return text.replace('\\"', '"').replace("*", "0")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _last_page(value: Any) -> Any:
    if isinstance(value, list):
        return [_last_page(item) for item in value]
    if not isinstance(value, dict):
        return value
    ends = {"has_more": False, "next_page_token": ""}
    size = next((len(inner) for inner in value.values() if isinstance(inner, list)), None)
    if size is not None and "total" in value:
        ends["total"] = size
    return {name: ends.get(name, _last_page(inner)) for name, inner in value.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
