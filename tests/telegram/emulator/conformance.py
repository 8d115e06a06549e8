"""Requests checked against the models of aiogram, the whole Bot API as types.

A second opinion that knows nothing of our adapter: a parameter, a field or a type the real
API does not have is a violation. Its models accept unknown names, so those are looked for by
walking what was left over.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from types import NoneType, UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

AVAILABLE = find_spec("aiogram") is not None  # if not, nothing is checked; a test may insist


@cache
def _models() -> dict[str, type[BaseModel]]:
    from aiogram import methods  # a second of import time, which a benchmark need not pay

    known: dict[str, type[BaseModel]] = {}
    for value in vars(methods).values():
        name = getattr(value, "__api_method__", None)
        if isinstance(name, str) and issubclass(value, BaseModel):
            known[name.lower()] = value
    return known


def knows(method: str) -> bool:
    """Whether the real API has such a method, as far as we can tell."""
    return AVAILABLE and method.lower() in _models()


def violations(method: str, values: Mapping[str, object], uploads: Iterable[str]) -> list[str]:
    """Everything wrong with a request, each as "method: where: what"."""
    if not AVAILABLE:
        return []
    model = _models().get(method.lower())
    if model is None:
        return [f"{method}: no such method"]
    files = set(uploads)
    told = {name: _decoded(model, name, value) for name, value in values.items()}
    told |= {name: "attach://" + name for name in files if name in model.model_fields}
    try:
        parsed = model.model_validate(told)
    except ValidationError as error:
        return [f"{method}: {problem}" for problem in _problems(error)]
    return [f"{method}: {name}: no such parameter" for name in _unknown(parsed, "")]


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        yield f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"


def _decoded(model: type[BaseModel], name: str, value: object) -> object:
    """A form has only strings: read those as JSON that are not meant to be strings."""
    if not isinstance(value, str) or name not in model.model_fields or _is_text(model, name):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value  # "@channel" for a chat_id; or wrong, and the model says so


@cache
def _is_text(model: type[BaseModel], name: str) -> bool:
    from aiogram.client.default import Default
    from aiogram.types import InputFile

    return _parts(model.model_fields[name].annotation) <= {str, NoneType, Default, InputFile}


def _parts(annotation: object) -> set[object]:
    if get_origin(annotation) not in {Union, UnionType}:
        return {annotation}
    return {part for each in get_args(annotation) for part in _parts(each)}


def _unknown(value: object, path: str) -> Iterator[str]:
    """The names nobody knows, with the way that leads to them."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            yield f"{path}{name}"
        for name in value.model_fields_set & set(type(value).model_fields):
            yield from _unknown(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unknown(item, f"{path}{number}.")


def misshapen(kind: str, body: object) -> list[str]:
    """What is wrong with something of ours, such as an "Update", by the same models."""
    from aiogram import types

    try:
        parsed = _shape(vars(types)[kind]).validate_python(body)
    except ValidationError as error:
        return [f"{kind}: {problem}" for problem in _problems(error)]
    return [f"{kind}: {name}: no such field" for name in _unknown(parsed, "")]


@cache
def _shape(model: type[BaseModel]) -> TypeAdapter[BaseModel]:
    return TypeAdapter(model)
