"""A call's arguments: JSON, a form, or the query; in forms, lists and objects are JSON strings."""

import json

from aiohttp import web

from tests.slack.emulator.errors import Refused, bad

Json = dict[str, object]


class Arguments:
    """What was passed, read by type. Each reader raises `Refused` where it is something else."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, bool | int | float):
            return str(value)
        if not isinstance(value, str):
            raise bad(f"must be a string [json-pointer:/{name}]")
        return value

    def needed(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise bad(f"missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        return value is True or (isinstance(value, str) and value.lower() in {"1", "true"})

    def number(self, name: str, default: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not value.isdigit():
            raise bad(f"must be a number [json-pointer:/{name}]")
        return int(value)

    def given(self, name: str) -> object:
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad(f"must be JSON [json-pointer:/{name}]") from error

    def items(self, name: str) -> list[Json]:
        value = self.given(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad(f"must be an array of objects [json-pointer:/{name}]")
        return value

    def fields(self, name: str) -> Json:
        value = self.given(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise bad(f"must be an object [json-pointer:/{name}]")
        return value


async def read(request: web.Request) -> Arguments:
    """Collect the arguments. Raises `Refused` if the body cannot be read."""
    values: Json = dict(request.query)
    if request.content_type == "application/json":
        return Arguments(values | _json(await request.read()))
    form = await request.post()
    return Arguments(values | dict(form.items()))


def _json(body: bytes) -> Json:
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise Refused("invalid_json") from error
    if not isinstance(value, dict):
        raise Refused("json_not_object")
    return {name: each for name, each in value.items() if each is not None}
